"""A client that sends exactly the bytes it is told to, and reads HTTP/1.1 replies (RFC 9112) one after the other."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

TIMEOUT = 15.0  # seconds; whoever waits longer for a byte hangs


class Reply(NamedTuple):
    status: int
    headers: list[tuple[str, str]]  # names in lower case
    body: bytes

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self) -> dict[str, Any]:
        """The problem details (RFC 9457) that this reply must be."""
        assert self.header("content-type") == "application/problem+json", self
        details: dict[str, Any] = self.json()
        assert details["status"] == self.status
        return details


class Client:
    """One connection to a loopback port, from the loopback address `source`; `first` is sent before everything."""

    def __init__(
        self, port: int, tls: ssl.SSLContext | None = None, *, source: str = "127.0.0.1", first: bytes = b""
    ) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(first)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.file: BinaryIO = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """A request with `Host` and, where there is a body, `Content-Length`, unless they are given."""
        self.send(head_of(method, target, headers, body) + body)
        return self.reply(method)

    def reply(self, method: str = "GET") -> Reply:
        """The next final reply. Raises EOFError when the connection ends instead."""
        while (reply := self._reply(method)).status in range(100, 200) and reply.status != 101:
            pass
        return reply

    def head(self) -> Reply:
        """The next head, its body left in `file`."""
        line = self.file.readline()
        if not line:
            raise EOFError
        version, _, rest = line.decode("latin-1").strip().partition(" ")
        assert version.startswith("HTTP/1."), line
        headers = []
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers.append((name.lower(), value.strip()))
        return Reply(int(rest[:3]), headers, b"")

    def _reply(self, method: str) -> Reply:
        reply = self.head()
        if method == "HEAD" or reply.status in (101, 204, 304) or reply.status < 200:
            return reply
        return reply._replace(body=b"".join(self.body(reply)))

    def body(self, reply: Reply) -> Iterator[bytes]:
        """The body as it comes: chunk by chunk where it is chunked."""
        if reply.header("transfer-encoding") == "chunked":
            while size := int(self.file.readline().partition(b";")[0], 16):
                yield self.file.read(size)
                self.file.readline()
            while self.file.readline() not in (b"\r\n", b""):
                pass
        elif (length := reply.header("content-length")) is not None:
            yield self.file.read(int(length))
        else:
            yield self.file.read()

    def replies(self) -> list[Reply]:
        """Every reply until the other side closes; fails when it never does."""
        found = []
        while True:
            try:
                found.append(self.reply())
            except (EOFError, ConnectionResetError):
                return found


def head_of(method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    fields = {"host": "localhost", **(headers or {})}
    if body and not {"content-length", "transfer-encoding"} & {name.lower() for name in fields}:
        fields["content-length"] = str(len(body))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunked(*pieces: bytes) -> bytes:
    """A chunked body (RFC 9112, section 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def ask(
    port: int,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """One request on a connection of its own."""
    with Client(port, tls) as client:
        return client.ask(method, target, headers, body)
