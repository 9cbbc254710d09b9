"""What is asked of each proxy."""

from dataclasses import dataclass

SMALL, LARGE = 35, 100 * 1024


@dataclass(frozen=True)
class Scenario:
    """One kind of load."""

    name: str
    title: str
    connections: int
    streams: int = 1
    protocol: str = "h1"
    tls: bool = False
    large: bool = False
    # Ours with one worker against ours with two, on all processors, in place of all proxies.
    workers: bool = False

    @property
    def body_bytes(self):
        return LARGE if self.large else SMALL


SCENARIOS = [
    Scenario("h1", "64 connections kept alive, HTTP/1.1, 35 bytes", 64),
    Scenario("h1-one", "1 connection kept alive, HTTP/1.1, 35 bytes", 1),
    Scenario("h1-thousand", "1,000 connections kept alive, HTTP/1.1, 35 bytes", 1000),
    Scenario("body", "64 connections kept alive, HTTP/1.1, 100 KiB", 64, large=True),
    Scenario("h1-tls", "64 connections kept alive, HTTP/1.1 over TLS 1.3, 35 bytes", 64, tls=True),
    Scenario(
        "h2-tls",
        "8 connections with 16 streams each, HTTP/2 over TLS 1.3, 35 bytes",
        8,
        streams=16,
        protocol="h2",
        tls=True,
    ),
    Scenario(
        "h2c",
        "8 connections with 16 streams each, HTTP/2 without TLS, 35 bytes",
        8,
        streams=16,
        protocol="h2",
    ),
    Scenario(
        "workers",
        "64 connections kept alive, HTTP/1.1, 35 bytes; everybody on both processors",
        64,
        workers=True,
    ),
]

# Few enough for four minutes.
USUAL = ["h1", "h1-tls", "h2-tls"]
