"""HTTP/2: with prior knowledge and over TLS, many streams, and what a client may not say."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.gateway.client import Reply
from tests.gateway.harness import Gateway
from tests.gateway.http2 import Fields, Http2Client, Reset
from tests.gateway.upstreams import Seen, Upstream

pytestmark = pytest.mark.envoy

FIELDS = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/a")]


def head(*more: tuple[str, str], **pseudo: str) -> list[tuple[str, str]]:
    """An honest head; keywords replace pseudo-headers, an empty one drops it."""
    fields = {**dict(FIELDS), **{f":{name}": value for name, value in pseudo.items()}}
    return [*(pair for pair in fields.items() if pair[1] != ""), *more]


REFUSED: dict[str, tuple[Fields, bytes]] = {
    "a connection header": (head(("connection", "keep-alive")), b""),
    "keep-alive": (head(("keep-alive", "timeout=5")), b""),
    "a transfer coding": (head(("transfer-encoding", "chunked")), b""),
    "an upgrade": (head(("upgrade", "websocket")), b""),
    "TE that is not trailers": (head(("te", "gzip")), b""),
    "an upper-case name": (head(("X-A", "b")), b""),
    "a line feed in a value": (head(("x-a", "b\nx-b: c")), b""),
    "a line break in a value": (head(("x-a", "b\r\nx-b: c")), b""),
    "NUL in a value": (head(("x-a", "b\0c")), b""),
    "a colon in a name": (head(("x:a", "b")), b""),
    "a space in a name": (head(("x a", "b")), b""),
    "an empty name": (head(("", "b")), b""),
    "a line break in the path": (head(path="/a\r\nx: y"), b""),
    "a space in the path": (head(path="/a b"), b""),
    "a relative path": (head(path="a"), b""),
    "an absolute path": (head(path="http://other/a"), b""),
    "an escaped slash": (head(path="/a%2fb"), b""),
    "no path": (head(path=""), b""),
    "no method": (head(method=""), b""),
    "no scheme": (head(scheme=""), b""),
    "no authority": (head(authority=""), b""),
    "a user in the authority": (head(authority="a@localhost"), b""),
    "a path in the authority": (head(authority="localhost/x"), b""),
    "two authorities": ([*FIELDS, (":authority", "other")], b""),
    "two paths": ([*FIELDS, (":path", "/b")], b""),
    "an unknown pseudo-header": ([(":what", "ever"), *FIELDS], b""),
    "a pseudo-header after a field": ([*FIELDS[:3], ("x-a", "b"), FIELDS[3]], b""),
    "a status": ([*FIELDS, (":status", "200")], b""),
    "a length that is too short": (head(("content-length", "1"), method="POST"), b"abc"),
    "a length that is too long": (head(("content-length", "9"), method="POST"), b"abc"),
    "two lengths": (head(("content-length", "3"), ("content-length", "4"), method="POST"), b"abc"),
    "a length that is no number": (head(("content-length", "3x"), method="POST"), b"abc"),
    "101 fields": (head(*((f"x-{number}", "a") for number in range(101))), b""),
    "a huge field": (head(("x-a", "a" * 60_000)), b""),
    "CONNECT": ([(":method", "CONNECT"), (":authority", "localhost:80")], b""),
    "extended CONNECT": (head((":protocol", "websocket"), method="CONNECT"), b""),
    "TRACE": (head(method="TRACE"), b""),
}


class Outcome(NamedTuple):
    """What came back, None for an end of the stream or connection; what the upstream saw."""

    reply: Reply | None
    seen: list[Seen]


@pytest.fixture(scope="module")
def outcomes(plain: Gateway, echoing: Upstream) -> dict[str, Outcome]:
    """Every shape, many at once, for a refused connection takes Envoy a second to close. Each has a host of its own."""
    hosts = {shape: f"h{number}.test" for number, shape in enumerate(REFUSED)}

    def send(shape: str) -> Reply | None:
        fields, body = REFUSED[shape]
        with Http2Client(plain.port) as client:
            try:
                named = [(name, value.replace("localhost", hosts[shape])) for name, value in fields]
                return client.reply(client.send(named, body))
            except (Reset, ConnectionError):
                return None

    with ThreadPoolExecutor(24) as pool:
        replies = dict(zip(REFUSED, pool.map(send, REFUSED), strict=True))
    return {
        shape: Outcome(replies[shape], [seen for seen in echoing.seen if seen.header("host") == hosts[shape]])
        for shape in REFUSED
    }


@pytest.mark.parametrize("shape", REFUSED)
def test_is_refused(outcomes: dict[str, Outcome], shape: str) -> None:
    """By a status, or by an end of the stream or connection; the upstream gets a head at most, and never its body."""
    reply, seen = outcomes[shape]
    if reply is not None:
        assert 400 <= reply.status < 500
        reply.problem()
    assert [request for request in seen if request.body or not REFUSED[shape][1]] == []


def test_the_upstream_saw_nothing_else(outcomes: dict[str, Outcome], echoing: Upstream) -> None:
    known = {id(request) for outcome in outcomes.values() for request in outcome.seen}
    assert [request for request in echoing.seen if id(request) not in known] == []


def test_prior_knowledge(plain: Gateway, echoing: Upstream) -> None:
    with Http2Client(plain.port) as client:
        reply = client.ask("POST", "/a/../b?c=d", ("x-tag", "h2"), ("cookie", "a=b"), ("cookie", "c=d"), body=b"hello")
    assert reply.status == 200
    assert reply.header("server") is None
    assert reply.header("x-content-type-options") == "nosniff"
    seen = echoing.seen[-1]
    assert (seen.method, seen.target, seen.body, seen.version) == ("POST", "/b?c=d", b"hello", "HTTP/1.1")
    assert (seen.header("host"), seen.header("cookie")) == ("localhost", "a=b; c=d")
    record = plain.record("h2")
    assert (record["path"], record["status"]) == ("/b", 200)


def test_many_streams_at_once(plain: Gateway) -> None:
    with Http2Client(plain.port) as client:
        streams = [client.send(client.head("POST", f"/{number}"), b"x" * number) for number in range(1, 60)]
        replies = [client.reply(stream).json() for stream in reversed(streams)]
    assert [reply["target"] for reply in reversed(replies)] == [f"/{number}" for number in range(1, 60)]


def test_forged_headers_are_removed(plain: Gateway, echoing: Upstream) -> None:
    forged = ("x-stockade-principal", "x-stockade-route", "x-real-ip", "x-forwarded-host", "x_forwarded_host")
    with Http2Client(plain.port) as client:
        assert client.ask("GET", "/a", *((name, "forged") for name in forged)).status == 200
    assert not {name for name, _ in echoing.seen[-1].headers}.intersection(forged)


def test_trailers_cannot_bring_what_headers_may_not(plain: Gateway, echoing: Upstream) -> None:
    with Http2Client(plain.port) as client:
        stream = client.send(client.head("POST", "/a"), b"hello", ends=False)
        client.h2.send_headers(stream, [("x-stockade-principal", "admin")], end_stream=True)
        client.flush()
        assert client.reply(stream).status == 200
    seen = echoing.seen[-1]
    assert (seen.body, seen.header("x-stockade-principal")) == (b"hello", None)


def test_host_beside_authority(plain: Gateway, echoing: Upstream) -> None:
    """One host reaches the upstream: that of the authority, by which the route was chosen."""
    with Http2Client(plain.port) as client:
        client.ask("GET", "/a", ("host", "other.example"))
    assert [value for name, value in echoing.seen[-1].headers if name == "host"] == ["localhost"]


@pytest.mark.parametrize("scheme", ["https", "ftp", "javascript"])
def test_a_scheme_is_not_believed(plain: Gateway, echoing: Upstream, scheme: str) -> None:
    """On a connection in clear, whatever the client says of it."""
    with Http2Client(plain.port) as client:
        reply = client.ask("GET", "/a", (":scheme", scheme))
    assert reply.header("strict-transport-security") is None
    assert echoing.seen[-1].header("x-forwarded-proto") == "http"


def test_a_storm_of_resets_is_stopped(plain: Gateway) -> None:
    """Rapid reset (CVE-2023-44487): the connection is ended, not served for ever."""

    def storm(client: Http2Client) -> None:
        for _ in range(20_000):
            stream = client.send(client.head("GET", "/a"), ends=False)
            client.h2.reset_stream(stream)
            client.flush()
        client.ask("GET", "/a")

    with Http2Client(plain.port) as client, pytest.raises((Reset, ConnectionError)):
        storm(client)
    assert plain.get("/a").status == 200


def test_a_head_without_end_is_stopped(plain: Gateway) -> None:
    """CONTINUATION after CONTINUATION (CVE-2024-30255 was Envoy's own): the connection is ended."""

    def flood(client: Http2Client) -> None:
        client.socket.sendall(b"\0\0\x01\x01\x00\0\0\0\x01\x82")
        frame = b"\0\x40\0\x09\0\0\0\0\x01" + b"\x00\x03x-a\x03abc" * 1820 + b"\x82" * 4
        for _ in range(2000):
            client.socket.sendall(frame)
        client.receive()

    with Http2Client(plain.port) as client, pytest.raises((Reset, ConnectionError)):
        flood(client)
    assert plain.get("/a").status == 200


def test_nonsense_after_the_preface(plain: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", plain.port), 10) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100)
        while sock.recv(65536):
            pass
    assert plain.get("/a").status == 200
