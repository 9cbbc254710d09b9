"""A tool made with Flask, which knows about the proxy before it what the defaults know."""

from flask import Flask, redirect, request, session, url_for
from werkzeug.serving import make_server

app = Flask(__name__)
app.secret_key = "of no value"


@app.get("/dir/")
def directory():
    return "a directory"


@app.get("/login")
def login():
    session["user"] = request.headers["X-Forwarded-User"]
    return redirect(url_for("directory", _external=True))


@app.post("/length")
def length():
    return request.environ.get("CONTENT_LENGTH") or "none"


@app.get("/link")
def link():
    return url_for("directory", _external=True)


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
