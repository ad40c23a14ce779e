"""Databases: a file, or a throwaway PostgreSQL; filled once and kept; and what a bare program does on the same disk."""

import hashlib
import os
import pathlib
import pwd
import shutil
import socket
import sqlite3
import subprocess
import time

from . import bare_rows
from .machine import LOAD_CORE, REPOSITORY, SERVER_CORE, Process, pinned, say
from .transfer import transfer

LOGIN = ("bench@example.org", "nine benches stand in the rain")


# The newest entry of the change log, over and over.
LONGER_LOG = (
    "INSERT INTO changes (at, kind, resource, resource_id, keys, details, position) "
    "SELECT at, kind, resource, resource_id, keys, details, position + i FROM {numbers} AS numbers, "
    "(SELECT * FROM changes WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1) AS newest"
)


# What the server does after writing, in its own time.
CHORES = ["article_words_due", "audit WHERE position IS NULL", "changes WHERE position IS NULL"]
LONGEST_CHORES = 3600


class Failed(Exception):
    """Something that the bench needs is not there."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def schema_key(backend):
    """Changes with the migrations and with how databases are filled, so that no old database is used."""
    digest = hashlib.sha256(b"settled, copied")
    for file in sorted((REPOSITORY / "migrations" / backend).rglob("up.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


class Sqlite:
    name = "sqlite"

    def __init__(self, data, program):
        self.data, self.program = data, program

    def environment(self, database):
        return {"DATABASE_URL": f"sqlite://{database}", "FRONTPAGE_SIGNING_KEYS": str(self.data / "keys")}

    def filled(self, articles):
        folder = self.data / f"sqlite-{articles}-{schema_key('sqlite')}"
        database = folder / "frontpage.db"
        if not (folder / "filled").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            fill(self.program, self.environment(database), articles)
            (folder / "filled").touch()
        if not (folder / "settled").exists():
            self.settle(database)
            (folder / "settled").touch()
        return database

    def settle(self, database):
        """Has a server do what filling has left to it, which would go on beside what is measured."""
        say("A server does what filling has left to it")
        began = time.time()
        environment = {**self.environment(database), "FRONTPAGE_LISTEN": f"127.0.0.1:{free_port()}"}
        process = Process([self.program, "serve"], SERVER_CORE, self.data / "server.log", env=environment)
        while any(self.query(database, f"SELECT EXISTS (SELECT 1 FROM {waiting})") for waiting in CHORES):
            if process.child.poll() is not None or time.time() - began > LONGEST_CHORES:
                raise Failed(f"the server did not get its chores done; see {process.log}")
            time.sleep(1)
        process.stop()
        say(f"Settled after {time.time() - began:.0f} s")

    def copied(self, database):
        """A copy that may be written to."""
        target = self.data / "written" / "frontpage.db"
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir(parents=True)
        source = sqlite3.connect(database)
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        source.close()
        shutil.copyfile(database, target)
        return target

    def query(self, database, sql):
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return connection.execute(sql).fetchone()[0]

    def lengthen_log(self, database, n):
        """Appends so many changes to the change log."""
        with sqlite3.connect(database) as connection:
            connection.execute(LONGER_LOG.format(
                numbers=f"(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) SELECT i FROM n)"))

    def size_mb(self, database):
        return os.path.getsize(database) / 1e6

    def cpu_seconds(self):
        return 0.0

    def bare(self, size, seconds):
        """Transactions that insert so many bytes with the same durability: a second, and the median time."""
        file = self.data / "bare.db"
        script = (
            "import sqlite3, sys, time\n"
            "file, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])\n"
            "db = sqlite3.connect(file, isolation_level=None)\n"
            "db.execute('PRAGMA journal_mode = WAL'); db.execute('PRAGMA synchronous = FULL')\n"
            "db.execute('PRAGMA wal_autocheckpoint = 4000')\n"
            "db.execute('CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, body TEXT)')\n"
            "body, times, ends = 'x' * size, [], time.perf_counter() + seconds\n"
            "while (began := time.perf_counter()) < ends:\n"
            "    db.execute('BEGIN IMMEDIATE'); db.execute('INSERT INTO bare (body) VALUES (?)', (body,))\n"
            "    db.execute('COMMIT'); times.append(time.perf_counter() - began)\n"
            "times.sort()\n"
            "print(len(times) / sum(times), times[len(times) // 2] * 1e3)\n"
        )
        for leftover in self.data.glob("bare.db*"):
            leftover.unlink()
        command = pinned(SERVER_CORE, ["python3", "-c", script, file, size, seconds])
        rate, p50 = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return float(rate), float(p50)

    def bare_many(self, size, seconds):
        return None

    def rows_like(self, database, article):
        """Prepares to insert the rows that publishing an article wrote once more, for other drafts."""
        source, copy = sqlite3.connect(database), self.data / "written" / "rows.db"
        with sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        return copy, article.replace("-", "")

    def bare_rows(self, prepared, n):
        """Inserts the prepared rows for so many drafts, each in a transaction: the median time in milliseconds."""
        command = pinned(SERVER_CORE, ["python3", bare_rows.__file__, *prepared, n])
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1])


class Postgres:
    name = "postgres"

    def __init__(self, data, program):
        self.data, self.program = data, program
        self.bin = binaries()
        self.user = unprivileged()
        self.folder = data / "postgres"
        self.port = free_port()
        self.start()

    def start(self):
        if not (self.folder / "data" / "PG_VERSION").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            if self.user:
                shutil.chown(self.folder, self.user, pwd.getpwnam(self.user).pw_gid)
            self.run("initdb", "-A", "trust", "-U", "frontpage", "-E", "UTF8", "--locale=C.UTF-8", "-D",
                     self.folder / "data")
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        settings = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder,
            "max_connections": 100, "shared_buffers": "512MB", "max_wal_size": "4GB", "logging_collector": "off",
        }
        command = [self.bin / "postgres", "-D", self.folder / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        log.touch()
        if self.user:
            shutil.chown(log, self.user)
        self.process = Process(command, SERVER_CORE, log, user=self.user)
        for _ in range(600):
            ready = subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)])
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise Failed(f"PostgreSQL did not start; see {log}")

    def run(self, program, *args):
        return subprocess.run([self.bin / program, *args], check=True, capture_output=True, text=True,
                              user=self.user, cwd=self.folder).stdout

    def sql(self, database, text):
        return self.run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "frontpage", "-d", database,
                        "-v", "ON_ERROR_STOP=1", "-qAtX", "-c", text).strip()

    def copy(self, database, columns, lines):
        """Puts lines as COPY reads them into `table (columns)`; what they refer to need not be there yet."""
        options = "-c session_replication_role=replica -c synchronous_commit=off"
        command = [self.bin / "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "frontpage", "-d", database,
                   "-v", "ON_ERROR_STOP=1", "-qX", "-c", f"COPY {columns} FROM STDIN"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
                                 user=self.user, cwd=self.folder, env={**os.environ, "PGOPTIONS": options})
        try:
            for line in lines:
                child.stdin.write(line + "\n")
        except BrokenPipeError:
            pass
        _, said = child.communicate()
        if child.returncode != 0:
            raise Failed(f"COPY {columns}: {said[-2000:]}")

    def exists(self, database):
        return self.sql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{database}'") == "1"

    def environment(self, database):
        return {
            "DATABASE_URL": f"postgres://frontpage@127.0.0.1:{self.port}/{database}",
            "FRONTPAGE_SIGNING_KEYS": str(self.data / "keys"),
        }

    def filled(self, articles):
        database = f"bench_{articles}_{schema_key('postgres')}"
        if not self.exists(database):
            filling = f"{database}_filling"
            self.sql("postgres", f"DROP DATABASE IF EXISTS {filling}")
            self.sql("postgres", f"CREATE DATABASE {filling}")
            source = Sqlite(self.data, self.program).filled(articles)
            began = time.time()
            subprocess.run([self.program, "migrate"], check=True, capture_output=True, cwd=self.data,
                           env={**os.environ, **self.environment(filling)})
            transfer(source, self, filling)
            self.sql(filling, "VACUUM ANALYZE")
            self.sql("postgres", f"ALTER DATABASE {filling} RENAME TO {database}")
            say(f"Copied to postgres after {time.time() - began:.0f} s")
        return database

    def copied(self, database):
        self.sql("postgres", "DROP DATABASE IF EXISTS bench_written")
        self.sql("postgres", f"CREATE DATABASE bench_written TEMPLATE {database}")
        self.sql("bench_written", "VACUUM ANALYZE")
        return "bench_written"

    def query(self, database, sql):
        return int(self.sql(database, sql))

    def lengthen_log(self, database, n):
        self.sql(database, LONGER_LOG.format(numbers=f"(SELECT generate_series(1, {n}) AS i)"))
        self.sql(database, "VACUUM ANALYZE changes")

    def size_mb(self, database):
        return int(self.sql("postgres", f"SELECT pg_database_size('{database}')")) / 1e6

    def cpu_seconds(self):
        return self.process.cpu_seconds()

    def pgbench(self, database, scripts, clients, seconds, mode="prepared", transactions=None):
        """Runs scripts of statements with pgbench: transactions a second, and their mean time in milliseconds."""
        command = [self.bin / "pgbench", "-h", "127.0.0.1", "-p", self.port, "-U", "frontpage", "-n", "-M", mode,
                   "-c", clients, "-j", 1, *(["-t", transactions] if transactions else ["-T", seconds])]
        for script in scripts:
            command += ["-f", script]
        done = subprocess.run(pinned(LOAD_CORE, [*command, database]), capture_output=True, text=True, cwd=self.data)
        if done.returncode != 0:
            raise Failed(f"pgbench: {done.stderr[-2000:]}")
        lines = done.stdout.splitlines()
        rate = next(line for line in lines if line.startswith("tps = "))
        mean = next(line for line in lines if line.startswith("latency average"))
        return float(rate.split()[2]), float(mean.split()[3])

    def bare_script(self, size):
        script = self.data / f"bare-{size}.sql"
        script.write_text(f"INSERT INTO bare (body) VALUES ('{'x' * size}');\n")
        if not self.exists("bench_bare"):
            self.sql("postgres", "CREATE DATABASE bench_bare")
            self.sql("bench_bare", "CREATE TABLE bare (id BIGSERIAL PRIMARY KEY, body TEXT)")
            # The bytes are to be written, not squeezed.
            self.sql("bench_bare", "ALTER TABLE bare ALTER COLUMN body SET STORAGE EXTERNAL")
        return script

    def bare(self, size, seconds):
        return self.pgbench("bench_bare", [self.bare_script(size)], 1, max(1, round(seconds)))

    def bare_many(self, size, seconds):
        return self.pgbench("bench_bare", [self.bare_script(size)], 8, max(1, round(seconds)))[0]

    def rows_like(self, database, article):
        """Prepares to insert the rows that publishing an article wrote once more, for other drafts."""
        self.sql("postgres", "DROP DATABASE IF EXISTS bench_rows")
        # The server is connected to it, so it cannot be a template.
        dump = self.folder / "rows.dump"
        self.run("pg_dump", "-h", "127.0.0.1", "-p", str(self.port), "-U", "frontpage", "-Fc", "-Z0", "-f", dump, database)
        self.sql("postgres", "CREATE DATABASE bench_rows")
        self.run("pg_restore", "-h", "127.0.0.1", "-p", str(self.port), "-U", "frontpage", "-d", "bench_rows", dump)
        dump.unlink()
        self.sql("bench_rows", "CREATE SEQUENCE bare_number; CREATE TABLE bare_drafts (n bigint PRIMARY KEY, id uuid); "
                 "INSERT INTO bare_drafts SELECT row_number() OVER (ORDER BY id DESC), id FROM articles "
                 "WHERE state = 'draft'")
        self.sql("bench_rows", "VACUUM ANALYZE")
        script = self.data / "bare-rows.sql"
        script.write_text(bare_rows.script(lambda text: self.sql("bench_rows", text), article))
        return script

    def bare_rows(self, prepared, n):
        """Inserts the prepared rows for so many drafts, each in a transaction: the mean time in milliseconds."""
        return self.pgbench("bench_rows", [prepared], 1, None, transactions=n)[1]

    def statements(self, database, ask):
        """Returns the statements that the server sends for what `ask` asks, with their values in them."""
        log = self.folder / "log"
        began = log.stat().st_size
        ask()
        time.sleep(0.3)
        with open(log, encoding="utf-8", errors="replace") as file:
            file.seek(began)
            return read_statements(file.read())


def read_statements(log):
    """Reads the transaction that reads what readers see, with its values, from a log with `log_statement = all`.

    The server's chores are logged between its statements, on other connections."""
    by_process, current = {}, None
    for line in log.splitlines():
        head, _, rest = line.partition("LOG:  ")
        process = head[head.find("[") + 1:head.find("]")]
        if rest.startswith("execute ") or rest.startswith("statement: "):
            current = [rest.partition(": ")[2], []]
            by_process.setdefault(process, []).append(current)
        elif "DETAIL:  parameters: " in line and current:
            current[1] = parameters(line.partition("DETAIL:  parameters: ")[2])
        elif line.startswith("\t") and current:
            current[0] += " " + line.strip()
    for statements in by_process.values():
        texts = [with_values(*statement) for statement in statements]
        at = next((index for index, text in enumerate(texts) if "live_" in text), None)
        if at is not None:
            begin = max(index for index in range(at) if texts[index].startswith("BEGIN"))
            end = next(index for index in range(at, len(texts)) if texts[index].startswith("COMMIT"))
            return texts[begin:end + 1]
    raise Failed("PostgreSQL's log does not show what the server asked")


def with_values(text, values):
    for number in range(len(values), 0, -1):
        text = text.replace(f"${number}", values[number - 1])
    return text


def parameters(text):
    """Splits `$1 = 'a', $2 = NULL` into literals."""
    values, position = [], 0
    while position < len(text):
        position = text.index(" = ", position) + 3
        if text[position] != "'":
            end = text.find(",", position)
            end = len(text) if end < 0 else end
        else:
            end = position + 1
            while not (text[end] == "'" and text[end + 1:end + 2] != "'"):
                end += 2 if text[end] == "'" else 1
            end += 1
        values.append(text[position:end])
        position = end + 2
    return values


def fill(program, environment, articles):
    say(f"Filling {environment['DATABASE_URL'].split('://')[0]} with {articles:,} articles")
    began = time.time()
    environment = {**os.environ, **environment}
    subprocess.run([program, "demo", "--articles", str(articles)], check=True, env=environment, stdout=subprocess.DEVNULL)
    subprocess.run([program, "user", "create", "--email", LOGIN[0], "--name", "Bench", "--role", "admin"],
                   input=LOGIN[1] + "\n", text=True, check=True, env=environment, stdout=subprocess.DEVNULL)
    say(f"Filled after {time.time() - began:.0f} s")


def binaries():
    """The newest PostgreSQL that is installed."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [folder for folder in folders if (folder / "postgres").exists()]
    if not found:
        postgres = shutil.which("postgres")
        if not postgres:
            raise Failed("no PostgreSQL server programs were found; install postgresql, or say --databases sqlite")
        found = [pathlib.Path(postgres).parent]
    return found[-1]


def unprivileged():
    """PostgreSQL refuses to run as root: as root, another user."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Failed("there is no user to run PostgreSQL as")
