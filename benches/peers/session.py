#!/usr/bin/env python3
"""Measures what a session costs over a bearer token: at one gate, in turn."""

import argparse
import http.client
import os
import statistics
import sys
import tempfile
import time
import urllib.parse
from contextlib import ExitStack
from dataclasses import replace

from compare import ROOT, _prepare, _processors
from contenders import CONTENDERS, TOKEN, render
from load import Load, Moment
from processes import Process, Refused, busy_time, free_port, processor_time
from scenarios import SCENARIOS
from scene import Scene


def log_in(gate):
    """Goes through the login as a browser does; returns the line with the cookie."""
    cookies, host = {}, f"127.0.0.1:{gate}"

    def send(method, url, body=None):
        parts = urllib.parse.urlsplit(url)
        at_gate = parts.netloc == host
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        headers = {"Accept": "text/html"}
        if at_gate and cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, f"{parts.path}?{parts.query}", body, headers)
        answer = connection.getresponse()
        for line in answer.msg.get_all("Set-Cookie") or [] if at_gate else []:
            pair, attributes = line.split(";", 1)
            name, value = pair.split("=", 1)
            cookies[name] = value
            if "Max-Age=0;" in attributes:
                del cookies[name]
        location = answer.getheader("Location")
        connection.close()
        return location

    to_ghes = send("GET", f"http://{host}/oauth2/start")
    page, query = to_ghes.split("?", 1)
    approval = f"{query}&login=octocat&password=octocat&decision=authorize"
    send("GET", send("POST", page, approval))
    if list(cookies) != ["__Host-ghes-gatekeeper"]:
        raise Refused(f"the login did not succeed; there are {list(cookies)}")
    return f"cookie: __Host-ghes-gatekeeper={cookies['__Host-ghes-gatekeeper']}"


def measure(scene, processors, load_processors, rounds, seconds):
    """Returns the µs of each round, with a token and with a cookie."""
    port, directory = free_port(), scene.new_directory()
    with open(os.path.join(directory, "session.key"), "w", encoding="ascii") as key:
        key.write("0123456789abcdef0123456789abcdef\n")
    values = {**scene.values, "PORT": port, "DIRECTORY": directory}
    file = render("gatekeeper-login.toml", values, directory)
    command = [scene.binary, "--log", "warn", "serve", "--config", file]
    gate = Process(command, processors, os.path.join(directory, "log"))
    with gate:
        gate.wait_until_listening(port)
        cookie = log_in(port)
        loads = []
        for token, lines in ((TOKEN, ()), (None, (cookie,))):
            contender = replace(CONTENDERS[0], lines=lines)
            load = Load(contender, SCENARIOS[0], load_processors, scene.directory)
            status = load.ask_once(f"http://127.0.0.1:{port}/", token).status
            if status != 200:
                raise Refused(f"the gate answers {status}")
            loads.append((load, token, []))

        def observe(generator):
            own, upstream = gate.processor_time(), scene.upstream.processor_time()
            everybody = own + upstream + processor_time(generator)
            return Moment(time.time(), own, everybody, busy_time(processors), len(processors))

        for _ in range(rounds):
            for load, token, samples in loads:
                sample = load.measure(f"http://127.0.0.1:{port}/", token, seconds, observe)
                samples.append(sample.processor_us)
        return [samples for _, _, samples in loads]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    binary = os.path.join(ROOT, "target/release/ghes-gatekeeper")
    parser.add_argument("--binary", default=binary, help="ours; by default that of cargo build --release")
    parser.add_argument("--rounds", type=int, default=8, help="default: 8")
    parser.add_argument("--seconds", type=float, default=1.5, help="of a window; default: 1.5")
    chosen = parser.parse_args()
    _prepare()
    processors, load_processors = _processors()
    os.sched_setaffinity(0, load_processors)
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="peers-"))
        scene = Scene(os.path.abspath(chosen.binary), directory, load_processors)
        stack.enter_context(scene)
        bearer, cookie = measure(scene, processors, load_processors, chosen.rounds, chosen.seconds)
    more = [with_cookie - with_bearer for with_bearer, with_cookie in zip(bearer, cookie)]
    print(f"µs of CPU a request, median of {chosen.rounds} rounds in turn, 64 connections, HTTP/1.1")
    print(f"  bearer token  {statistics.median(bearer):6.2f}")
    print(f"  cookie        {statistics.median(cookie):6.2f}")
    print(f"  difference    {statistics.median(more):6.2f}  ({min(more):.2f} to {max(more):.2f})")


if __name__ == "__main__":
    try:
        main()
    except Refused as reason:
        sys.exit(str(reason))
