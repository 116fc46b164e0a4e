"""Requests that two servers could read differently: each is refused or goes on in the one normal form. Never a hang."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.gateway.client import Client, Reply
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.upstreams import Connection, Seen, Upstream, echo, upstream

pytestmark = pytest.mark.envoy

HOST = b"Host: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: "
NEXT = b"GET /next HTTP/1.1\r\nHost: next.test\r\n\r\n"


def get(fields: bytes = b"", target: bytes = b"/a", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + HOST + fields + b"\r\n"


def post(fields: bytes, body: bytes) -> bytes:
    return b"POST /a HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def bare(line: bytes, fields: bytes = HOST) -> bytes:
    return line + b"\r\n" + fields + b"\r\n"


REFUSED: dict[str, tuple[bytes, int]] = {
    # Framing (RFC 9112, sections 6 and 7)
    "length and chunked": (post(b"Content-Length: 6\r\n" + CHUNKED, b"0\r\n\r\nG"), 400),
    "chunked and length": (post(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n"), 400),
    "two lengths that differ": (post(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"ab"), 400),
    "two lengths that agree": (post(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"ab"), 400),
    "a list of lengths": (post(b"Content-Length: 2, 2\r\n", b"ab"), 400),
    "a signed length": (post(b"Content-Length: +2\r\n", b"ab"), 400),
    "a negative length": (post(b"Content-Length: -2\r\n", b"ab"), 400),
    "a hexadecimal length": (post(b"Content-Length: 0x2\r\n", b"ab"), 400),
    "a length of two words": (post(b"Content-Length: 2 2\r\n", b"ab"), 400),
    "an empty length": (post(b"Content-Length: \r\n", b"ab"), 400),
    "a length beyond 64 bits": (post(b"Content-Length: 99999999999999999999\r\n", b"ab"), 400),
    "xchunked": (post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), 501),
    "chunked, then identity": (post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"), 501),
    "identity": (post(b"Transfer-Encoding: identity\r\n", b""), 501),
    "gzip, then chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501),
    "two codings in two lines": (post(CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"), 501),
    "chunked twice": (post(CHUNKED + CHUNKED, b"0\r\n\r\n"), 501),
    "chunked after a vertical tab": (post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), 400),
    "space before the colon of chunked": (post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), 400),
    "a bare LF after a chunk": (post(CHUNKED, b"1\na\n0\n\n"), 400),
    "a bare LF in a chunk's extension": (post(CHUNKED, b"1;a\nb\r\na\r\n0\r\n\r\n"), 400),
    "a chunk size with a prefix": (post(CHUNKED, b"0x1\r\na\r\n0\r\n\r\n"), 400),
    "a negative chunk size": (post(CHUNKED, b"-1\r\na\r\n0\r\n\r\n"), 400),
    "a chunk size beyond 64 bits": (post(CHUNKED, b"ffffffffffffffff1\r\na\r\n0\r\n\r\n"), 400),
    # Fields (RFC 9110, section 5)
    "space before a colon": (get(b"X-A : b\r\n"), 400),
    "a line that begins with a space": (b"GET /a HTTP/1.1\r\n X-A: b\r\n" + HOST + b"\r\n", 400),
    "a field without a name": (get(b": b\r\n"), 400),
    "a line without a colon": (get(b"abc\r\n"), 400),
    "NUL in a value": (get(b"X-A: a\0b\r\n"), 400),
    "NUL in a name": (get(b"X\0A: a\r\n"), 400),
    "a control character in a value": (get(b"X-A: \x01\r\n"), 400),
    "a byte beyond ASCII in a name": (get(b"X-\xc3: a\r\n"), 400),
    "a pseudo-header as a field": (get(b":path: /b\r\n"), 400),
    "a huge field": (get(b"X-A: " + b"a" * 40_000 + b"\r\n"), 431),
    "101 fields": (get(b"".join(b"X-%d: a\r\n" % n for n in range(101))), 431),
    "a hop-by-hop field that is ours": (get(b"Connection: close, x-forwarded-for\r\n"), 400),
    # Hosts (RFC 9112, section 3.2)
    "two hosts": (get(b"Host: other\r\n"), 400),
    "the same host twice": (get(HOST), 400),
    "no host": (bare(b"GET /a HTTP/1.1", b""), 400),
    "an empty host": (bare(b"GET /a HTTP/1.1", b"Host: \r\n"), 400),
    "a host with a user": (bare(b"GET /a HTTP/1.1", b"Host: a@localhost\r\n"), 400),
    "a host with a path": (bare(b"GET /a HTTP/1.1", b"Host: localhost/x\r\n"), 400),
    "a host with a comma": (bare(b"GET /a HTTP/1.1", b"Host: localhost, other\r\n"), 400),
    # Request lines
    "CONNECT": (bare(b"CONNECT localhost:80 HTTP/1.1"), 400),
    "CONNECT with a path": (bare(b"CONNECT /a HTTP/1.1"), 400),
    "TRACE": (bare(b"TRACE /a HTTP/1.1"), 405),
    "a method that nobody knows": (bare(b"FOO /a HTTP/1.1"), 400),
    "a method in lower case": (bare(b"get /a HTTP/1.1"), 400),
    "a method that is no token": (bare(b"G@T /a HTTP/1.1"), 400),
    "an asterisk": (bare(b"OPTIONS * HTTP/1.1"), 404),
    "an asterisk without OPTIONS": (bare(b"GET * HTTP/1.1"), 400),
    "a relative target": (bare(b"GET a HTTP/1.1"), 400),
    "an https target over http": (bare(b"GET https://localhost/a HTTP/1.1"), 403),
    "an ftp target": (bare(b"GET ftp://localhost/a HTTP/1.1"), 400),
    "a space in the target": (bare(b"GET /a b HTTP/1.1"), 400),
    "HTTP/0.9": (b"GET /a\r\n\r\n", 400),
    "HTTP/1.10": (get(version=b"HTTP/1.10"), 400),
    "HTTP/1.0 without a host": (bare(b"GET /a HTTP/1.0", b""), 400),
    "TLS to a port without": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 50 + b"\r\n\r\n", 400),
    # Targets
    "an escaped slash": (get(target=b"/a%2fb"), 400),
    "an escaped backslash": (get(target=b"/a%5Cb"), 400),
    "an escaped NUL": (get(target=b"/a%00b"), 400),
    "NUL": (get(target=b"/a\0b"), 400),
    "a broken escape": (get(target=b"/a%zz"), 400),
    "half an escape": (get(target=b"/a%2"), 400),
    "bytes beyond ASCII": (get(target="/é".encode()), 400),
    "a fragment": (get(target=b"/a#b"), 400),
    "a target that is too long": (get(target=b"/" + b"a" * 70_000), 431),
    # Protocol changes (RFC 9110, section 7.8)
    "WebSocket with a length": (post(UPGRADE + b"websocket\r\nContent-Length: 5\r\n", b"hello"), 400),
    "WebSocket that is no GET": (bare(b"DELETE /a HTTP/1.1", HOST + UPGRADE + b"websocket\r\n"), 400),
}


class Normal(NamedTuple):
    """What the upstream must see, and nothing else."""

    method: str = "GET"
    target: str = "/a"
    body: bytes = b""
    present: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()


NORMALISED: dict[str, tuple[bytes, Normal]] = {
    "a folded field": (get(b"X-A: b\r\n c\r\n"), Normal(present=(("x-a", "b c"),))),
    "a folded coding": (post(b"Transfer-Encoding:\r\n chunked\r\n", b"1\r\na\r\n0\r\n\r\n"), Normal("POST", body=b"a")),
    "a coding after a tab": (
        post(b"Transfer-Encoding:\tchunked\r\n", b"1\r\na\r\n0\r\n\r\n"),
        Normal("POST", body=b"a"),
    ),
    "Chunked": (post(b"Transfer-Encoding: Chunked\r\n", b"1\r\na\r\n0\r\n\r\n"), Normal("POST", body=b"a")),
    "bare LF between fields": (get(b"X-A: b\nX-B: c\r\n"), Normal(present=(("x-a", "b"), ("x-b", "c")))),
    "bare LF everywhere": (b"GET /a HTTP/1.1\nHost: localhost\n\n", Normal()),
    "bare CR": (get(b"X-A: b\rX-B: c\r\n"), Normal(absent=("x-b",))),
    "an empty line first": (b"\r\n" + get(), Normal()),
    "an underscore in a name": (get(b"X_Stockade_Principal: admin\r\n"), Normal(absent=("x_stockade_principal",))),
    "an underscore in the coding": (
        post(b"Transfer_Encoding: chunked\r\nContent-Length: 2\r\n", b"ab"),
        Normal("POST", body=b"ab", absent=("transfer_encoding", "transfer-encoding")),
    ),
    "bytes beyond ASCII in a value": (get(b"X-A: \xff\xe9\r\n"), Normal(present=(("x-a", "\xff\xe9"),))),
    "trailers": (
        post(CHUNKED + b"Trailer: x-a\r\n", b"1\r\na\r\n0\r\nX-A: b\r\nContent-Length: 4\r\n\r\n"),
        Normal("POST", body=b"a", absent=("x-a", "content-length")),
    ),
    "a chunk that is longer than it says": (post(CHUNKED, b"1\r\nab\r\n0\r\n\r\n"), Normal("POST", body=b"a")),
    "a body of a GET": (get(b"Content-Length: 5\r\n") + b"hello", Normal(body=b"hello")),
    "two spaces in the line": (bare(b"GET  /a HTTP/1.1"), Normal()),
    "tabs in the line": (bare(b"GET\t/a\tHTTP/1.1"), Normal()),
    "HTTP/1.2": (get(version=b"HTTP/1.2"), Normal()),
    "HTTP/2.0 without its preface": (get(version=b"HTTP/2.0"), Normal()),
    "HTTP/1.0": (get(version=b"HTTP/1.0"), Normal()),
    "HTTP/1.0 that is chunked": (
        b"POST /a HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n1\r\na\r\n0\r\n\r\n",
        Normal("POST", body=b"a"),
    ),
    "the absolute form": (bare(b"GET http://localhost/a HTTP/1.1", b"Host: other.test\r\n"), Normal()),
    "the absolute form with a user": (bare(b"GET http://u:p@localhost/a HTTP/1.1", b"Host: other.test\r\n"), Normal()),
    "dot segments": (get(target=b"/x/../b/./c"), Normal(target="/b/c")),
    "dot segments above the root": (get(target=b"/../../etc"), Normal(target="/etc")),
    "escaped dots": (get(target=b"/a/%2e%2e/b"), Normal(target="/b")),
    "dots with a parameter": (get(target=b"/a/..;/b"), Normal(target="/b")),
    "escaped escapes": (get(target=b"/a/%252e%252e/b"), Normal(target="/a/%252e%252e/b")),
    "many slashes": (get(target=b"//a///b"), Normal(target="/a/b")),
    "a backslash": (get(target=b"/a\\b"), Normal(target="/a/b")),
    "an escaped letter": (get(target=b"/%61dmin"), Normal(target="/admin")),
    "dots and slashes in the query": (get(target=b"/a?b=/../%2f%00"), Normal(target="/a?b=/../%2f%00")),
    "a long target": (get(target=b"/" + b"a" * 20_000), Normal(target="/" + "a" * 20_000)),
    "h2c": (get(UPGRADE + b"h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), Normal(absent=("upgrade",))),
    "h2c among others": (get(UPGRADE + b"foo, H2C\r\n"), Normal(absent=("upgrade",))),
    "a protocol that nobody knows": (get(UPGRADE + b"foo\r\n"), Normal(absent=("upgrade", "connection"))),
    "a protocol like WebSocket": (get(UPGRADE + b"websockes\r\n"), Normal(absent=("upgrade", "connection"))),
    "TLS by upgrade, with chunks": (
        get(UPGRADE + b"TLS/1.2\r\n" + CHUNKED) + b"5\r\nhello\r\n0\r\n\r\n",
        Normal(body=b"hello", absent=("upgrade",)),
    ),
}


class Outcome(NamedTuple):
    """The replies to a shape and to an honest request after it on the same connection; what the upstream saw."""

    first: Reply
    second: Reply | None
    seen: list[Seen]


def exchange(gateway: Gateway, data: bytes) -> tuple[Reply, Reply | None]:
    with Client(gateway.port) as client:
        client.send(data)
        first = client.reply()
        try:
            client.send(NEXT)
            return first, client.reply()
        except (EOFError, ConnectionError):
            return first, None


@pytest.fixture(scope="module")
def outcomes(plain: Gateway, echoing: Upstream) -> dict[str, Outcome]:
    """Every shape, many at once, for a refused connection takes Envoy a second to close. Each has a host of its own."""
    shapes = {name: data for name, (data, _) in (*REFUSED.items(), *NORMALISED.items())}
    hosts = {name: f"h{number}.test" for number, name in enumerate(shapes)}

    def run(name: str) -> tuple[Reply, Reply | None]:
        return exchange(plain, shapes[name].replace(b"localhost", hosts[name].encode()))

    with ThreadPoolExecutor(24) as pool:
        replies = dict(zip(shapes, pool.map(run, shapes), strict=True))
    return {
        name: Outcome(*replies[name], [seen for seen in echoing.seen if seen.header("host") == hosts[name]])
        for name in shapes
    }


@pytest.mark.parametrize("shape", REFUSED)
def test_is_refused_with_problem_details(outcomes: dict[str, Outcome], shape: str) -> None:
    first, second, seen = outcomes[shape]
    assert first.status == REFUSED[shape][1]
    first.problem()
    assert first.header("server") is None
    # What follows on the connection is the honest request, or nothing: never the tail of the hostile one.
    assert second is None or second.status == 200
    # A body may be refused when its head has gone on already; then no more of it arrives.
    assert all(request.target == "/a" and not request.body for request in seen)


@pytest.mark.parametrize("shape", NORMALISED)
def test_goes_on_in_the_normal_form(outcomes: dict[str, Outcome], shape: str) -> None:
    first, second, seen = outcomes[shape]
    normal = NORMALISED[shape][1]
    assert first.status == 200
    assert second is None or second.status == 200
    (request,) = seen
    assert (request.method, request.target, request.body, request.version) == (*normal[:3], "HTTP/1.1")
    assert not {name for name, _ in request.headers}.intersection(normal.absent)
    assert set(normal.present) <= set(request.headers)


def test_the_upstream_saw_no_other_request(outcomes: dict[str, Outcome], echoing: Upstream) -> None:
    known = {id(request) for outcome in outcomes.values() for request in outcome.seen}
    assert {request.target for request in echoing.seen if id(request) not in known} <= {"/next"}


def test_a_refusal_that_our_filter_makes_is_on_record(plain: Gateway) -> None:
    assert plain.get("/a%zz", x_tag="broken").status == 400
    record = plain.record("broken")
    assert (record["control"], record["action"], record["status"]) == ("routing", "deny", 400)
    assert [finding["rule"] for finding in record["findings"]] == ["bad-target"]


def tunnel(connection: Connection, seen: Seen) -> bool:
    """Agrees to any change of protocols, as a server of h2c or of another WebSocket library would."""
    if seen.header("x-tunnel") is None:
        return echo(connection, seen)
    connection.socket.sendall(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
    connection.socket.settimeout(1)
    connection.socket.recv(65536)
    return False


@pytest.fixture(scope="module")
def tunnelling() -> Iterator[Upstream]:
    with upstream(free_port(), tunnel) as server:
        yield server


@pytest.fixture(scope="module")
def before_tunnel(tmp_path_factory: pytest.TempPathFactory, tunnelling: Upstream) -> Iterator[Gateway]:
    with running(Gateway(tmp_path_factory.mktemp("tunnel"), policy(api(tunnelling.port)))) as gateway:
        yield gateway


@pytest.mark.parametrize("protocol", [b"h2c", b"H2C", b"foo, h2c", b"foo", b"TLS/1.2", b"websocket2"])
def test_no_tunnel_past_the_controls(before_tunnel: Gateway, protocol: bytes) -> None:
    """An upstream that takes another protocol must not get the client's bytes unread."""
    tag = protocol.hex()
    with Client(before_tunnel.port) as client:
        client.send(get(b"X-Tunnel: yes\r\n" + UPGRADE + protocol + b"\r\n"))
        client.head()
        client.send(get(b"X-Tag: " + tag.encode() + b"\r\n", b"/smuggled"))
        # The second request was read, judged and recorded like any other.
        assert before_tunnel.record(tag)["path"] == "/smuggled"


@pytest.mark.parametrize("body", [b"\r\n", CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n"], ids=["plain", "chunked"])
def test_no_smuggling_behind_a_refused_websocket(before_tunnel: Gateway, tunnelling: Upstream, body: bytes) -> None:
    """The upstream answers the handshake with an ordinary response: what the client sends next is not for it."""
    before = len(tunnelling.seen)
    with Client(before_tunnel.port) as client:
        client.send(b"GET /a HTTP/1.1\r\n" + HOST + UPGRADE + b"websocket\r\n" + body + get(target=b"/smuggled"))
        client.reply()
        client.replies()
    assert [seen.target for seen in tunnelling.seen[before:]] == ["/a"]
