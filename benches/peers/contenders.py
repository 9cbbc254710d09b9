"""The proxies: how each is started, and what it needs to be there."""

import os
import shutil
from dataclasses import dataclass

from processes import Process, free_port

CONFIGURATIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "configurations")
MODULES = "/usr/lib/apache2/modules"
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

    def speaks(self, scenario):
        return not self.is_plain or (scenario.protocol == "h1" and not scenario.tls)

    def missing(self, binary):
        """Returns what is not installed, if anything is not."""
        if self.program == "ghes-gatekeeper":
            return None if os.access(binary, os.X_OK) else f"{binary} (cargo build --release)"
        if self.program == BARE:
            built = "cargo build --release --example bare_proxy"
            return None if os.access(BARE, os.X_OK) else f"{BARE} ({built})"
        if not shutil.which(self.program):
            return self.program
        return next((file for file in self.needs if not os.path.exists(file)), None)

    def start(self, scenario, scene, processors):
        """Starts it on these processors; returns the process, its port and the URL."""
        port = free_port()
        directory = scene.new_directory()
        values = {**scene.values, **_front(scenario, scene.values), "DIRECTORY": directory}
        values |= {"ADMIN": free_port(), "PORT": port, "WORKERS": self.workers}
        for template in self.templates:
            values["FILE"] = render(template, values, directory)
        environment = {name: fill(value, values) for name, value in self.environment}
        program = scene.binary if self.program == "ghes-gatekeeper" else self.program
        command = [program, *(fill(argument, values) for argument in self.arguments)]
        process = Process(command, processors, os.path.join(directory, "log"), environment)
        scheme = "https" if scenario.tls else "http"
        path = self.path + ("large" if scenario.large else "")
        return process, port, f"{scheme}://127.0.0.1:{port}{path}"


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


def _ours(name, title, log="warn", **more):
    arguments = ("--log", log, "serve", "--config", "@FILE@")
    templates = ("gatekeeper.toml",)
    return Contender(name, title, "ghes-gatekeeper", templates, arguments, **more)


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
