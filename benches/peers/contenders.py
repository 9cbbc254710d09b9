"""The proxies: how each is started, and what it needs to be there."""

import os
import shutil
from dataclasses import dataclass

from processes import Process, Together, free_port

CONFIGURATIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "configurations")
MODULES = "/usr/lib/apache2/modules"
# From GitHub's documents; the emulator knows it.
TOKEN = "e72e16c7e42f292c6912e7710c838347ae178b4a"
BARE = os.path.normpath(f"{CONFIGURATIONS}/../../../target/release/examples/bare_proxy")


@dataclass(frozen=True)
class Contender:
    """One proxy in one configuration."""

    name: str
    title: str
    program: str
    # The last is what it is started with.
    templates: tuple
    arguments: tuple
    gated: bool = False
    path: str = "/"
    workers: int = 1
    needs: tuple = ()
    environment: tuple = ()
    # Speaks nothing but HTTP/1.1 without TLS.
    is_plain: bool = False
    # Speaks nothing but gRPC.
    is_grpc: bool = False
    # Asks the decisions door of a gate, whose processor time counts as its own.
    asks: bool = False
    # Is that door; the load is what a proxy would ask it.
    is_door: bool = False
    # Lines that a client would not send.
    lines: tuple = ()

    def speaks(self, scenario):
        if self.is_grpc:
            return scenario.name == "h2c"
        return not self.is_plain or (scenario.protocol == "h1" and not scenario.tls)

    def answers(self, scenario):
        """Returns how many bytes the right answer has; none where that is of no concern."""
        if self.is_grpc:
            return None
        return 0 if self.is_door else scenario.body_bytes

    def sends(self, directory):
        """Writes what the load sends, and returns the file; none if it sends nothing."""
        if not self.is_grpc:
            return None
        file = os.path.join(directory, "check")
        with open(file, "wb") as output:
            output.write(check_request())
        return file

    def missing(self, binary):
        """Returns what is not installed, if anything is not."""
        if self.asks and not os.access(binary, os.X_OK):
            return f"{binary} (cargo build --release)"
        if self.program == "ghes-gatekeeper":
            return None if os.access(binary, os.X_OK) else f"{binary} (cargo build --release)"
        if self.program == BARE:
            built = "cargo build --release --example bare_proxy"
            return None if os.access(BARE, os.X_OK) else f"{BARE} ({built})"
        if not shutil.which(self.program):
            return self.program
        return next((file for file in self.needs if not os.path.exists(file)), None)

    def _gate(self, values, directory, scene, processors):
        file = render("gatekeeper-decisions.toml", values, directory)
        command = [scene.binary, "--log", "warn", "serve", "--config", file]
        gate = Process(command, processors, os.path.join(directory, "gate.log"))
        gate.wait_until_listening(values["DECISIONS"])
        return gate

    def start(self, scenario, scene, processors):
        """Starts it on these processors; returns the process, its port and the URL."""
        port = free_port()
        directory = scene.new_directory()
        values = {**scene.values, **_front(scenario, scene.values), "DIRECTORY": directory}
        values |= {"ADMIN": free_port(), "PORT": port, "WORKERS": self.workers}
        values |= {"GATE": free_port(), "DECISIONS": port if self.is_door else free_port()}
        for template in self.templates:
            values["FILE"] = render(template, values, directory)
        environment = {name: fill(value, values) for name, value in self.environment}
        program = scene.binary if self.program == "ghes-gatekeeper" else self.program
        command = [program, *(fill(argument, values) for argument in self.arguments)]
        process = Process(command, processors, os.path.join(directory, "log"), environment)
        if self.asks:
            process = Together(self._gate(values, directory, scene, processors), process)
        scheme = "https" if scenario.tls else "http"
        path = self.path + ("large" if scenario.large else "")
        return process, port, f"{scheme}://127.0.0.1:{port}{path}"


def check_request():
    """Returns Envoy's CheckRequest for a GET with the known token, as a message of gRPC."""
    headers = {":path": "/", "authorization": f"Bearer {TOKEN}", "user-agent": "h2load"}
    entries = [field(3, field(1, name) + field(2, value)) for name, value in headers.items()]
    http = field(2, "GET") + b"".join(entries)
    http += field(4, "/") + field(5, "tools.example.com") + field(6, "http")
    message = field(1, field(4, field(2, http)))
    return b"\0" + len(message).to_bytes(4, "big") + message


def field(number, value):
    """Returns a field of protobuf with bytes or a text in it."""
    value = value.encode() if isinstance(value, str) else value
    length, rest = b"", len(value)
    while rest > 127:
        length, rest = length + bytes([rest & 127 | 128]), rest >> 7
    return bytes([number << 3 | 2]) + length + bytes([rest]) + value


def render(name, values, directory):
    """Fills in a configuration's template, and returns the file."""
    with open(os.path.join(CONFIGURATIONS, name), encoding="utf-8") as template:
        text = fill(template.read(), values)
    file = os.path.join(directory, name)
    with open(file, "w", encoding="utf-8") as output:
        output.write(text)
    return file


def fill(text, values):
    """Puts values in place of their names, which stand as @NAME@."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def _front(scenario, values):
    """How each proxy is told which protocol its clients speak."""
    tls, h2 = scenario.tls, scenario.protocol == "h2"
    certificate, key = values["CERTIFICATE"], values["KEY"]
    gate_tls = f'[server.tls]\ncert_file = "{certificate}"\nkey_file = "{key}"' if tls else ""
    alpn = "h2" if h2 else "http/1.1"
    haproxy = f"ssl crt {certificate} alpn {alpn}" if tls else "proto h2" if h2 else ""
    return {
        "APACHE_PROTOCOLS": ("h2 " if tls else "h2c ") * h2 + "http/1.1",
        "APACHE_THREADS": max(64, scenario.connections),
        "APACHE_TLS": "on" if tls else "off",
        "CADDY_SCHEME": "https" if tls else "http",
        "CADDY_TLS": f"tls {certificate} {key}" if tls else "",
        "GATE_H2C": str(h2 and not tls).lower(),
        "GATE_TLS": gate_tls,
        "HAPROXY_BIND": haproxy,
        "NGINX_LISTEN": "ssl " * tls + "http2" * h2,
    }


def _ours(name, title, log="warn,access=off", template="gatekeeper.toml", **more):
    arguments = ("--log", log, "serve", "--config", "@FILE@")
    return Contender(name, title, "ghes-gatekeeper", (template,), arguments, **more)


def _nginx(name, title, template, **more):
    return Contender(name, title, "nginx", (template,), ("-c", "@FILE@"), **more)


def _apache(name, title, *templates, **more):
    arguments = ("-D", "FOREGROUND", "-f", "@FILE@")
    return Contender(name, title, "apache2", ("apache.conf", *templates), arguments, **more)


OURS = "ours"

CONTENDERS = [
    _ours(OURS, "ghes-gatekeeper, gated, metrics, no access log", gated=True),
    _ours("ours-log", "the same, with its access log (--log info)", log="info", gated=True),
    _ours("ours-open", "the same as the first, an anonymous route", path="/open/"),
    Contender(
        "bare",
        "bare_proxy.rs on hyper, forwarding",
        BARE,
        (),
        ("127.0.0.1:@PORT@", "127.0.0.1:@UPSTREAM@"),
        is_plain=True,
    ),
    _nginx("nginx", "nginx, forwarding", "nginx.conf"),
    _nginx("nginx-gated", "nginx, auth_request, cached", "nginx-gated.conf", gated=True),
    _nginx(
        "nginx-asking",
        "nginx, auth_request to our decisions door",
        "nginx-asking.conf",
        gated=True,
        is_plain=True,
        asks=True,
    ),
    _ours(
        "decision",
        "our decisions door alone, /auth/nginx",
        template="gatekeeper-decisions.toml",
        gated=True,
        is_plain=True,
        is_door=True,
        path="/auth/nginx",
        lines=("x-original-method: GET", "x-original-url: http://tools.example.com/"),
    ),
    _ours(
        "decision-grpc",
        "our decisions door alone, Envoy's call by gRPC",
        template="gatekeeper-decisions.toml",
        is_grpc=True,
        is_door=True,
        path="/envoy.service.auth.v3.Authorization/Check",
        lines=("content-type: application/grpc", "te: trailers"),
    ),
    Contender(
        "haproxy",
        "HAProxy, forwarding",
        "haproxy",
        ("haproxy.cfg",),
        ("-db", "-f", "@FILE@"),
    ),
    Contender(
        "caddy",
        "Caddy, forwarding",
        "caddy",
        ("Caddyfile",),
        ("run", "--adapter", "caddyfile", "--config", "@FILE@"),
        environment=(
            ("GOMAXPROCS", "1"),
            ("XDG_CONFIG_HOME", "@DIRECTORY@"),
            ("XDG_DATA_HOME", "@DIRECTORY@"),
        ),
    ),
    _apache("apache", "Apache (mpm_event), forwarding"),
    _apache(
        "apache-openidc",
        "Apache, mod_auth_openidc, cached",
        "apache-openidc.conf",
        gated=True,
        needs=(f"{MODULES}/mod_auth_openidc.so",),
    ),
]

# Of the scenario "workers".
WORKERS = [
    _ours(OURS, "ghes-gatekeeper, gated, workers = 1", gated=True),
    _ours("ours-two", "ghes-gatekeeper, gated, workers = 2", gated=True, workers=2),
]
