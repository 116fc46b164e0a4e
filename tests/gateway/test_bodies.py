"""Bodies through Envoy: large ones, late ones, and clients and upstreams that do not wait for each other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.gateway.client import Client, chunked
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.injected.probe import evidence
from tests.gateway.upstreams import Connection, Seen, Upstream, echo, plain, upstream

pytestmark = pytest.mark.envoy

LARGE = bytes(range(256)) * (8 << 12)  # 8 MiB
MOST = "16MiB"


def answer(connection: Connection, seen: Seen) -> bool:
    """`/large?N` answers N bytes; everything else is echoed."""
    if "/large" not in seen.target:
        return echo(connection, seen._replace(body=b"%d" % len(seen.body)))
    connection.socket.sendall(plain(200, b"x" * int(seen.target.partition("?")[2])))
    return True


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose controls read the bodies of `/probe`, and of nothing else."""
    with ExitStack() as stack:
        port = stack.enter_context(upstream(free_port(), answer)).port
        bounded = {"firewall": {"max_body": MOST}}
        small = api(port, "probe-small", prefix="/probe/large", firewall={"max_body": "64KiB"})
        apis = [api(port, "probe", prefix="/probe", **bounded), small, api(port, "plain", **bounded)]
        gateway = Gateway(tmp_path_factory.mktemp("bodies"), policy(*apis), environment={"PROBE": "yes"})
        yield stack.enter_context(running(gateway))


def found(gateway: Gateway, tag: str) -> dict[str, str]:
    return {finding["rule"]: finding["evidence"] for finding in gateway.record(tag)["findings"]}


@pytest.mark.parametrize("orders", ["", "wait-head", "wait-body", "wait-head wait-body"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_large_body_is_read_whole(reading: Gateway, orders: str, declared: bool) -> None:
    tag = f"large {orders} {declared}"
    headers = {"x-probe": orders, "x-tag": tag}
    if declared:
        reply = reading.ask("POST", "/probe/a", headers, LARGE)
    else:
        pieces = [LARGE[start : start + 100_000] for start in range(0, len(LARGE), 100_000)]
        reply = reading.ask("POST", "/probe/a", {**headers, "transfer-encoding": "chunked"}, chunked(*pieces))
    assert reply.status == 200
    assert reply.json()["body"] == str(len(LARGE))
    assert found(reading, tag)["request-body"] == evidence(LARGE)


def test_a_large_body_passes_while_the_head_waits(reading: Gateway) -> None:
    """The wait must not turn into a limit of its own, also where nobody reads the body."""
    reply = reading.ask("POST", "/a", {"x-tag": "passes"}, LARGE)
    assert reply.json()["body"] == str(len(LARGE))


def test_many_wait_at_once(reading: Gateway) -> None:
    def ask(number: int) -> tuple[int, str]:
        reply = reading.ask(
            "POST", "/probe/a", {"x-probe": "wait-head wait-response", "x-tag": f"many {number}"}, b"x" * number
        )
        return reply.status, reply.json()["body"]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(100))) == [(200, str(number)) for number in range(100)]
    assert found(reading, "many 99")["request-body"] == evidence(b"x" * 99)


def test_clients_that_leave_while_they_wait(reading: Gateway) -> None:
    """Their records say so (499), and nothing is left of them."""
    for number in range(20):
        with Client(reading.port) as client:
            client.send(b"GET /probe/a HTTP/1.1\r\nHost: a\r\nX-Probe: wait-head\r\nX-Tag: gone %d\r\n\r\n" % number)
    assert {reading.record(f"gone {number}")["status"] for number in range(20)} <= {499, 200}
    assert reading.ask("GET", "/probe/a").status == 200


def test_a_client_that_leaves_in_the_middle_of_a_body(reading: Gateway) -> None:
    with Client(reading.port) as client:
        client.send(b"POST /probe/a HTTP/1.1\r\nHost: a\r\nX-Tag: half\r\nContent-Length: 100\r\n\r\nhalf")
    record = reading.record("half")
    assert (record["status"], record["findings"]) == (499, [])


def test_a_response_that_is_too_large_to_be_read(reading: Gateway) -> None:
    """Refused, not passed unread."""
    reply = reading.ask("GET", "/probe/large?9000000", {"x-tag": "too large"})
    assert reply.status >= 500
    assert b"xxxx" not in reply.body
    reply.problem()


def test_a_large_response_that_nobody_reads(reading: Gateway) -> None:
    assert reading.ask("GET", "/large?4000000").body == b"x" * 4_000_000


@pytest.fixture
def hasty(start: Callable[..., Gateway], serve: Callable[..., Upstream]) -> Gateway:
    """Before an upstream that answers a head without waiting for the body."""

    def hurry(connection: Connection, seen: Seen) -> bool:
        connection.socket.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nearly\r\n")
        with contextlib.suppress(OSError):
            while connection.socket.recv(65536):
                pass
        return False

    server = serve(hurry)
    server.reads_bodies = False
    return start(policy(api(server.port, firewall={"max_body": "64KiB"})))


def test_a_body_that_grows_too_large_after_the_answer_began(hasty: Gateway) -> None:
    """The answer cannot be taken back: it is cut off, and the gateway lives."""
    with Client(hasty.port) as client:
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nX-Tag: hasty\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert client.head().status == 200
        assert client.file.readline() == b"5\r\n"
        assert client.file.read(7) == b"early\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                client.send(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
        with contextlib.suppress(ConnectionError):
            assert client.file.read() == b""
    workers = hasty.workers()
    assert len(wait_until(lambda: hasty.records("hasty"))) == 1
    assert hasty.workers() == workers
