"""Clients that take their time, or too many connections: cut off within the bounds of the policy."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from h2.events import ConnectionTerminated

from tests.gateway.certificates import Authority
from tests.gateway.client import Client
from tests.gateway.conftest import Start
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.http2 import Http2Client, Reset
from tests.gateway.upstreams import Connection, Seen, upstream

pytestmark = pytest.mark.envoy

TIMEOUTS = {"headers": "500ms", "request": "1s", "idle": "1s", "stream": "1s", "tls_handshake": "500ms"}
SOON = 8.0  # seconds: far beyond every bound above, and far below every default
CLEAR, SECURE = range(2)  # the listeners


def endless(connection: Connection, seen: Seen) -> bool:
    """Sends for as long as it is read; `/stall` stops in the middle."""
    connection.socket.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
    with contextlib.suppress(OSError):
        while not seen.target.startswith("/stall"):
            connection.socket.sendall(b"x" * 65536)
        connection.socket.settimeout(SOON * 2)
        connection.socket.recv(1)
    return False


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Gateway]:
    files = authority.issue("impatient")
    tls = {"certificate": str(files.certificate), "key": str(files.key)}
    listen = [{"address": f"127.0.0.1:{free_port()}"}, {"address": f"127.0.0.1:{free_port()}", "tls": tls}]
    with ExitStack() as stack:
        echoing = stack.enter_context(upstream(free_port()))
        sending = stack.enter_context(upstream(free_port(), endless))
        apis = [api(echoing.port), api(sending.port, "endless", prefix="/endless", upstream={"timeout": "1s"})]
        apis += [api(sending.port, "stall", prefix="/stall", upstream={"timeout": "1s"})]
        gateway = Gateway(tmp_path_factory.mktemp("impatient"), policy(*apis, listen=listen, timeouts=TIMEOUTS))
        yield stack.enter_context(running(gateway))


@contextlib.contextmanager
def ends_soon(sock: socket.socket) -> Iterator[None]:
    """What is done with the socket must come to an end by the gateway's doing."""
    started = time.monotonic()
    sock.settimeout(SOON)
    yield
    assert time.monotonic() - started < SOON


def drip(client: Client, data: bytes, pause: float = 0.1) -> None:
    """Send byte after byte until there is an end of it."""
    with contextlib.suppress(ConnectionError):
        for byte in data:
            client.send(bytes([byte]))
            time.sleep(pause)


def test_a_head_that_never_ends(impatient: Gateway) -> None:
    with Client(impatient.port) as client, ends_soon(client.socket):
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ")
        replies = client.replies()
    assert [reply.status for reply in replies] == [408]
    replies[0].problem()


def test_a_head_that_drips(impatient: Gateway) -> None:
    """Each byte in time, the whole too late (slowloris)."""
    with Client(impatient.port) as client, ends_soon(client.socket):
        drip(client, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: bbbbbbbbbbbbbbbbbbbbbbbb")
        assert [reply.status for reply in client.replies()] in ([408], [])


def test_a_body_that_never_ends(impatient: Gateway) -> None:
    with Client(impatient.port) as client, ends_soon(client.socket):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nX-Tag: never\r\nContent-Length: 100\r\n\r\nx")
        assert [reply.status for reply in client.replies()] == [408]
    assert impatient.record("never")["status"] == 408


def test_a_body_that_drips(impatient: Gateway) -> None:
    with Client(impatient.port) as client, ends_soon(client.socket):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        drip(client, b"x" * 30)
        assert [reply.status for reply in client.replies()] in ([408], [])


def test_a_chunked_body_that_never_ends(impatient: Gateway) -> None:
    with Client(impatient.port) as client, ends_soon(client.socket):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        assert [reply.status for reply in client.replies()] == [408]


def test_a_connection_without_requests(impatient: Gateway) -> None:
    with Client(impatient.port) as client, ends_soon(client.socket):
        assert client.replies() == []


def test_a_connection_that_was_used(impatient: Gateway) -> None:
    with Client(impatient.port) as client, ends_soon(client.socket):
        assert client.ask("GET", "/").status == 200
        assert client.replies() == []


def test_a_handshake_that_never_ends(impatient: Gateway) -> None:
    port = int(impatient.policy["listen"][SECURE]["address"].rpartition(":")[2])
    for beginning in (b"", b"\x16\x03\x01\x02\x00\x01"):
        with Client(port, first=beginning) as client, ends_soon(client.socket):
            assert client.replies() == []


def test_an_http2_connection_without_requests(impatient: Gateway) -> None:
    with Http2Client(impatient.port) as client, ends_soon(client.socket), contextlib.suppress(Reset):
        while not any(isinstance(event, ConnectionTerminated) for event in client.events):
            client.receive()


def test_an_http2_body_that_never_ends(impatient: Gateway) -> None:
    with Http2Client(impatient.port) as client, ends_soon(client.socket):
        stream = client.send(client.head("POST", "/"), b"x", ends=False)
        with contextlib.suppress(Reset):
            assert client.reply(stream).status == 408


def test_an_http2_head_that_never_ends(impatient: Gateway) -> None:
    """HEADERS without END_HEADERS, and no CONTINUATION after it."""
    with Http2Client(impatient.port) as client, ends_soon(client.socket):
        client.socket.sendall(b"\0\0\x01\x01\x01\0\0\0\x01\x82")
        with contextlib.suppress(Reset, ConnectionError):
            while True:
                client.receive()


def test_a_client_that_does_not_read(impatient: Gateway) -> None:
    """Nothing moves: the stream is ended although both sides are there."""
    with Client(impatient.port) as client:
        client.send(b"GET /endless HTTP/1.1\r\nHost: a\r\nX-Tag: deaf\r\n\r\n")
        wait_until(lambda: any(record["headers"].get("x-tag") == "deaf" for record in impatient.log()), "the end", SOON)


def test_an_upstream_that_stalls(impatient: Gateway) -> None:
    with Client(impatient.port) as client, ends_soon(client.socket):
        client.send(b"GET /stall HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.head().status == 200
        with contextlib.suppress(ConnectionError):
            assert client.file.read() == b""


def test_a_stream_that_moves_is_not_cut(start: Start, serve: Callable[..., object]) -> None:
    """It lasts far longer than each bound; only standing still counts."""

    def tick(connection: Connection, seen: Seen) -> bool:
        connection.socket.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(20):
            time.sleep(0.1)
            connection.socket.sendall(b"1\r\nx\r\n")
        connection.socket.sendall(b"0\r\n\r\n")
        return True

    with upstream(free_port(), tick) as server:
        timeouts = {"headers": "500ms", "request": "500ms", "idle": "500ms", "stream": "500ms"}
        gateway = start(policy(api(server.port, upstream={"timeout": "500ms"}), timeouts=timeouts))
        assert gateway.get("/").body == b"x" * 20


def test_too_many_connections(start: Start, serve: Callable[..., object], shop: int) -> None:
    """Those beyond the limit are closed; as soon as there is room, they are taken."""
    gateway = start(policy(api(shop), connections=5))
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(gateway.port)) for _ in range(5)]
        assert [client.ask("GET", "/health").status for client in clients] == [200] * 5
        for _ in range(3):
            with Client(gateway.port) as surplus:
                with contextlib.suppress(ConnectionError):
                    surplus.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                assert surplus.replies() == []
        assert [client.ask("GET", "/health").status for client in clients] == [200] * 5
    wait_until(lambda: taken(gateway))


def taken(gateway: Gateway) -> bool:
    with contextlib.suppress(EOFError, ConnectionError):
        return gateway.get("/health").status == 200
    return False
