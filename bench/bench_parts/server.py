"""The server that is measured, the floor beside it, and a client that speaks to them."""

import http.client
import json
import socket
import statistics
import subprocess
import time

from .database import LOGIN, Failed, free_port
from .machine import SERVER_CORE, Process

# Headers that every server writes by itself.
OWN_HEADERS = {"content-length", "date", "connection", "transfer-encoding"}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)


class Client:
    """One connection."""

    def __init__(self, port, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.token = token

    def ask(self, method, path, body=None, headers=None, expect=(200, 201, 204)):
        headers = dict(headers or {})
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["content-type"] = "application/json"
            headers["content-length"] = str(len(data))
        # By hand, because the library would ask for a content coding that wrk does not ask for.
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            self.connection.putheader(name, value)
        self.connection.endheaders(data)
        answer = self.connection.getresponse()
        found = Answer(answer.status, [(k.lower(), v) for k, v in answer.getheaders()], answer.read())
        if expect and found.status not in expect:
            raise Failed(f"{method} {path} answered {found.status}: {found.body[:500].decode(errors='replace')}")
        return found

    def get(self, path):
        return self.ask("GET", path)


class Served:
    """A program that listens, and how to load it."""

    def __init__(self, process, port):
        self.process, self.port = process, port

    def cpu_seconds(self):
        return self.process.cpu_seconds()

    def client(self, token=None):
        return Client(self.port, token)

    def wait(self, path, seconds=60):
        ends = time.time() + seconds
        while time.time() < ends:
            try:
                if self.client().ask("GET", path, expect=None).status < 500:
                    return
            except OSError:
                pass
            if self.process.child.poll() is not None:
                break
            time.sleep(0.002)
        raise Failed(f"the program did not start; see {self.process.log}")

    def stop(self):
        self.process.stop()


class Server(Served):
    def __init__(self, program, database, name, data, cache=True, more=None):
        self.database, port = database, free_port()
        environment = {
            **database.environment(name), "FRONTPAGE_LISTEN": f"127.0.0.1:{port}", "FRONTPAGE_WORKERS": "1",
            "FRONTPAGE_TRIES_PER_SOURCE": "1000000", "FRONTPAGE_TRIES_PER_ACCOUNT": "1000000",
            "FRONTPAGE_DRAIN_SECONDS": "0", **(more or {}),
        }
        if not cache and has_cache(program):
            environment["FRONTPAGE_CACHE_BYTES"] = "0"
        self.began = time.perf_counter()
        super().__init__(Process([program, "serve"], SERVER_CORE, data / "server.log", env=environment), port)
        self.wait("/readyz")
        self.ready_after = time.perf_counter() - self.began
        self.tokens = (None, 0.0)

    def cpu_seconds(self):
        """With its database, which shares the core."""
        return self.process.cpu_seconds() + self.database.cpu_seconds()

    def token(self):
        token, made = self.tokens
        # It is good for 15 minutes.
        if time.time() - made > 300:
            asked = {"email": LOGIN[0], "password": LOGIN[1]}
            token = self.client().ask("POST", "/v1/auth/token", asked).json()["access_token"]
            self.tokens = (token, time.time())
        return token

    def editor(self):
        return self.client(self.token())


def has_cache(program):
    """Whether the program knows the setting that switches its cache off; before there was a cache, it did not."""
    text = subprocess.run([program, "serve", "--help"], capture_output=True, text=True).stdout
    return "FRONTPAGE_CACHE_BYTES" in text


def floor(program, server, paths, data, token=None):
    """Starts the floor with what the server answers to some paths; returns it and the answers."""
    client, answers, port = server.client(token), {}, free_port()
    file = data / "floor.jsonl"
    with open(file, "w", encoding="utf-8") as out:
        for path in paths:
            answer = client.get(path)
            answers[path] = answer
            headers = [[name, value] for name, value in answer.headers if name not in OWN_HEADERS]
            out.write(json.dumps({"path": path, "headers": headers, "body": answer.body.decode()}) + "\n")
    served = Served(Process([program, f"127.0.0.1:{port}", file], SERVER_CORE, data / "floor.log"), port)
    served.wait("/")
    return served, answers


class Raw:
    """Measures the time of single requests with as little between as Python allows."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def time(self, method, path, token=None, body=b""):
        """Returns the seconds that it took, and the status."""
        login = f"authorization: Bearer {token}\r\nif-match: *\r\n" if token else ""
        content = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if method != "GET" else ""
        head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\n{login}{content}\r\n".encode()
        began = time.perf_counter()
        self.socket.sendall(head + body)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.receive()
        headers, _, rest = received.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in headers.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(rest) < length:
            rest += self.receive()
        return time.perf_counter() - began, int(headers.split()[1])

    def receive(self):
        chunk = self.socket.recv(262144)
        if not chunk:
            raise Failed("the server closed the connection")
        return chunk


def median(values):
    return statistics.median(values) if values else None
