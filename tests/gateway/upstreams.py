"""Upstreams that remember what they were sent, and misbehave on demand."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias


class Seen(NamedTuple):
    """A request as it came over the wire."""

    connection: int  # counts from 1
    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]  # names in lower case
    body: bytes
    peer: tuple[str, int]

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


class Connection:
    """One accepted connection; `turn` reads the next request from it."""

    def __init__(self, upstream: Upstream, number: int, sock: socket.socket, peer: tuple[str, int]) -> None:
        self._reads_bodies = upstream.reads_bodies
        self.closing = upstream.closing  # set when the upstream ends
        self.number = number
        self.socket = sock
        self.peer = peer
        self.file = sock.makefile("rb")

    def turn(self) -> Seen | None:
        """None when the other side closed."""
        line = self.file.readline().decode("latin-1").rstrip("\r\n")
        if not line:
            return None
        method, target, version = line.split(" ", 2)
        headers = []
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers.append((name.lower(), value.strip()))
        body = self._body(dict(headers)) if self._reads_bodies else b""
        return Seen(self.number, method, target, version, headers, body, self.peer)

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.file.read(int(headers.get("content-length", "0")))
        body = b""
        while size := int(self.file.readline().partition(b";")[0] or b"0", 16):
            body += self.file.read(size)
            self.file.readline()
        while self.file.readline() not in (b"\r\n", b""):
            pass
        return body


Behaviour: TypeAlias = Callable[[Connection, Seen], bool]
"""Answers a request on its connection; whether the connection stays open."""


def plain(status: int = 200, body: bytes = b"ok", *headers: tuple[str, str]) -> bytes:
    fields = [("content-type", "text/plain"), ("content-length", str(len(body))), *headers]
    lines = [f"HTTP/1.1 {status} Something", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode() + body


def echo(connection: Connection, seen: Seen) -> bool:
    """Answers with what it saw."""
    told: dict[str, Any] = {**seen._asdict(), "body": seen.body.decode("latin-1")}
    body = json.dumps(told).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    connection.socket.sendall(head if seen.method == "HEAD" else head + body)
    return True


class Upstream:
    """A server on a loopback port, a thread a connection. `seen` are all requests, `connections` all connections."""

    def __init__(self, port: int, behave: Behaviour = echo, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.behave = behave
        self.seen: list[Seen] = []
        self.connections = 0
        self.reads_bodies = True  # before it answers
        self.closing = threading.Event()
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                sock, peer = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(self.connections, sock, peer), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, number: int, sock: socket.socket, peer: tuple[str, int]) -> None:
        self._open.add(sock)
        with contextlib.suppress(OSError, ValueError), contextlib.closing(sock):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                with self._tls.wrap_socket(sock, server_side=True) as wrapped:
                    self._open.add(wrapped)
                    self._talk(Connection(self, number, wrapped, peer))
            else:
                self._talk(Connection(self, number, sock, peer))
        self._open.discard(sock)

    def _talk(self, connection: Connection) -> None:
        with connection.file:
            while (seen := connection.turn()) is not None:
                self.seen.append(seen)
                if not self.behave(connection, seen):
                    return

    def close(self) -> None:
        """End it, and every connection that it has."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@contextlib.contextmanager
def upstream(port: int, behave: Behaviour = echo, tls: ssl.SSLContext | None = None) -> Iterator[Upstream]:
    server = Upstream(port, behave, tls)
    try:
        yield server
    finally:
        server.close()


def after(seconds: float, behave: Behaviour = echo) -> Behaviour:
    """The same, late."""

    def late(connection: Connection, seen: Seen) -> bool:
        connection.closing.wait(seconds)
        return behave(connection, seen)

    return late
