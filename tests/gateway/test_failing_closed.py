"""What filter/ does by itself when Python cannot be asked: a bug of ours, in whatever hook, lets nothing through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.client import Client, Reply, chunked
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client
from tests.gateway.injected.probe import CANARY
from tests.gateway.upstreams import Connection, Seen, plain, upstream

pytestmark = pytest.mark.envoy

SECRET = b"what the upstream said"
UPSTREAMS_OWN = [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-secret", "yes"), ("content-language", "en")]


def head(status: int, *fields: tuple[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Something", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode()


def behave(connection: Connection, seen: Seen) -> bool:
    """Answers as the path says."""
    send = connection.socket.sendall
    path = seen.target.partition("?")[0]
    if path in ("/204", "/304"):
        send(head(int(path[1:]), *UPSTREAMS_OWN))
    elif path == "/many":
        send(plain(200, SECRET, *UPSTREAMS_OWN, *((f"x-field-{n}", "x" * n) for n in range(90))))
    elif path == "/trailers":
        send(head(200, *UPSTREAMS_OWN, ("transfer-encoding", "chunked"), ("trailer", "x-secret")))
        send(chunked(SECRET)[:-2] + b"x-secret: yes\r\n\r\n")
    elif path in ("/silent", "/dripping"):
        send(head(200, *UPSTREAMS_OWN, ("transfer-encoding", "chunked")))
        while path == "/dripping" and not connection.closing.wait(0.05):
            send(chunked(SECRET)[:-5])
        connection.closing.wait(20)
        return False
    else:
        body = plain(200, SECRET, *UPSTREAMS_OWN)
        send(body[: -len(SECRET)] if seen.method == "HEAD" else body)
    return True


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    port = free_port()
    door = Gateway(tmp_path_factory.mktemp("failing"), policy(api(port, "probe")), environment={"PROBE": "yes"})
    with upstream(port, behave), running(door):
        yield door


def refused(reply: Reply, method: str = "GET") -> None:
    assert (reply.status, reply.header("content-type")) == (503, "application/problem+json")
    assert not {name for name, _ in UPSTREAMS_OWN} & {name for name, _ in reply.headers}
    assert not [name for name, _ in reply.headers if name.startswith("x-field-")]
    assert SECRET not in reply.body
    assert CANARY.encode() not in reply.body
    if method != "HEAD":
        assert reply.problem()["title"] == "Service Unavailable"


ORDERS = ["break-RequestHead", "break-ResponseHead", "break-ResponseHead wait-head", "break-ResponseBody"]
BODILESS = ("/204", "/304")
PATHS = ["/", *BODILESS, "/many", "/trailers"]


def cases(method: str, path: str) -> list[tuple[str, str, str]]:
    """What breaks, where it may."""
    has_body = method == "GET" and path not in BODILESS
    return [(method, path, orders) for orders in ORDERS if has_body or orders != "break-ResponseBody"]


@pytest.mark.parametrize(
    ("method", "path", "orders"), [case for method in ("GET", "HEAD") for path in PATHS for case in cases(method, path)]
)
def test_http1(gateway: Gateway, method: str, path: str, orders: str) -> None:
    """The connection is kept, and what comes next on it is the answer to the next request."""
    with Client(gateway.port) as client:
        refused(client.ask(method, path, {"x-probe": orders}), method)
        following = client.ask("GET", "/")
        assert (following.status, following.body) == (200, SECRET)


@pytest.mark.parametrize(("method", "path", "orders"), [*cases("GET", "/"), *cases("HEAD", "/")])
def test_http2(gateway: Gateway, method: str, path: str, orders: str) -> None:
    with Http2Client(gateway.port) as client:
        reply = client.ask(method, path, ("x-probe", orders))
        refused(reply, method)
        assert bool(reply.body) is (method == "GET")
        assert client.ask("GET", "/").body == SECRET


@pytest.mark.parametrize("orders", ["break-RequestBody", "break-RequestBody wait-head"])
@pytest.mark.parametrize("body", [b"", b"x" * 100_000], ids=len)
def test_a_request_with_a_body(gateway: Gateway, body: bytes, orders: str) -> None:
    headers = {"x-probe": orders, "transfer-encoding": "chunked"}
    refused(gateway.ask("POST", "/", headers, chunked(body) if body else chunked()))


@pytest.mark.parametrize("path", ["/silent", "/dripping"])
@pytest.mark.parametrize("orders", ["break-ResponseHead", "raise-response", "raise-response wait-head"])
def test_an_upstream_that_does_not_end(gateway: Gateway, path: str, orders: str) -> None:
    """Whose response is replaced does not wait for the end of it."""
    reply = gateway.ask("GET", path, {"x-probe": orders})
    assert reply.problem()["status"] == 503


def test_the_gateway_lives(gateway: Gateway) -> None:
    assert set(gateway.workers()) == gateway.known_workers
    assert len(gateway.known_workers) == 1
