"""What h2load does and says."""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from typing import NamedTuple

from processes import Refused, pinned

# Seconds after which h2load should have ended: it waits for ever where a connection is not accepted
# while it measures.
PATIENCE = 15


@dataclass(frozen=True)
class Answer:
    """What one request got."""

    status: int
    body_bytes: int


@dataclass(frozen=True)
class Sample:
    """What was measured of one contender in one round."""

    processor_us: float
    """Processor time of the proxy for each request, in µs."""

    everybody_us: float
    """The same of proxy, upstream and load generator together."""

    rate: float
    """Requests per second."""

    latencies_us: tuple
    """The 50th, 99th and 99.9th percentile."""

    busy: float
    """Share of its processors that the proxy had."""

    others: float
    """Share of its processors that others had, who are no part of this."""


class Load:
    """A load generator for one scenario."""

    def __init__(self, contender, scenario, processors, directory):
        self._body_bytes = contender.answers(scenario)
        self._lines = contender.lines
        self._sends = contender.sends(directory)
        self._scenario = scenario
        self._processors = processors
        self._log = os.path.join(directory, "h2load.log")

    def ask_once(self, url, token):
        """Sends one request, with a token if there is one."""
        output, rows = self._finish(self._start(["-n1", "-c1"], url, token))
        if len(rows) != 1:
            raise Refused(f"no answer from {url}")
        return Answer(rows[0].status, _data_bytes(output))

    def measure(self, url, token, seconds, observe):
        """Measures a window within a longer load, so that no connection is opened in it.

        `observe` takes the identity of the load generator and returns a `Moment`.
        """
        warm_up = max(0.3, seconds / 4)
        scenario = self._scenario
        duration = f"-D{round((warm_up + seconds + 0.2) * 1000)}ms"
        arguments = [duration, f"-c{scenario.connections}", f"-m{scenario.streams}"]
        generator = self._start(arguments, url, token)
        try:
            time.sleep(warm_up)
            before = observe(generator.pid)
            time.sleep(seconds)
            after = observe(generator.pid)
        except BaseException:
            _kill(generator)
            raise
        output, rows = self._finish(generator)
        _expect_only_good(output, rows, self._body_bytes or 0)
        return _sample(before, after, rows)

    def _start(self, arguments, url, token):
        # A cipher that all of them have, so that nobody is measured with a dearer one.
        cipher = "--tls13-ciphers=TLS_AES_128_GCM_SHA256"
        command = ["h2load", f"--log-file={self._log}", cipher, *arguments]
        if self._scenario.protocol == "h1":
            command.append("--h1")
        if token:
            command += ["-H", f"authorization: Bearer {token}"]
        for line in self._lines:
            command += ["-H", line]
        if self._sends:
            command += ["-d", self._sends]
        if os.path.exists(self._log):
            # It would be appended to.
            os.remove(self._log)
        with pinned(self._processors):
            return subprocess.Popen(
                [*command, url],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def _finish(self, generator):
        try:
            output, _ = generator.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            _kill(generator)
            raise Refused("h2load does not end: were all its connections accepted?") from None
        except BaseException:
            _kill(generator)
            raise
        if generator.returncode != 0:
            raise Refused(f"h2load failed: {output.strip()[-200:]}")
        with open(self._log, encoding="ascii") as log:
            return output, [_Row(*map(int, line.split()[:3])) for line in log]


class _Row(NamedTuple):
    """A line of h2load's log."""

    began_us: int
    status: int
    duration_us: int


class Moment(NamedTuple):
    """Counters that are read together."""

    at: float
    """Seconds since 1970, as in h2load's log."""
    gate: float
    """Seconds of processor time that the proxy has used."""
    everybody: float
    """The same of proxy, upstream and load generator."""
    busy: float
    """The same of anybody at all, on the proxy's processors."""
    processors: int
    """How many processors the proxy has."""


def _kill(generator):
    generator.kill()
    generator.wait()


def _data_bytes(output):
    return int(re.search(r"\((\d+)\) data", output).group(1))


def _expect_only_good(output, rows, body_bytes):
    failures = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", output)
    statuses = {row.status for row in rows}
    if statuses != {200} or any(map(int, failures.groups())):
        raise Refused(f"not every answer was good: {failures.group()}, statuses {statuses}")
    # Where answers were still under way at the end, there is more.
    if _data_bytes(output) < len(rows) * body_bytes:
        raise Refused("answers were shorter than they should be")


def _sample(before, after, rows):
    began_us, ended_us = before.at * 1e6, after.at * 1e6
    latencies = sorted(
        row.duration_us for row in rows if began_us <= row.began_us + row.duration_us < ended_us
    )
    if not latencies:
        raise Refused("no request ended within the window; measure for longer")
    count, seconds = len(latencies), after.at - before.at
    gate = after.gate - before.gate
    capacity = seconds * after.processors
    return Sample(
        processor_us=gate / count * 1e6,
        everybody_us=(after.everybody - before.everybody) / count * 1e6,
        rate=count / seconds,
        latencies_us=tuple(latencies[int(count * share)] for share in (0.5, 0.99, 0.999)),
        busy=gate / capacity,
        others=max(0.0, (after.busy - before.busy - gate) / capacity),
    )
