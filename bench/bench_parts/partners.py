"""What partners do: read feeds, follow the change feed, listen, and are told by webhooks."""

import resource
import selectors
import socket
import statistics
import threading
import time

from . import load
from .database import Failed, free_port
from .machine import LOAD_CORE, Process
from .server import Client, Raw, median

# So many changes are in the log before the newest.
CHANGES = 1_000_000
LISTENERS = 2_000
# So many endpoints are told of each publication.
ENDPOINTS = 20
DELIVERIES_A_SECOND = 1_000
# Who read meanwhile, with a pause of a millisecond after each answer: a front page that is busy and not overrun.
READERS = 16


def feeds(bench, server):
    """The feed of the 30 newest, in full."""
    for kind in ("rss", "json"):
        bench.against_floor(f"hot: feed of 30, {kind}", server, [f"/feeds/articles.{kind}"], 64)


def cold_feeds(bench, server):
    """As a single reader meets them, with nothing kept."""
    for kind in ("rss", "json"):
        raw, path = Raw(server.port), f"/feeds/articles.{kind}"
        raw.time("GET", path)
        before, times = server.cpu_seconds(), [raw.time("GET", path)[0] * 1e3 for _ in range(30 * bench.args.rounds)]
        cpu = (server.cpu_seconds() - before) / len(times) * 1e6
        bench.row(f"cold: feed of 30, {kind}", p50=median(times), p99=percentile(times, 99), cpu=cpu,
                  bytes=len(server.client().get(path).body))


def changes(bench, name):
    """A poll at the end of a long log."""
    bench.database.lengthen_log(name, CHANGES)
    server = bench.server(name)
    try:
        end = server.client().get("/v1/changes?from=latest").json()["page"]["next"]
        path = f"/v1/changes?cursor={end}"
        raw = Raw(server.port)
        raw.time("GET", path)
        times = [raw.time("GET", path)[0] * 1e3 for _ in range(200 * bench.args.rounds)]
        run = load.run(server, "get.lua", [bench.file([path], "paths.txt")], 8, bench.args.seconds)
        bench.row(f"poll of the change feed at its end, {CHANGES:,} entries behind it", p50=median(times),
                  p99=percentile(times, 99), rate=run.rate, cpu=run.cpu, share=run.share, failed=run.failed)
    finally:
        server.stop()


class Listeners:
    """Readers of the stream, who note when something comes."""

    def __init__(self, port, n):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, n + 1000)), hard))
        self.selector, self.sockets = selectors.DefaultSelector(), []
        request = b"GET /v1/changes/stream HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n"
        for _ in range(n):
            one = socket.create_connection(("127.0.0.1", port))
            one.sendall(request)
            self.sockets.append(one)
            self.selector.register(one, selectors.EVENT_READ)
        self.wait(b"event: ready", 60)

    def wait(self, mark, seconds):
        """Returns when the mark came, for each to whom it came."""
        ends, came, seen = time.perf_counter() + seconds, {}, {}
        while len(came) < len(self.sockets) and time.perf_counter() < ends:
            for key, _ in self.selector.select(0.5):
                received = key.fileobj.recv(65536)
                now = time.perf_counter()
                seen[key.fd] = seen.get(key.fd, b"") + received
                if mark in seen[key.fd]:
                    came.setdefault(key.fd, now)
        return list(came.values())

    def close(self):
        for one in self.sockets:
            one.close()


def streams(bench, server):
    """Many who listen, and something for all of them."""
    # Logins and drafts take memory, too, but not for those who listen.
    raw, token = Raw(server.port), server.token()
    paths = bench.made(server, 5 * bench.args.rounds + 5, 5000)
    for path in paths[:5]:
        raw.time("POST", f"{path}/publish", token)
    before = server.process.rss_mb()
    listeners = Listeners(server.port, LISTENERS)
    try:
        idle, rounds, missing = server.process.rss_mb() - before, [], 0
        for path in paths[5:]:
            began = time.perf_counter()
            raw.time("POST", f"{path}/publish", token)
            came = listeners.wait(b"event: published", 10)
            missing += LISTENERS - len(came)
            rounds.append([(at - began) * 1e3 for at in came])
        times = [one for round in rounds for one in round]
        bench.row(f"a publication reaches {LISTENERS:,} who listen", p50=median(times), p99=percentile(times, 99),
                  failed=missing, more_mb=max(idle, server.process.rss_mb() - before))
    finally:
        listeners.close()


RECEIVER = """
import asyncio, sys
count = 0

class Receiver(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""

    def data_received(self, data):
        global count
        self.data += data
        while True:
            head, found, rest = self.data.partition(b"\\r\\n\\r\\n")
            if not found:
                return
            length = 0
            for line in head.lower().split(b"\\r\\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if len(rest) < length:
                return
            if head.startswith(b"GET"):
                body = str(count).encode()
            else:
                count, body = count + 1, b""
            self.data = rest[length:]
            self.transport.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n%s" % (len(body), body))

async def main():
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
"""


class Receiver:
    """An endpoint that takes everything and counts it."""

    def __init__(self, data):
        self.port = free_port()
        self.process = Process(["nice", "-n", 10, "python3", "-c", RECEIVER, self.port], LOAD_CORE, data / "receiver.log")
        for _ in range(500):
            try:
                self.count()
                return
            except OSError:
                time.sleep(0.02)
        raise Failed("the receiver did not start")

    def count(self):
        return int(Client(self.port).get("/count").body)


def webhooks(bench, name):
    """Deliveries to a local receiver while others read, beside the same reads while the same is published and told to nobody."""
    server = bench.server(name, more={"FRONTPAGE_OUTGOING_LOOPBACK": "true"})
    receiver = Receiver(bench.data)
    try:
        at = bench.addresses(server)
        reads = bench.file(at["single"], "reads.txt")
        load.run(server, "get.lua", [reads], READERS, 1)
        made = [server.editor().ask("POST", "/v1/webhooks", {
            "url": f"http://127.0.0.1:{receiver.port}/{number}", "events": ["article.published"],
        }).header("location") for number in range(ENDPOINTS)]
        per_round = bench.args.seconds * DELIVERIES_A_SECOND // ENDPOINTS
        rounds = []
        for _ in range(bench.args.rounds):
            runs = {}
            for who_reads in (reads, None):
                for n_endpoints in (0, ENDPOINTS):
                    # On PostgreSQL, a change gets its place a moment after it happened; who is enabled before that is told.
                    time.sleep(2)
                    for path in made:
                        server.editor().ask("PATCH", path, {"is_enabled": n_endpoints > 0}, {"if-match": "*"})
                    paths = bench.made(server, per_round, 1000)
                    runs[who_reads, n_endpoints] = published(bench, server, who_reads, paths, receiver, n_endpoints)
            rounds.append(runs)
        told = [runs[reads, ENDPOINTS] for runs in rounds]
        bench.row(
            f"webhooks to {ENDPOINTS} endpoints while {READERS} read with pauses", rate=median([run["rate"] for run in told]),
            p99=median([run["p99"] for run in told]),
            p99_ratio=median([runs[reads, ENDPOINTS]["p99"] / max(0.001, runs[reads, 0]["p99"]) for runs in rounds]),
            failed=sum(run["missing"] for run in told),
        )
        alone = [runs[None, ENDPOINTS] for runs in rounds]
        bench.row(
            f"webhooks to {ENDPOINTS} endpoints while nobody reads", rate=median([run["rate"] for run in alone]),
            cpu=median([(runs[None, ENDPOINTS]["cpu"] - runs[None, 0]["cpu"]) / (per_round * ENDPOINTS) * 1e6
                        for runs in rounds]),
            failed=sum(run["missing"] for run in alone),
        )
    finally:
        server.stop()
        receiver.process.stop()


def published(bench, server, reads, paths, receiver, n_endpoints):
    """Publishes, while others read or nobody does; returns how much is told a second from the first publication to the last
    delivery, the processor time of all of it, and how the reads fared."""
    raw, token, before, expected = Raw(server.port), server.token(), receiver.count(), len(paths) * n_endpoints
    cpu, began = server.cpu_seconds(), time.perf_counter()
    reading = load.start(server, "get.lua", [reads], READERS, bench.args.seconds, pause=1) if reads else None
    for number, path in enumerate(paths):
        if reads:
            # A little more than what has to be told, and not as much as can be.
            time.sleep(max(0, began + number * ENDPOINTS / (1.1 * DELIVERIES_A_SECOND) - time.perf_counter()))
        _, status = raw.time("POST", f"{path}/publish", token)
        if status >= 300:
            raise Failed(f"publishing {path} answered {status}")
    while receiver.count() - before < expected and time.perf_counter() - began < 120:
        time.sleep(0.02)
    seconds, n = time.perf_counter() - began, receiver.count() - before
    p99 = load.finish(reading)["p99"] / 1e3 if reads else None
    # What is told is noted a moment later.
    time.sleep(0.2)
    return {"rate": n / seconds, "cpu": server.cpu_seconds() - cpu, "p99": p99, "missing": expected - n}


def percentile(values, percent):
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else median(values)
