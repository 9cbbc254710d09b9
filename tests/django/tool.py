"""A tool that reads paths as Django does. Says which of its views a request has reached, and by
what path."""

from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import re_path


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def view(name):
    return lambda request: HttpResponse(f"{name} {request.path}")


settings.configure(
    ALLOWED_HOSTS=["*"],
    # Among other things, it says how long a response is.
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
)
urlpatterns = [
    re_path(r"^pub/admin(?:/|$)", view("admin")),
    re_path(r"^pub(?:/|$)", view("pub")),
    re_path(r"", view("other")),
]

with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
