"""Ten times as many connections as a server has use for: what it still does, beside a bare server in the same place."""

import itertools
import json
import time

from . import load
from .server import Raw, floor, median

USEFUL, CROWD = 64, 640

_numbers = itertools.count(int(time.time()) * 1_000_000 + 500_000, 10_000_000)


def overload(bench):
    """Cases with the cache, without it, and with writes among the reads."""
    for cached, mixes in ((True, False), (True, True), (False, False)):
        server = bench.server(bench.database.copied(bench.name), cache=cached)
        try:
            at = bench.addresses(server)
            reads = bench.file(at["single"][:950] + at["list"] * 50, "reads.txt")
            load.run(server, "get.lua", [reads], USEFUL, 1)
            if mixes:
                draft = bench.file([json.dumps(bench.draft(server, 4096))], "draft.json")
                changed = bench.file(published(bench, server), "articles.txt")
                measure(bench, "overload: mix of 95 reads and 5 writes", server, "mix.lua",
                        lambda: [reads, draft, changed, next(_numbers), server.token()])
            else:
                case = f"overload: reads {'from' if cached else 'without'} the cache"
                measure(bench, case, server, "get.lua", lambda: [reads])
                if cached:
                    base, _ = floor(bench.floor_program, server, at["single"][:950] + at["list"], bench.data, None)
                    try:
                        measure(bench, "overload: the bare server, same bytes", base, "get.lua", lambda: [reads])
                    finally:
                        base.stop()
        finally:
            server.stop()


def published(bench, server):
    articles = bench.made(server, 400, 2000)
    raw, token = Raw(server.port), server.token()
    for path in articles:
        raw.time("POST", f"{path}/publish", token)
    return articles


def measure(bench, case, served, script, arguments):
    rounds = []
    for _ in range(bench.args.rounds):
        both = []
        for connections in (USEFUL, CROWD):
            # What a crowd leaves in the queue is to be gone.
            time.sleep(1)
            both.append(load.run(served, script, arguments(), connections, bench.args.seconds))
        rounds.append(both)
    bench.row(
        f"{case}, {CROWD} connections instead of {USEFUL}",
        rate=median([crowd.good for _, crowd in rounds]), bare=median([useful.good for useful, _ in rounds]),
        ratio=median([crowd.good / useful.good for useful, crowd in rounds]),
        p99=median([crowd.p99 for _, crowd in rounds]),
        p99_ratio=median([crowd.p99 / useful.p99 for useful, crowd in rounds]),
        cpu=median([crowd.cpu for _, crowd in rounds]), share=median([crowd.share for _, crowd in rounds]),
        put_off=sum(crowd.refused for _, crowd in rounds) / sum(crowd.requests for _, crowd in rounds),
        failed=sum(crowd.broken for _, crowd in rounds) + sum(useful.failed for useful, _ in rounds),
    )
