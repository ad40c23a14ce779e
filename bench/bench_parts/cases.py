"""What is measured."""

import itertools
import json
import random
import time
from urllib.parse import quote

from . import load, partners
from .database import LOGIN, Failed
from .machine import say
from .overload import overload
from .server import Raw, Server, floor, median

SLUGS = 1000
# The page of 20 that the goal names; a smaller newsroom has its last one.
DEEP_PAGE = 20_000

PARTS = ["hot", "cold", "deep", "desk", "post", "publish", "save", "mix", "login", "memory", "start", "feeds", "changes",
         "streams", "webhooks", "overload"]

_numbers = itertools.count(int(time.time()) * 1_000_000, 10_000_000)


class Bench:
    """One newsroom in one database."""

    def __init__(self, args, program, floor_program, database, articles, data):
        self.args, self.program, self.floor_program = args, program, floor_program
        self.database, self.articles, self.data = database, articles, data
        self.rows = []
        self.name = database.filled(articles)

    def wants(self, part):
        return part in self.args.only

    def server(self, name=None, cache=True, more=None):
        return Server(self.program, self.database, name or self.name, self.data, cache, more)

    def row(self, case, **figures):
        row = {"database": self.database.name, "articles": self.articles, "case": case, **figures}
        self.rows.append(row)
        shown = {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
        say(f"{self.database.name} {self.articles:,} {case}: {shown}")

    def file(self, lines, name):
        path = self.data / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def run(self):
        if self.wants("start"):
            self.start()
        if any(self.wants(part) for part in ("hot", "cold", "deep", "desk", "memory", "feeds")):
            self.reads()
        small = self.articles == min(self.args.sizes)
        if small and any(self.wants(part) for part in ("post", "publish", "save", "mix", "login", "streams")):
            self.writes()
        if small and self.wants("changes"):
            partners.changes(self, self.database.copied(self.name))
        if small and self.wants("overload"):
            overload(self)
        if small and self.wants("webhooks"):
            partners.webhooks(self, self.database.copied(self.name))
        return self.rows

    # Reads.

    def addresses(self, server):
        client, slugs, sections, tags = server.client(), [], {}, {}
        path = "/v1/articles?limit=100"
        while path and len(slugs) < SLUGS:
            page = client.get(path).json()
            for article in page["data"]:
                slugs.append(article["slug"])
                sections[article["section"]["slug"]] = sections.get(article["section"]["slug"], 0) + 1
                for tag in article["tags"]:
                    key = (tag["slug"], article["section"]["slug"])
                    tags[key] = tags.get(key, 0) + 1
            path = page["page"]["next"] and f"/v1/articles?limit=100&cursor={page['page']['next']}"
        random.Random(1).shuffle(slugs)
        section = max(sections, key=sections.get)
        tag, tag_section = max(tags, key=tags.get)
        return {
            "single": [f"/v1/articles/{quote(slug)}" for slug in slugs[:SLUGS]],
            "list": [f"/v1/articles?section={quote(section)}&limit=20"],
            "tag": [f"/v1/articles?tag={quote(tag)}&section={quote(tag_section)}&limit=20"],
        }

    def deep_path(self, server):
        """The address of the page of 20 with the given number, found by turning pages of 100."""
        client, path, n = server.client(), "/v1/articles?limit=100&fields=id", 0
        wanted = min(DEEP_PAGE * 20, self.articles * 8 // 10)
        cursor = None
        while n < wanted:
            page = client.get(path + (f"&cursor={cursor}" if cursor else "")).json()
            n += len(page["data"])
            if not page["page"]["next"]:
                break
            cursor = page["page"]["next"]
        return f"/v1/articles?limit=20&cursor={cursor}", n // 20

    def against_floor(self, case, server, paths, connections, token=None, etags=False, parts=()):
        """Loads the server and the floor in turn with the same requests for the same bytes."""
        base, answers = floor(self.floor_program, server, paths, self.data, token)
        try:
            lines = [f"{path}\t{answers[path].header('etag')}" if etags else path for path in paths]
            arguments = [self.file(lines, "paths.txt")] + ([token] if token else [])
            load.run(server, "get.lua", arguments, connections, 1)
            rounds = []
            for _ in range(self.args.rounds):
                rounds.append((load.run(base, "get.lua", arguments, connections, self.args.seconds),
                               load.run(server, "get.lua", arguments, connections, self.args.seconds)))
        finally:
            base.stop()
        size = median([len(answer.body) for answer in answers.values()])
        figures = {
            "rate": median([ours.rate for _, ours in rounds]),
            "floor": median([base.rate for base, _ in rounds]),
            "ratio": median([ours.rate / base.rate for base, ours in rounds]),
            "p99": median([ours.p99 for _, ours in rounds]),
            "p99_ratio": median([ours.p99 / max(base.p99, 0.001) for base, ours in rounds]),
            "cpu": median([ours.cpu for _, ours in rounds]),
            "floor_cpu": median([base.cpu for base, _ in rounds]),
            "share": median([ours.share for _, ours in rounds]),
            "failed": sum(ours.failed + base.failed for base, ours in rounds),
            "bytes": 0 if etags else size,
        }
        self.row(case, **figures)
        return figures

    def reads(self):
        server = self.server()
        try:
            if self.wants("memory"):
                self.row("memory with a cold cache", mb=server.process.rss_mb())
            at = self.addresses(server)
            deep = self.deep_path(server) if self.wants("deep") else None
            if self.wants("hot"):
                self.against_floor("hot: one article of 1,000", server, at["single"], 64)
                self.against_floor("hot: section list of 20", server, at["list"], 64)
                self.against_floor("hot: 304 for an article", server, at["single"], 64, etags=True)
                self.against_floor("hot: tag and section list", server, at["tag"], 64)
            if self.wants("feeds"):
                partners.feeds(self, server)
            if self.wants("desk"):
                desk = ["/v1/articles?view=working&limit=20"]
                self.against_floor("desk list of 20", server, desk, 8, token=server.token())
            if self.wants("memory"):
                self.row("memory after the hot reads", mb=server.process.rss_mb(), peak_mb=server.process.peak_mb())
        finally:
            server.stop()
        if not any(self.wants(part) for part in ("cold", "deep", "memory", "feeds")):
            return
        server = self.server(cache=False)
        try:
            if self.wants("feeds"):
                partners.cold_feeds(self, server)
            if self.wants("cold"):
                self.against_floor("cold: one article of 1,000", server, at["single"], 8)
                self.against_floor("cold: section list of 20", server, at["list"], 8)
                self.against_floor("cold: tag and section list", server, at["tag"], 8)
            if deep:
                first = "cold: first page of all articles"
                self.against_floor(first, server, ["/v1/articles?limit=20"], 8)
                self.against_floor(f"cold: page {deep[1]:,} of all articles", server, [deep[0]], 8)
            if self.wants("memory"):
                self.row("memory after the cold reads", mb=server.process.rss_mb(), peak_mb=server.process.peak_mb())
        finally:
            server.stop()
        if self.wants("cold") and self.database.name == "postgres":
            self.same_statements(at)

    def same_statements(self, at):
        """What pgbench gets for the statements that the server sends, beside what the server gets."""
        self.database.sql(self.name, f"ALTER DATABASE {self.name} SET log_statement = 'all'")
        chatty = self.server(cache=False)
        scripts = {}
        try:
            for case, paths in (("one article of 1,000", at["single"][:1]), ("section list of 20", at["list"])):
                client = chatty.client()
                client.get(paths[0])
                scripts[case] = []
                for number, path in enumerate(paths):
                    found = self.database.statements(self.name, lambda path=path: client.get(path))
                    script = self.data / f"{case.replace(' ', '-')}-{number}.sql"
                    script.write_text(";\n".join(found) + ";\n")
                    scripts[case].append(script)
                say(f"{case}: {len(found)} statements")
        finally:
            chatty.stop()
            self.database.sql(self.name, f"ALTER DATABASE {self.name} RESET log_statement")
        server = self.server(cache=False)
        try:
            for case, paths in (("one article of 1,000", at["single"]), ("section list of 20", at["list"])):
                arguments = [self.file(paths, "paths.txt")]
                rounds = []
                for _ in range(self.args.rounds):
                    bare, _ = self.database.pgbench(self.name, scripts[case], 8, self.args.seconds)
                    rounds.append((bare, load.run(server, "get.lua", arguments, 8, self.args.seconds)))
                self.row(
                    f"cold: {case} against pgbench", rate=median([ours.rate for _, ours in rounds]),
                    bare=median([bare for bare, _ in rounds]),
                    ratio=median([ours.rate / bare for bare, ours in rounds]),
                    p99=median([ours.p99 for _, ours in rounds]), cpu=median([ours.cpu for _, ours in rounds]),
                    share=median([ours.share for _, ours in rounds]), failed=sum(ours.failed for _, ours in rounds),
                )
        finally:
            server.stop()

    def start(self):
        times = []
        for _ in range(self.args.rounds):
            server = self.server()
            times.append(server.ready_after * 1e3)
            server.stop()
        size = self.database.size_mb(self.name)
        self.row("start to ready", p50=median(times), database_mb=size)

    # Writes.

    def writes(self):
        server = self.server(self.database.copied(self.name))
        try:
            if self.wants("post"):
                self.post(server, 8)
                self.post(server, 64)
            if self.wants("publish"):
                self.publish(server)
            if self.wants("save"):
                self.save(server)
            if self.wants("streams"):
                partners.streams(self, server)
            if self.wants("mix"):
                self.mix(server)
            if self.wants("login"):
                self.login(server)
            if self.wants("memory"):
                self.row("memory after all writes", mb=server.process.rss_mb(), peak_mb=server.process.peak_mb())
        finally:
            server.stop()

    def draft(self, server, size):
        """A new article whose HTML has so many bytes."""
        section = server.client().get("/v1/sections").json()["data"][0]["slug"]
        sentence = "The harbor master counted every rope twice before the first ship left at dawn. "
        paragraphs, html = [], ""
        while len(html) < size:
            paragraphs.append(f"<p>{sentence * 4}<a href=\"https://example.org/{len(paragraphs)}\">More</a>.</p>")
            html = "".join(paragraphs)
        return {"title": "Harbor reopens @N@", "section": section, "body_html": html[: size - 4].rpartition("<p>")[0]}

    def post(self, server, connections):
        draft = json.dumps(self.draft(server, 4096))
        body = self.file([draft], "draft.json")
        rounds = []
        for _ in range(self.args.rounds):
            bare, _ = self.database.bare(len(draft), self.args.seconds)
            arguments = ["/v1/articles", body, next(_numbers), server.token()]
            rounds.append((bare, load.run(server, "post.lua", arguments, connections, self.args.seconds)))
        many = self.database.bare_many(len(draft), self.args.seconds)
        figures = {"bare_8": many} if many else {}
        self.row(
            f"draft POST of 4 kB, {connections} connections", rate=median([ours.rate for _, ours in rounds]),
            bare=median([bare for bare, _ in rounds]), ratio=median([ours.rate / bare for bare, ours in rounds]),
            p50=median([ours.p50 for _, ours in rounds]), p99=median([ours.p99 for _, ours in rounds]),
            cpu=median([ours.cpu for _, ours in rounds]), share=median([ours.share for _, ours in rounds]),
            failed=sum(ours.failed for _, ours in rounds), **figures,
        )

    def made(self, server, n, size):
        """Makes so many drafts and returns their addresses."""
        client, draft, found = server.editor(), self.draft(server, size), []
        for _ in range(n):
            article = {**draft, "title": draft["title"].replace("@N@", str(next(_numbers)))}
            found.append(client.ask("POST", "/v1/articles", article).header("location"))
        return found

    def one_by_one(self, case, server, asked, size, bare_rows=None):
        """Times single requests, a bare insert of the same bytes, or of the same rows, before and after each round."""
        bare = bare_rows or (lambda: self.database.bare(size, 1)[1])
        token, raw, rounds = server.token(), Raw(server.port), []
        per_round = max(1, len(asked) // self.args.rounds)
        for start in range(0, per_round * self.args.rounds, per_round):
            times = []
            before = bare()
            cpu = server.cpu_seconds()
            for method, path, body in asked[start:start + per_round]:
                seconds, status = raw.time(method, path, token, body)
                if status >= 300:
                    raise Failed(f"{method} {path} answered {status}")
                times.append(seconds * 1e3)
            cpu = server.cpu_seconds() - cpu
            after = bare()
            rounds.append((median(times), (before + after) / 2, cpu / len(times) * 1e3))
        self.row(
            case, p50=median([ours for ours, _, _ in rounds]), bare_p50=median([bare for _, bare, _ in rounds]),
            time_ratio=median([ours / bare for ours, bare, _ in rounds]),
            cpu=median([cpu for _, _, cpu in rounds]) * 1e3, bytes=size,
        )

    def publish(self, server):
        n = (60 if self.args.quick else 200) * self.args.rounds
        paths = self.made(server, n, 5000)
        asked = [("POST", f"{path}/publish", b"") for path in paths]
        raw, token = Raw(server.port), server.token()
        extra = self.made(server, 1, 5000)[0]
        if raw.time("POST", f"{extra}/publish", token)[1] != 200:
            raise Failed(f"{extra} cannot be published")
        # Drafts for the bare transactions: two runs of them a round.
        n_bare = n // self.args.rounds // 2
        self.made(server, n_bare * 2 * self.args.rounds, 5000)
        name = self.written_name()
        rows = self.database.rows_like(name, extra.rpartition("/")[2])
        # What is written: the live copy in three forms, and a revision of the content.
        size = self.database.query(name, "SELECT length(blocks) + length(html) + length(text) FROM live_bodies "
                                         "ORDER BY article_id DESC LIMIT 1")
        size += self.database.query(name, "SELECT length(content) FROM article_revisions ORDER BY created_at DESC LIMIT 1")
        half = len(asked) // 2
        self.one_by_one("publish an article of 5 kB, beside its rows", server, asked[:half], size,
                        lambda: self.database.bare_rows(rows, n_bare))
        self.one_by_one("publish an article of 5 kB, beside its bytes in one row", server, asked[half:], size)

    def save(self, server):
        n = 30 * self.args.rounds if self.args.quick else 100 * self.args.rounds
        paths, draft, asked = self.made(server, 10, 5000), self.draft(server, 5000), []
        for number in range(n):
            body = json.dumps({"title": f"Saved for the {next(_numbers)}th time",
                               "body_html": draft["body_html"].replace("dawn", f"dawn {number}", 1)}).encode()
            asked.append(("PATCH", paths[number % len(paths)], body))
        self.one_by_one("save an article of 5 kB", server, asked, len(asked[0][2]))

    def written_name(self):
        return self.data / "written" / "frontpage.db" if self.database.name == "sqlite" else "bench_written"

    def mix(self, server):
        at = self.addresses(server)
        reads = self.file(at["single"][:950] + at["list"] * 50, "reads.txt")
        draft = self.file([json.dumps(self.draft(server, 4096))], "draft.json")
        articles = self.made(server, 400, 2000)
        raw, token = Raw(server.port), server.token()
        for path in articles:
            raw.time("POST", f"{path}/publish", token)
        changed = self.file(articles, "articles.txt")
        load.run(server, "get.lua", [reads], 64, 1)
        hot, mixed, apart = [], [], []
        for _ in range(self.args.rounds):
            hot.append(load.run(server, "get.lua", [reads], 64, self.args.seconds))
            arguments = [reads, draft, changed, next(_numbers), server.token()]
            mixed.append(load.run(server, "mix.lua", arguments, 64, self.args.seconds))
            arguments = ["/v1/articles", draft, next(_numbers), server.token()]
            writing = load.start(server, "post.lua", arguments, 3, self.args.seconds)
            apart.append((load.run(server, "get.lua", [reads], 61, self.args.seconds), load.finish(writing)))
        self.row(
            "mix of 95 reads and 5 writes, 64 connections", rate=median([run.rate * 0.95 for run in mixed]),
            bare=median([run.rate for run in hot]),
            ratio=median([run.rate * 0.95 / before.rate for run, before in zip(mixed, hot)]),
            p50=median([run.p50 for run in mixed]), p99=median([run.p99 for run in mixed]),
            cpu=median([run.cpu for run in mixed]), share=median([run.share for run in mixed]),
            failed=sum(run.failed for run in mixed),
        )
        self.row(
            "reads on 61 connections while 3 write", rate=median([run.rate for run, _ in apart]),
            bare=median([run.rate for run in hot]),
            ratio=median([run.rate / before.rate for (run, _), before in zip(apart, hot)]),
            p50=median([run.p50 for run, _ in apart]), p99=median([run.p99 for run, _ in apart]),
            share=median([run.share for run, _ in apart]),
            writes=median([writes["requests"] / writes["micros"] * 1e6 for _, writes in apart]),
            failed=sum(run.failed + writes["refused"] + writes["broken"] for run, writes in apart),
        )

    def login(self, server):
        body = self.file([json.dumps({"email": LOGIN[0], "password": LOGIN[1]})], "login.json")
        runs = []
        for _ in range(self.args.rounds):
            # What the round before left in the queue for hashes is to be gone.
            time.sleep(1)
            runs.append(load.run(server, "post.lua", ["/v1/auth/token", body, 0], 4, self.args.seconds))
        self.row("login, 4 connections", rate=median([run.rate for run in runs]), p50=median([run.p50 for run in runs]),
                 p99=median([run.p99 for run in runs]), cpu=median([run.cpu for run in runs]),
                 share=median([run.share for run in runs]), failed=sum(run.failed for run in runs))
