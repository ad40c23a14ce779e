"""Load by wrk, and what it tells."""

import json
import os
import subprocess

from .database import Failed
from .machine import BENCH, LOAD_CORE, pinned


class Run:
    """One run against one program."""

    def __init__(self, result, cpu, share):
        self.rate = result["requests"] / result["micros"] * 1e6
        self.p50, self.p99 = result["p50"] / 1e3, result["p99"] / 1e3
        self.requests, self.refused, self.broken = result["requests"], result["refused"], result["broken"]
        self.failed = self.refused + self.broken
        # Answers that are no refusals.
        self.good = (self.requests - self.refused) / result["micros"] * 1e6
        # Processor time for one request, in microseconds; the same on a busy machine.
        self.cpu = cpu / max(1, result["requests"]) * 1e6
        # How much of its core the program had; less than the whole when others had some, or when wrk was the limit.
        self.share = share


def start(served, script, arguments, connections, seconds, pause=0):
    """Begins a load, of which each connection pauses for some milliseconds between its requests."""
    url = f"http://127.0.0.1:{served.port}"
    command = ["wrk", "-t", 1, "-c", connections, "-d", f"{seconds}s", "--timeout", "10s", "--latency",
               "-s", BENCH / "load" / script, url, "--", *arguments]
    return subprocess.Popen(pinned(LOAD_CORE, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "PAUSE_MS": str(pause)})


def finish(child):
    out, error = child.communicate()
    line = next((line for line in out.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise Failed(f"wrk: {out[-1000:]}{error[-1000:]}")
    return json.loads(line[7:])


def run(served, script, arguments, connections, seconds):
    before = served.cpu_seconds()
    result = finish(start(served, script, arguments, connections, seconds))
    cpu = served.cpu_seconds() - before
    return Run(result, cpu, cpu / (result["micros"] / 1e6))
