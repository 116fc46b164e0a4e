"""Where a stream's pieces meet what else Envoy has in hand: waits, ends, early data, HTTP/2, memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from h2.events import ResponseReceived

from tests.gateway.client import Client, Reply
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client
from tests.gateway.upstreams import Connection, Seen, upstream
from tests.messages.frames import close, frame

pytestmark = pytest.mark.envoy

NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
GOOD, BAD = b'data: {"n": 1}\n\n', b'data: {"n": "secret"}\n\n'
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: probe.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Probe: {orders}\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def stream_events(connection: Connection, path: str) -> bool:
    """Events as the path orders them."""
    send = connection.socket.sendall
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    if path == "/all-at-once":
        body = GOOD + GOOD + BAD + GOOD
        send(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        return True
    if path == "/encoded":
        head += b"content-encoding: gzip\r\n"
    send(head + b"\r\n" + GOOD)
    endless = {
        "/for-ever": itertools.chain([BAD], itertools.repeat(GOOD * 1000)),
        "/no-end": itertools.repeat(b"x" * 65536),
    }
    for piece in endless.get(path, [b"data: half"] if path == "/half" else []):
        send(piece)  # ends when the connection does
    return False


def play(connection: Connection, seen: Seen) -> bool:
    """Does what the path says."""
    send = connection.socket.sendall
    path = seen.target.partition("?")[0]
    if seen.header("accept") == "text/event-stream" and path != "/refused":
        return stream_events(connection, path)
    if path == "/refused":
        send(b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno")
        return True
    if path == "/half-a-frame":
        send(SWITCHING + frame(b"x" * 100, mask=b"", opcode=2)[:50])
        connection.closing.wait(5)
        return False
    if path == "/leaves":
        send(SWITCHING + frame(b'{"n": 1}', mask=b"") + frame(b"bad", mask=b"") + close(1000, mask=b""))
        return False
    send(SWITCHING)
    while data := connection.file.read1(65536):
        got.append(data)
        send(b"\x8a\0")
    return False


got: list[bytes] = []
CLOSED = b"\x88\x24\x03\xf0"  # code 1008, and a reason of 34 bytes


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = free_port()
    shaped: dict[str, Any] = {"size": "1KiB", "schema": NUMBERED}
    section = {"websocket": {**shaped, "replies": shaped}, "events": shaped}
    large = {"websocket": {"size": "1GiB"}}
    apis = [
        api(port, "probe", hosts=["probe.test"], messages=section),
        api(port, "probe-open", hosts=["bodies.test"]),
        api(port, "large", hosts=["large.test"], messages=large),
    ]
    folder = tmp_path_factory.mktemp("edges")
    with upstream(port, play) as server, running(Gateway(folder, policy(*apis), environment={"PROBE": "yes"})) as door:
        server.reads_bodies = False
        yield door


def asked(gateway: Gateway, path: str, orders: str = "", tag: str = "") -> Reply:
    with Client(gateway.port) as client:
        headers = {"host": "probe.test", "accept": "text/event-stream", "x-probe": orders, "x-tag": tag or path}
        return client.ask("GET", path, headers)


def rules(gateway: Gateway, tag: str) -> list[str]:
    return [finding["rule"] for finding in gateway.record(tag)["findings"] if finding["control"] == "messages"]


@pytest.mark.parametrize("orders", ["", "wait-head", "wait-response", "wait-head wait-response"])
def test_events_all_at_once(gateway: Gateway, orders: str) -> None:
    """All of the response is there before its head has been judged: it is judged all the same, and cut."""
    reply = asked(gateway, "/all-at-once", orders, f"at-once-{orders}")
    assert (reply.status, reply.body) == (200, GOOD + GOOD)
    assert reply.header("content-length") is None
    assert rules(gateway, f"at-once-{orders}") == ["event-schema"]


@pytest.mark.parametrize(("path", "rule"), [("/for-ever", "event-schema"), ("/no-end", "event-size")])
def test_an_upstream_that_does_not_stop(gateway: Gateway, path: str, rule: str) -> None:
    assert asked(gateway, path).body == GOOD
    assert rules(gateway, path) == [rule]


def test_half_an_event(gateway: Gateway) -> None:
    """Its end never came, and no client would have told of it."""
    assert asked(gateway, "/half").body == GOOD


def test_encoded_events(gateway: Gateway) -> None:
    assert (asked(gateway, "/encoded").body, rules(gateway, "/encoded")) == (b"", ["event-encoded"])


def test_events_over_http2(gateway: Gateway) -> None:
    with Http2Client(gateway.port) as client:
        fields = ((":authority", "probe.test"), ("accept", "text/event-stream"))
        first, second = (client.send(client.head("GET", "/all-at-once", *fields)) for _ in range(2))
        assert [client.reply(stream).body for stream in (first, second)] == [GOOD + GOOD] * 2
        endless = client.send(client.head("GET", "/for-ever", *fields))
        assert client.next(endless, ResponseReceived)
        assert client.ask("GET", "/refused", *fields).status == 403


# WebSocket.


def shaken(gateway: Gateway, path: str, early: bytes = b"", orders: str = "") -> Client:
    client = Client(gateway.port)
    client.send(HANDSHAKE.format(path=path, orders=orders).encode() + early)
    return client


@pytest.mark.parametrize("orders", ["", "wait-head"])
def test_frames_before_the_handshake_is_done(gateway: Gateway, orders: str) -> None:
    """Whoever does not wait for the 101 is judged like everybody."""
    got.clear()
    with shaken(gateway, "/", frame(b'{"n": 1}') + frame(b'{"n": 2}', final=False), orders) as client:
        assert client.head().status == 101
        assert client.file.read(2) == b"\x8a\0"
        client.send(frame(b"", opcode=0))
        assert client.file.read(2) == b"\x8a\0"
        client.send(frame(b"{}"))
        assert client.file.read()[:4] == CLOSED
    assert b"".join(got) == frame(b'{"n": 1}') + frame(b'{"n": 2}', final=False) + frame(b"", opcode=0)
    with shaken(gateway, "/", frame(b"bad"), orders) as client:
        assert client.head().status in (101, 422)


def test_a_websocket_where_bodies_are_read(gateway: Gateway) -> None:
    """What follows a 101 is no body that could be held until it is complete."""
    with Client(gateway.port) as client:
        client.send(HANDSHAKE.format(path="/", orders="").replace("probe.test", "bodies.test").encode())
        assert client.head().status == 101
        client.send(frame(b"anything"))
        assert client.file.read(2) == b"\x8a\0"


def test_a_handshake_that_the_upstream_refuses(gateway: Gateway) -> None:
    with shaken(gateway, "/refused") as client:
        assert client.reply()._replace(headers=[]) == Reply(403, [], b"no")


def test_a_frame_of_the_upstreams_is_never_cut(gateway: Gateway) -> None:
    """Half of it is held, and so a Close frame can follow."""
    with shaken(gateway, "/half-a-frame") as client:
        assert client.head().status == 101
        client.send(frame(b"bad"))
        assert client.file.read()[:4] == CLOSED


def test_an_upstream_that_leaves(gateway: Gateway) -> None:
    """What it says before it leaves is judged; our Close frame stands in for its own."""
    with shaken(gateway, "/leaves") as client:
        assert client.head().status == 101
        assert client.file.read(10) == frame(b'{"n": 1}', mask=b"")
        assert client.file.read()[:4] == CLOSED


def memory(gateway: Gateway) -> int:
    (pid,) = gateway.workers()
    fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def test_a_large_message_is_not_kept(gateway: Gateway) -> None:
    """One that nobody reads goes on as it comes."""
    got.clear()
    before = memory(gateway)
    with Client(gateway.port) as client:
        client.send(HANDSHAKE.format(path="/", orders="").replace("probe.test", "large.test").encode())
        assert client.head().status == 101
        size = 50 << 20
        client.send(frame(b"", opcode=2, size=size, mask=b"\0\0\0\0"))
        for _ in range(size >> 20):
            client.send(bytes(1 << 20))
        while sum(map(len, got)) < size:
            assert client.socket.recv(65536)
    assert memory(gateway) - before < 32 << 20


def test_the_gateway_lives(gateway: Gateway) -> None:
    """None of this has cost it a worker."""
    assert set(gateway.workers()) == gateway.known_workers
    assert len(gateway.known_workers) == 1
    assert "Traceback" not in gateway.stderr
    assert json.dumps(gateway.log()).count("secret") == 0
