"""Processes: where they run, what they use, and that they end with the bench."""

import os
import pathlib
import signal
import subprocess
import sys
import time

BENCH = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = BENCH.parent

# What is measured runs on one core, what measures it on another one.
SERVER_CORE = "0"
LOAD_CORE = "1"

TICKS = os.sysconf("SC_CLK_TCK")


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def pinned(core, command):
    return ["taskset", "-c", core, *map(str, command)]


class Process:
    """A process that is stopped when the bench ends."""

    running = []

    def __init__(self, command, core, log, env=None, user=None):
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(
                pinned(core, command), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(env or {})}, user=user, group=user, start_new_session=True,
                cwd=pathlib.Path(log).parent,
            )
        Process.running.append(self)

    @property
    def pid(self):
        return self.child.pid

    def stop(self, how=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self in Process.running:
            Process.running.remove(self)

    def cpu_seconds(self):
        """Of this process and its children."""
        return sum(cpu_of(pid) for pid in family(self.pid))

    def rss_mb(self):
        return status_kb(self.pid, "VmRSS") / 1024

    def peak_mb(self):
        return status_kb(self.pid, "VmHWM") / 1024


def stop_all():
    for process in reversed(list(Process.running)):
        process.stop()


def family(pid):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(children.get(one, []))
    return found


def cpu_of(pid):
    """Of a process and of those of its children that have ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def status_kb(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def build(args):
    """Returns the programs, built in release."""
    if args.frontpage:
        program = pathlib.Path(args.frontpage).resolve()
    else:
        say("Building frontpage (release)")
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=REPOSITORY, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
        program = target / "release" / "frontpage"
    floor = BENCH / "floor"
    say("Building the floor (release)")
    environment = {**os.environ, "CARGO_TARGET_DIR": str(floor / "target")}
    subprocess.run(["cargo", "build", "--release", "--locked", "-q"], cwd=floor, check=True, env=environment)
    return program, floor / "target" / "release" / "frontpage-floor"


def facts():
    """What the figures were made on."""
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    revision = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=REPOSITORY, capture_output=True, text=True)
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "kernel": os.uname().release,
        "revision": revision.stdout.strip() or "unknown",
        "load": f"{os.getloadavg()[0]:.1f}",
    }
