"""What stands around every proxy: upstream, GHES, an introspection endpoint, a certificate."""

import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from contenders import MODULES, TOKEN, render
from processes import Process, Refused, free_port
from scenarios import LARGE

# From GitHub's documents; the emulator knows it.
CLIENT_ID = "Iv1.8a61f9b3a7aba766"
CLIENT_SECRET = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"


class Scene:
    """Runs on the processors of the load, in a directory that goes with it."""

    def __init__(self, binary, directory, processors):
        self.binary = binary
        self.directory = directory
        self._processors = processors
        self._running = ExitStack()

    def __enter__(self):
        with ExitStack() as started:
            self._prepare_directory()
            ghes, upstream = free_port(), free_port()
            self.values = {**self._secrets(), "GHES": ghes, "UPSTREAM": upstream}
            introspection = _Introspection(self.values["CERTIFICATE"], self.values["KEY"])
            self._introspection = started.enter_context(introspection)
            self.values["INTROSPECTION"] = introspection.port
            emulator = [self.binary, "--log", "warn", "emulator", "--listen", f"127.0.0.1:{ghes}"]
            started.enter_context(self._start(emulator, ghes))
            values = {**self.values, "PORT": upstream}
            nginx = ["nginx", "-c", render("upstream.conf", values, self.directory)]
            self.upstream = started.enter_context(self._start(nginx, upstream))
            self._running = started.pop_all()
        return self

    def __exit__(self, *_):
        self._running.close()

    def new_directory(self):
        """Returns a directory for one start of a proxy, which finds no cache in it."""
        directory = tempfile.mkdtemp(dir=self.directory)
        # Workers of nginx and Apache give up being root, and still have to get in.
        os.chmod(directory, 0o755)
        return directory

    def questions(self):
        """Returns how often anybody has asked about a token so far."""
        connection = http.client.HTTPConnection("127.0.0.1", self.values["GHES"], timeout=5)
        connection.request("GET", "/_emulator/requests")
        counts = json.load(connection.getresponse())
        connection.close()
        return _total(counts) + self._introspection.questions

    def _start(self, command, port):
        log = os.path.join(self.directory, f"{os.path.basename(command[0])}-{port}.log")
        process = Process(command, self._processors, log)
        with ExitStack() as started:
            started.enter_context(process)
            process.wait_until_listening(port)
            started.pop_all()
        return process

    def _prepare_directory(self):
        os.chmod(self.directory, 0o755)
        with open(os.path.join(self.directory, "large"), "wb") as large:
            large.write(b"x" * LARGE)

    def _secrets(self):
        certificate = os.path.join(self.directory, "tls.pem")
        # HAProxy looks for the key at this name.
        key = f"{certificate}.key"
        openssl = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = ["openssl", *openssl.split(), *names, "-keyout", key, "-out", certificate]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Refused(f"openssl made no certificate: {made.stderr.strip()[-200:]}")
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return {
            "APACHE_USER": "User www-data\nGroup www-data" if os.geteuid() == 0 else "",
            "BASIC": basic,
            "CERTIFICATE": certificate,
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "DIRECTORY": self.directory,
            "KEY": key,
            "MODULES": MODULES,
        }


def _total(counts):
    """Adds up all numbers of an answer."""
    if isinstance(counts, dict):
        return sum(map(_total, counts.values()))
    if isinstance(counts, list):
        return sum(map(_total, counts))
    return counts if isinstance(counts, int) else 0


class _Introspection:
    """An RFC 7662 endpoint that knows the one token, since GHES has none.

    With TLS, on which mod_auth_openidc insists.
    """

    def __init__(self, certificate, key):
        self.questions = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                endpoint.questions += 1
                length = int(self.headers.get("Content-Length", 0))
                form = urllib.parse.parse_qs(self.rfile.read(length).decode())
                body = json.dumps(_introspected(form.get("token"))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def _introspected(tokens):
    if tokens != [TOKEN]:
        return {"active": False}
    now = int(time.time())
    return {"active": True, "sub": "1", "username": "octocat", "iat": now, "exp": now + 3600}
