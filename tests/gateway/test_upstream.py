"""Towards the upstream: TLS, connections that are kept, retries that are safe, and upstreams that fail."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.gateway.certificates import Authority
from tests.gateway.client import Client, Reply
from tests.gateway.conftest import Start
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.upstreams import Behaviour, Connection, Seen, Upstream, after, echo, upstream
from tests.gateway.upstreams import plain as answering

pytestmark = pytest.mark.envoy

Serve = Callable[..., Upstream]


def is_problem(reply: Reply, status: int) -> None:
    """Ours, with the id of the request, and not a word of what is behind us."""
    assert reply.status == status
    details = reply.problem()
    assert len(details["request_id"]) == 36
    for secret in (b"127.0.0.1", b"certificate", b"connect", b"reset", b"upstream", b"CERTIFICATE"):
        assert secret not in reply.body


# TLS.


@pytest.fixture(scope="module")
def behind_tls(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Gateway]:
    """APIs that differ in how they look at the upstream's certificate."""
    folder = tmp_path_factory.mktemp("behind-tls")
    stranger = Authority(folder, "Stranger")
    with contextlib.ExitStack() as stack:

        def serve(files: Any) -> str:
            return stack.enter_context(upstream(free_port(), tls=authority.server(files))).url

        good = serve(authority.issue("upstream"))
        named = serve(authority.issue("named", names=["api.internal"]))
        self_signed = serve(stranger.issue("stranger"))
        ca = {"ca": str(authority.ca)}
        looks = {
            "default": (good, {}),
            "ca": (good, ca),
            "unverified": (self_signed, {"verify": False}),
            "stranger": (self_signed, ca),
            "misnamed": (named, ca),
            "named": (named, {**ca, "server_name": "api.internal"}),
        }
        apis = [
            api(url, name, prefix=f"/{name}", upstream={"tls": tls} if tls else {})
            for name, (url, tls) in looks.items()
        ]
        yield stack.enter_context(running(Gateway(folder, policy(*apis))))


@pytest.mark.parametrize("name", ["ca", "unverified", "named"])
def test_a_certificate_that_is_accepted(behind_tls: Gateway, name: str) -> None:
    assert behind_tls.get(f"/{name}").status == 200


@pytest.mark.parametrize("name", ["default", "stranger", "misnamed"])
def test_a_certificate_that_is_refused(behind_tls: Gateway, name: str) -> None:
    """By default the system's authorities and the URL's host count: a test's certificate has neither."""
    is_problem(behind_tls.get(f"/{name}", x_tag=name), 503)
    record = behind_tls.record(name)
    assert (record["status"], record["action"]) == (503, "allow")


def test_our_own_client_certificate(authority: Authority, start: Start, serve: Serve) -> None:
    context = authority.server(authority.issue("asking"))
    context.load_verify_locations(authority.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server = serve(tls=context)
    ours = authority.issue("gateway")
    tls = {"ca": str(authority.ca), "certificate": str(ours.certificate), "key": str(ours.key)}
    gateway = start(
        policy(
            api(server.url, "with", prefix="/with", upstream={"tls": tls}),
            api(server.url, "without", prefix="/without", upstream={"tls": {"ca": str(authority.ca)}}),
        )
    )
    assert gateway.get("/with").status == 200
    is_problem(gateway.get("/without"), 503)


# Connections.


def test_connections_are_kept(plain: Gateway, echoing: Upstream) -> None:
    """Many clients one after the other, one connection behind."""
    numbers = {plain.get("/").json()["connection"] for _ in range(20)}
    assert len(numbers) == 1


def test_no_more_connections_than_allowed(start: Start, serve: Serve) -> None:
    """Requests wait for a free one, as many as there are connections; more are refused at once."""
    server = serve(after(0.3))
    gateway = start(policy(api(server.port, upstream={"connections": 2})))
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda _: gateway.get("/"), range(12)))
    statuses = {reply.status for reply in replies}
    assert statuses == {200, 503}
    assert server.connections <= 2
    for reply in replies:
        if reply.status == 503:
            is_problem(reply, 503)


class Behind(NamedTuple):
    """An API of a gateway that tests share, and what is behind it, which is this test's own."""

    gateway: Gateway
    path: str
    server: Upstream

    def ask(self, method: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        return self.gateway.ask(method, self.path, headers, body)


Before = Callable[[Behaviour], Behind]


@pytest.fixture(scope="module")
def many_apis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Iterator[tuple[str, int]]]]:
    """A gateway with alike APIs, path and port of each: whoever takes one finds no connection and no failure there."""
    ports = {f"/{number}": free_port() for number in range(16)}
    alike = [api(port, f"api-{path[1:]}", prefix=path) for path, port in ports.items()]
    with running(Gateway(tmp_path_factory.mktemp("many-apis"), policy(*alike))) as gateway:
        yield gateway, iter(ports.items())


@pytest.fixture
def before(many_apis: tuple[Gateway, Iterator[tuple[str, int]]]) -> Iterator[Before]:
    """`before(behave)`: an API that nobody asked yet, before an upstream that behaves so."""
    gateway, unused = many_apis
    with contextlib.ExitStack() as stack:

        def begin(behave: Behaviour) -> Behind:
            path, port = next(unused)
            return Behind(gateway, path, stack.enter_context(upstream(port, behave)))

        yield begin


class Reluctant:
    """Closes the connection instead of answering, as often as it is told to; then answers."""

    def __init__(self, times: int, *, after_bytes: bytes = b"") -> None:
        self.left = times
        self._bytes = after_bytes

    def __call__(self, connection: Connection, seen: Seen) -> bool:
        if self.left:
            self.left -= 1
            connection.socket.sendall(self._bytes)
            return False
        return echo(connection, seen)


def test_a_safe_method_is_tried_again(before: Before) -> None:
    behind = before(Reluctant(1))
    assert behind.ask("GET").status == 200
    assert len(behind.server.seen) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_what_reached_the_upstream_is_not_sent_again(before: Before, method: str) -> None:
    behind = before(Reluctant(1))
    reply = behind.ask(method, body=b"x" if method == "POST" else b"")
    is_problem(reply, 503)
    assert len(behind.server.seen) == 1


def test_half_a_response_is_not_asked_for_again(before: Before) -> None:
    behind = before(Reluctant(1, after_bytes=b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"))
    with Client(behind.gateway.port) as client:
        client.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % behind.path.encode())
        with contextlib.suppress(ConnectionError):
            assert client.reply().body == b"half"  # the client can see that it is not whole
        assert client.file.read() == b""
    assert len(behind.server.seen) == 1


def test_an_idle_connection_that_the_upstream_closed(before: Before) -> None:
    """Nobody notices."""
    behind = before(lambda connection, seen: echo(connection, seen) and False)  # closes after each answer
    assert [behind.ask("GET").status for _ in range(30)] == [200] * 30


def test_an_unsafe_request_to_a_connection_that_the_upstream_closed(before: Before) -> None:
    """It is sent once at the most: where nobody can tell whether it arrived, the client is told so."""
    behind = before(lambda connection, seen: echo(connection, seen) and False)
    statuses = [behind.ask("POST", body=b"x").status for _ in range(30)]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) == len(behind.server.seen) >= 1


def test_a_header_of_the_clients_asks_for_no_retry(before: Before) -> None:
    """Envoy has headers that steer it. They are not for clients."""

    def fail(connection: Connection, seen: Seen) -> bool:
        connection.socket.sendall(answering(500))
        return True

    behind = before(fail)
    steering = {
        "x-envoy-retry-on": "5xx,gateway-error,reset",
        "x-envoy-max-retries": "5",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-upstream-rq-per-try-timeout-ms": "1",
        "x-envoy-hedge-on-per-try-timeout": "true",
        "x-envoy-retriable-status-codes": "500",
        "x-envoy-original-path": "/admin",
        "x-envoy-decorator-operation": "admin",
        "x-envoy-internal": "true",
        "x-envoy-force-trace": "true",
        "x-envoy-ip-tags": "admin",
    }
    assert behind.ask("GET", steering).status == 500
    (seen,) = behind.server.seen
    assert not [name for name, _ in seen.headers if name.startswith("x-envoy")]


# Upstreams that fail.


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """`/KIND` fails as its name says."""

    def misbehave(connection: Connection, seen: Seen) -> bool:
        connection.socket.sendall(ANSWERS[seen.target.removeprefix("/")])
        return False

    with contextlib.ExitStack() as stack:
        port = stack.enter_context(upstream(free_port(), misbehave)).port
        silent = stack.enter_context(upstream(free_port(), after(30))).port
        dead = free_port()
        unroutable = "http://no-such-host.invalid:80"
        apis = [
            api(port),
            api(dead, "dead", prefix="/dead"),
            api(silent, "silent", prefix="/silent", upstream={"timeout": "500ms"}),
            api(unroutable, "nowhere", prefix="/nowhere"),
        ]
        yield stack.enter_context(running(Gateway(tmp_path_factory.mktemp("misbehaving"), policy(*apis))))


OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "garbage": b"this is no HTTP\r\n\r\n",
    "no-status": b"HTTP/1.1 OK\r\n\r\n",
    "two-lengths": OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc",
    "length-and-chunked": OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown-coding": OK + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "nul": OK + b"x-a: b\0c\r\ncontent-length: 0\r\n\r\n",
    "space-before-colon": OK + b"x-a : b\r\ncontent-length: 0\r\n\r\n",
    "many-headers": OK + b"".join(b"x-%d: a\r\n" % n for n in range(2000)) + b"content-length: 0\r\n\r\n",
    "huge-header": OK + b"x-a: " + b"a" * 200_000 + b"\r\ncontent-length: 0\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_is_no_http(misbehaving: Gateway, kind: str) -> None:
    reply = misbehaving.get(f"/{kind}")
    assert reply.status in (502, 503)
    is_problem(reply, reply.status)


@pytest.mark.parametrize(("path", "status"), [("/dead", 503), ("/nowhere", 503), ("/silent", 504)])
def test_no_answer(misbehaving: Gateway, path: str, status: int) -> None:
    is_problem(misbehaving.get(path, x_tag=path), status)
    assert misbehaving.record(path)["status"] == status


def test_an_informational_response_passes(before: Before) -> None:
    def hint(connection: Connection, seen: Seen) -> bool:
        connection.socket.sendall(b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n")
        return echo(connection, seen)

    behind = before(hint)
    with Client(behind.gateway.port) as client:
        client.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % behind.path.encode())
        assert client.reply().status == 200


def test_health_checks_take_a_sick_upstream_out(start: Start, serve: Serve) -> None:
    """While it is sick, requests are refused at once; when it is well again, they pass."""
    well = threading.Event()
    well.set()

    def answer(connection: Connection, seen: Seen) -> bool:
        status = 200 if seen.target != "/health" or well.is_set() else 500
        connection.socket.sendall(answering(status))
        return True

    server = serve(answer)
    health = {"path": "/health", "interval": "100ms", "timeout": "1s"}
    gateway = start(policy(api(server.port, upstream={"health": health})))
    wait_until(lambda: gateway.get("/").status == 200)
    well.clear()
    wait_until(lambda: gateway.get("/").status == 503)
    well.set()
    wait_until(lambda: gateway.get("/").status == 200)


def test_a_host_name_that_has_several_addresses(start: Start, serve: Serve) -> None:
    """`localhost` may be ::1 first: where nothing listens the other address is tried."""
    gateway = start(policy(api(f"http://localhost:{serve().port}")))
    assert [gateway.get("/").status for _ in range(6)] == [200] * 6
