"""A tool made with Django, with its check of where a form comes from."""

from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    APPEND_SLASH=True,
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no value",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
)


def form(request):
    if request.method == "POST":
        return HttpResponse("saved")
    return HttpResponse(get_token(request))


def link(request):
    return HttpResponse(request.build_absolute_uri("/form/"))


urlpatterns = [path("form/", form), path("link/", link)]
server = make_server("127.0.0.1", 0, get_wsgi_application())
print(server.server_port, flush=True)
server.serve_forever()
