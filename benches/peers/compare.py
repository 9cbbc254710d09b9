#!/usr/bin/env python3
"""Measures ghes-gatekeeper beside other proxies; README.md says what and how."""

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial

from contenders import CONTENDERS, TOKEN, WORKERS
from load import Load, Moment
from machine import description
from processes import Refused, busy_time, processor_time
from report import table
from scenarios import SCENARIOS, USUAL
from scene import Scene

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A renewal may come within a window, and no more.
MOST_QUESTIONS = 3


def arguments():
    names = [scenario.name for scenario in SCENARIOS]
    known = ", ".join(contender.name for contender in CONTENDERS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--binary",
        default=os.path.join(ROOT, "target/release/ghes-gatekeeper"),
        help="ours; by default that of cargo build --release",
    )
    parser.add_argument(
        "--scenario",
        action="append",
        choices=[*names, "all"],
        metavar="NAME",
        help=f"one of {', '.join(names)}, or all; may be repeated (default: {', '.join(USUAL)})",
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", help=f"one of {known}; may be repeated"
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--seconds", type=float, default=1.5, help="of a window; default: 1.5")
    parser.add_argument("--quick", action="store_true", help="see whether everything works")
    parser.add_argument("--markdown", action="store_true", help="print tables as Markdown")
    chosen = parser.parse_args()
    if unknown := set(chosen.only or []) - {contender.name for contender in CONTENDERS}:
        parser.error(f"--only {min(unknown)}: must be one of {known}")
    return chosen


class Comparison:
    """Contenders and scenarios, in a scene."""

    def __init__(self, chosen, scene, gate_processors, load_processors):
        self._only = chosen.only
        self._rounds = 1 if chosen.quick else max(1, chosen.rounds)
        self._seconds = 0.5 if chosen.quick else chosen.seconds
        self._scene = scene
        self._gate_processors = gate_processors
        self._load_processors = load_processors
        self._left_out = set()

    def run(self, scenario):
        """Measures all contenders in turn, round by round; returns the samples of each."""
        contenders = [contender for contender in self._contenders(scenario) if self._has(contender)]
        samples = {contender: [] for contender in contenders}
        for number in range(self._rounds):
            for contender in contenders:
                if contender not in samples:
                    continue
                _progress(f"{scenario.name}, round {number + 1}: {contender.name}")
                try:
                    samples[contender].append(self._measure(contender, scenario))
                except Refused as reason:
                    _say(f"{scenario.name}: {contender.name} is left out: {reason}")
                    del samples[contender]
        _progress("")
        return samples

    def _contenders(self, scenario):
        if scenario.workers:
            return WORKERS
        named = [each for each in CONTENDERS if not self._only or each.name in self._only]
        return [each for each in named if each.speaks(scenario)]

    def _has(self, contender):
        missing = contender.missing(self._scene.binary)
        if missing and contender.name not in self._left_out:
            self._left_out.add(contender.name)
            _say(f"{contender.name} is left out: {missing} is not installed")
        return not missing

    def _measure(self, contender, scenario):
        everything = self._gate_processors | self._load_processors
        gate_on = everything if scenario.workers else self._gate_processors
        load_on = everything if scenario.workers else self._load_processors
        load = Load(contender, scenario, load_on, self._scene.directory)
        gate, port, url = contender.start(scenario, self._scene, gate_on)
        with gate:
            gate.wait_until_listening(port)
            _expect_right_answers(load, contender, url, scenario)
            token = TOKEN if contender.gated else None
            asked = self._scene.questions()
            observe = partial(self._observe, gate, gate_on)
            sample = load.measure(url, token, self._seconds, observe)
            asked = self._scene.questions() - asked
            if asked > MOST_QUESTIONS:
                raise Refused(f"its cache does not work: it has asked {asked} times")
            return sample

    def _observe(self, gate, processors, generator):
        own, upstream = gate.processor_time(), self._scene.upstream.processor_time()
        everybody = own + upstream + processor_time(generator)
        return Moment(time.time(), own, everybody, busy_time(processors), len(processors))


def _expect_right_answers(load, contender, url, scenario):
    """So that no page of an error is ever measured, and no gate that stands open."""
    token = TOKEN if contender.gated else None
    answer = load.ask_once(url, token)
    expected = contender.answers(scenario)
    if answer.status != 200 or expected not in (None, answer.body_bytes):
        raise Refused(f"it answers {answer.status} with {answer.body_bytes} bytes")
    if contender.gated:
        for credential in (None, f"{TOKEN[:-1]}c"):
            status = load.ask_once(url, credential).status
            if status != 401:
                raise Refused(f"it answers {status}, not 401, without a good token")


def _say(line):
    print(line, file=sys.stderr, flush=True)


def _progress(line):
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def _processors():
    """Returns the processors of the proxy, and those of all others."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) == 1:
        _say("there is one processor: the proxies share it with the load, so look at CPU alone")
    return {usable[0]}, {usable[-1] if len(usable) < 3 else usable[1]}


def _prepare():
    """Makes room for connections, and lets nobody's configuration leak into ours."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in [name for name in os.environ if name.startswith("GHES_GATEKEEPER_")]:
        del os.environ[name]


def _stop(number, _):
    sys.exit(128 + number)


def main():
    chosen = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup it is meant to go on.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    _prepare()
    needed = ["h2load", "nginx", "openssl"]
    if missing := [program for program in needed if not shutil.which(program)]:
        packages = "nghttp2-client nginx-light openssl"
        sys.exit(f"needs {', '.join(missing)}; on Debian: apt-get install {packages}")
    if not os.access(chosen.binary, os.X_OK):
        sys.exit(f"{chosen.binary} is not there: cargo build --release, or name it with --binary")
    usual = ["h1"] if chosen.quick else USUAL
    names = chosen.scenario or usual
    scenarios = [each for each in SCENARIOS if each.name in names or "all" in names]
    try:
        measured = _compare(chosen, scenarios)
    except Refused as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if measured else "nothing was measured")


def _compare(chosen, scenarios):
    gate_processors, load_processors = _processors()
    # This script, too, keeps away from the proxy.
    os.sched_setaffinity(0, load_processors)
    measured = False
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="peers-"))
        scene = Scene(os.path.abspath(chosen.binary), directory, load_processors)
        stack.enter_context(scene)
        comparison = Comparison(chosen, scene, gate_processors, load_processors)
        print("\n".join([*description(chosen.binary), ""]), flush=True)
        for scenario in scenarios:
            samples = comparison.run(scenario)
            if samples:
                measured = True
                print(table(scenario, samples, chosen.markdown), flush=True)
    return measured


if __name__ == "__main__":
    main()
