"""Processes that this run has started: on which processor, how busy, and how they end."""

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Refused(Exception):
    """Something is missing or does not answer as it should; the message is one line."""


class Process:
    """A server, with all processes that it starts itself."""

    def __init__(self, command, processors, log, environment=None):
        self.log = log
        self.name = os.path.basename(command[0])
        with open(log, "ab") as output, pinned(processors):
            # In a session of its own: Ctrl-C is for this script, which then ends them in order.
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._popen.terminate()
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            pass
        # What is left of its session, which nobody else is in.
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._popen.wait()

    def wait_until_listening(self, port):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if self._popen.poll() is not None:
                raise Refused(f"{self.name} has ended: {self._last_words()}")
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise Refused(f"{self.name} does not listen: {self._last_words()}")

    def _last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            lines = [line.strip() for line in log if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def processor_time(self):
        """Returns the seconds that all its processes have used, in and for the kernel too."""
        return sum(map(processor_time, _family(self._popen.pid)))


class Together:
    """A server, and another that it asks."""

    def __init__(self, asked, asking):
        self._asked = asked
        self._asking = asking

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self._asking.__exit__(*reason)
        self._asked.__exit__(*reason)

    def wait_until_listening(self, port):
        self._asking.wait_until_listening(port)

    def processor_time(self):
        """Returns the seconds that both have used."""
        return self._asked.processor_time() + self._asking.processor_time()


@contextmanager
def pinned(processors):
    """Lets what is started meanwhile run on these processors alone."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def free_port():
    """Returns a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def busy_time(processors):
    """Returns the seconds that anybody at all has used of these processors since the start."""
    names = {f"cpu{processor}" for processor in processors}
    with open("/proc/stat", encoding="ascii") as stat:
        lines = [line.split() for line in stat]
    # user, nice, system; then irq, softirq, steal. Between them idle and iowait.
    ticks = [
        sum(map(int, fields[1:4] + fields[6:9])) for fields in lines if fields[0] in names
    ]
    return sum(ticks) / TICKS_PER_SECOND


def _stat(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            # The name in parentheses may contain anything.
            return stat.read().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _family(ancestor):
    parents = {}
    for entry in os.listdir("/proc"):
        fields = _stat(entry) if entry.isdigit() else None
        if fields:
            parents[int(entry)] = int(fields[1])
    family = {ancestor}
    while children := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= children
    return family


def processor_time(pid):
    """Returns the seconds that one process has used."""
    fields = _stat(pid)
    # proc(5) counts from 1, and two fields stand before these: utime is 14, stime is 15.
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND if fields else 0.0
