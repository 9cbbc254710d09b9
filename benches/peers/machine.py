"""On what was measured."""

import platform
import re
import subprocess

_VERSIONS = {
    "nginx": (["nginx", "-v"], r"nginx/(\S+)"),
    "haproxy": (["haproxy", "-v"], r"version (\S+)"),
    "caddy": (["caddy", "version"], r"v?(\S+)"),
    "apache2": (["apache2", "-v"], r"Apache/(\S+)"),
    "mod_auth_openidc": (
        ["dpkg-query", "-W", "-f=${Version}", "libapache2-mod-auth-openidc"],
        r"(\S+)",
    ),
    "h2load": (["h2load", "--version"], r"nghttp2/(\S+)"),
    "openssl": (["openssl", "version"], r"OpenSSL (\S+)"),
}


def description(binary):
    """Returns a line about the machine and one about the versions."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = re.findall(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    model = models[0] if models else platform.machine()
    versions = {"ghes-gatekeeper": _version([binary, "--version"], r"(\d\S+)")}
    versions |= {name: _version(*question) for name, question in _VERSIONS.items()}
    known = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return [
        f"{len(models)} × {model}, {platform.system()} {platform.release()}",
        f"{known}, Python {platform.python_version()}",
    ]


def _version(command, pattern):
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(pattern, run.stdout + run.stderr)
    return found.group(1) if found and run.returncode == 0 else None
