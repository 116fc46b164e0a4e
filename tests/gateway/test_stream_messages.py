"""Messages in streams through Envoy: WebSockets and server-sent events."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websockets.exceptions
from websockets.sync.client import ClientConnection, connect

from tests.gateway.client import Client
from tests.gateway.conftest import Start
from tests.gateway.harness import Gateway, api, policy, running
from tests.gateway.upstreams import Connection, Seen, Upstream
from tests.messages.frames import frame

pytestmark = pytest.mark.envoy

NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, shop: int) -> Iterator[Gateway]:
    """The shop, its WebSocket under four sets of rules and its events under two, told apart by host."""
    bounds: dict[str, Any] = {
        "sized": {"websocket": {"size": "1KiB"}, "events": {"size": "30B"}},
        "paced": {"websocket": {"rate": "5/min"}, "events": {"rate": "3/min"}},
        "shaped": {"websocket": {"size": "100KiB", "schema": NUMBERED}, "events": {"schema": NUMBERED}},
        "replies": {"websocket": {"size": "1MiB", "replies": {"size": "1KiB"}}},
        "watched": {"mode": "monitor", "websocket": {"size": "100KiB", "schema": NUMBERED}, "events": {"size": "30B"}},
        "elsewhere": {"websocket": {"size": "10B", "operations": ["GET /other"]}},
    }
    apis = [api(shop, name, hosts=[f"{name}.test"], messages=section) for name, section in bounds.items()]
    with running(Gateway(tmp_path_factory.mktemp("messages"), policy(*apis))) as gateway:
        yield gateway


def websocket(gateway: Gateway, host: str, tag: str, **fields: Any) -> ClientConnection:
    headers = {"x-tag": tag}
    given: dict[str, Any] = {"additional_headers": headers, **fields}
    sock = socket.create_connection(("127.0.0.1", gateway.port))
    connection: ClientConnection = connect(f"ws://{host}.test/ws", sock=sock, **given)
    return connection


def refused(gateway: Gateway, host: str, *messages: str | bytes | list[bytes]) -> tuple[int, str, list[str], Any]:
    """Send these: the Close frame's code and reason, what was answered before, and the record."""
    tag = f"{host} {time.monotonic()}"
    heard: list[Any] = []
    with websocket(gateway, host, tag) as client:
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            for message in messages:
                client.send(message)
                heard.append(client.recv(10))
            client.recv(10)
        assert client.close_code not in (None, 1006), "no Close frame came"
        return client.close_code, client.close_reason or "", heard, gateway.record(tag)


def test_too_large(guarded: Gateway) -> None:
    code, reason, heard, record = refused(guarded, "sized", "a" * 1024, "b" * 1025)
    assert (code, reason) == (1009, "A message may have 1024 bytes at most.")
    assert heard == ["a" * 1024]
    (finding,) = record["findings"]
    assert (finding["control"], finding["rule"], finding["evidence"]) == ("messages", "websocket-size", "1025 bytes")
    assert (record["status"], record["action"], record["control"]) == (101, "deny", "messages")
    assert finding["policy"].startswith(str(guarded.folder / "stockade.yaml:"))


def test_too_large_in_fragments(guarded: Gateway) -> None:
    code, _, heard, _ = refused(guarded, "sized", [b"a" * 500, b"b" * 524], [b"a" * 500] * 3)
    assert (code, [len(message) for message in heard]) == (1009, [1024])


def test_too_many(guarded: Gateway) -> None:
    code, reason, heard, record = refused(guarded, "paced", "first", "second")
    assert (code, reason, heard) == (1008, "Too many messages.", ["first"])
    assert [finding["rule"] for finding in record["findings"]] == ["websocket-rate"]


def test_by_schema(guarded: Gateway) -> None:
    good = json.dumps({"n": 7, "text": "x" * 70_000})
    code, _, heard, record = refused(guarded, "shaped", good, [b'{"n"', b": 1}"], '{"n": "secret"}')
    assert (code, len(heard)) == (1008, 2)
    assert [finding["evidence"] for finding in record["findings"]] == ["type at /n"]
    assert "secret" not in json.dumps(record)


@pytest.mark.parametrize("message", ["{", '{"n": 1, "n": 2}', "NaN", "\ufeff{}", '{"n": 1} {}', "[" * 5000])
def test_no_json(guarded: Gateway, message: str) -> None:
    code, _, heard, record = refused(guarded, "shaped", message)
    assert (code, heard) == (1008, [])
    assert [finding["rule"] for finding in record["findings"]] == ["websocket-schema"]


def test_a_reply_too_large(guarded: Gateway) -> None:
    code, _, heard, _ = refused(guarded, "replies", "a" * 1000, "b" * 100_000)
    assert (code, heard) == (1009, ["a" * 1000])


def test_watched(guarded: Gateway) -> None:
    with websocket(guarded, "watched", "watched ws") as client:
        for message in ("no json", '{"n": 1}', b"x" * 200_000):
            client.send(message)
            assert client.recv(10) == message
    record = guarded.record("watched ws")
    assert (record["action"], {finding["monitor"] for finding in record["findings"]}) == ("allow", {True})


def test_other_operations_are_left_alone(guarded: Gateway) -> None:
    with websocket(guarded, "elsewhere", "elsewhere") as client:
        client.send("more than ten bytes")
        assert client.recv(10) == "more than ten bytes"
        assert client.protocol.extensions  # compression was agreed on, for nobody reads here
    with websocket(guarded, "sized", "stripped") as client:
        assert not client.protocol.extensions


def raw(gateway: Gateway, host: str) -> Client:
    client = Client(gateway.port)
    client.send(
        f"GET /ws HTTP/1.1\r\nHost: {host}.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert client.head().status == 101
    return client


MALFORMED = {
    "unmasked": (frame(b"hello", mask=b""), 1002),
    "a reserved bit": (frame(b"hello", reserved=4), 1002),
    "a reserved opcode": (frame(b"hello", opcode=3), 1002),
    "a long control frame": (frame(b"x" * 126, opcode=9), 1002),
    "a fragmented control frame": (frame(b"x", opcode=9, final=False), 1002),
    "a continuation of nothing": (frame(b"x", opcode=0), 1002),
    "2^63 bytes": (frame(b"x", size=1 << 63), 1002),
    "2^62 bytes": (frame(b"x", size=1 << 62), 1009),
    "no text": (frame(b"\xff\xfe"), 1007),
    "a close of one byte": (frame(b"x", opcode=8), 1002),
    "a million empty fragments": (frame(b"", final=False) + frame(b"", opcode=0, final=False) * 100_000, 1009),
    "a thousand pings": (frame(b"", opcode=9) * 1000, 1008),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(guarded: Gateway, name: str) -> None:
    data, code = MALFORMED[name]
    with raw(guarded, "sized") as client:
        client.send(data)
        rest = client.file.read()
    assert (b"\x88" in rest, code.to_bytes(2, "big") in rest) == (True, True), rest


def test_a_slow_drip_arrives(guarded: Gateway) -> None:
    with raw(guarded, "shaped") as client:
        data = frame(b'{"n": 1}')
        for index in range(len(data)):
            client.send(data[index : index + 1])
            time.sleep(0.005)
        assert client.file.read(10) == b'\x81\x08{"n": 1}'


# Server-sent events.


def events(gateway: Gateway, host: str, tag: str = "") -> bytes:
    with Client(gateway.port) as client:
        client.send(
            f"GET /events?n=8&delay=0.01 HTTP/1.1\r\nHost: {host}.test\r\nAccept: text/event-stream\r\n"
            f"X-Tag: {tag}\r\n\r\n".encode()
        )
        head = client.head()
        assert (head.status, head.header("content-type")) == (200, "text/event-stream; charset=utf-8")
        return b"".join(client.body(head))


def test_events_of_a_shape(guarded: Gateway) -> None:
    assert events(guarded, "shaped").count(b"\n\n") == 8


def test_too_many_events(guarded: Gateway) -> None:
    assert events(guarded, "paced", "paced events").count(b"\n\n") == 1
    record = guarded.record("paced events")
    assert [finding["rule"] for finding in record["findings"]] == ["event-rate"]
    assert (record["status"], record["action"]) == (200, "deny")


def test_events_too_large(guarded: Gateway) -> None:
    assert events(guarded, "sized") == b""
    assert events(guarded, "watched", "watched events").count(b"\n\n") == 8
    assert {finding["rule"] for finding in guarded.record("watched events")["findings"]} == {"event-size"}


def test_events_come_one_by_one(start: Start, serve: Callable[..., Upstream]) -> None:
    """What is complete is not held; what is not, is; and a comment keeps the connection alive."""
    to_send: queue.Queue[bytes] = queue.Queue()

    def play(connection: Connection, seen: Seen) -> bool:
        assert seen.header("accept-encoding") is None
        connection.socket.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        while (piece := to_send.get(timeout=20)) != b"":
            connection.socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.socket.sendall(b"0\r\n\r\n")
        return True

    gateway = start(policy(api(serve(play).port, messages={"events": {"size": "64B", "schema": NUMBERED}})))
    with Client(gateway.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip\r\n\r\n")
        body = client.body(client.head())
        for pieces in (
            [b'data: {"n": 1}\n\n'],
            [b'data: {"n"', b": 2}\n", b"\n"],
            [b": alive\n"],
            [b'data:{"n":3}\r\n\r\n'],
        ):
            for piece in pieces:
                to_send.put(piece)
            assert next(body) == b"".join(pieces)
        to_send.put(b'data: {"n": "no"}\n\n')
        assert list(body) == []
        to_send.put(b"")
