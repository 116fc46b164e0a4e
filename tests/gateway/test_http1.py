"""HTTP/1.1 as honest clients speak it."""

from __future__ import annotations

import pytest

from tests.gateway.client import Client, chunked
from tests.gateway.conftest import Start
from tests.gateway.harness import Gateway, api, policy
from tests.gateway.upstreams import Connection, Seen, Upstream
from tests.gateway.upstreams import plain as answering

pytestmark = pytest.mark.envoy


def test_a_connection_is_kept(plain: Gateway) -> None:
    with Client(plain.port) as client:
        for number in range(50):
            reply = client.ask("POST", f"/{number}", body=b"x" * number)
            assert (reply.status, reply.json()["target"]) == (200, f"/{number}")
            assert reply.header("connection") is None


def test_a_connection_is_kept_after_refusals(plain: Gateway) -> None:
    with Client(plain.port) as client:
        for _ in range(3):
            assert client.ask("TRACE", "/").status == 405
            assert client.ask("GET", "/").status == 200


def test_pipelined_requests(plain: Gateway) -> None:
    """Are answered in their order."""
    with Client(plain.port) as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(20)))
        assert [client.reply().json()["target"] for _ in range(20)] == [f"/{number}" for number in range(20)]


def test_a_refusal_in_the_middle_of_a_pipeline(plain: Gateway) -> None:
    """What follows is answered in its turn."""
    with Client(plain.port) as client:
        client.send(b"".join(b"%b / HTTP/1.1\r\nHost: a\r\n\r\n" % method for method in (b"GET", b"TRACE", b"GET")))
        assert [client.reply().status for _ in range(3)] == [200, 405, 200]


def test_connection_close(plain: Gateway) -> None:
    with Client(plain.port) as client:
        assert client.ask("GET", "/", {"connection": "close"}).header("connection") == "close"
        assert client.replies() == []


def test_http10(plain: Gateway) -> None:
    """Closed after the answer, which has a length; kept where the client asks for it."""
    with Client(plain.port) as client:
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert client.reply().status == 200
        assert client.replies() == []
    with Client(plain.port) as client:
        for _ in range(2):
            client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            reply = client.reply()
            assert (reply.status, reply.header("transfer-encoding")) == (200, None)


def test_expect_continue(plain: Gateway) -> None:
    with Client(plain.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.head().status == 100
        client.send(b"hello")
        assert client.reply().json()["body"] == "hello"


def test_chunked_request(plain: Gateway) -> None:
    body = chunked(b"he", b"l", b"lo")
    assert plain.ask("POST", "/", {"transfer-encoding": "chunked"}, body).json()["body"] == "hello"


def test_a_large_head_within_the_limit(plain: Gateway) -> None:
    value = "a" * 20_000
    assert dict(plain.get("/", x_large=value).json()["headers"])["x-large"] == value


def test_cookies_and_repeated_fields_pass(plain: Gateway) -> None:
    with Client(plain.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=d\r\nAccept: x\r\nAccept: y\r\n\r\n")
        fields = client.reply().json()["headers"]
    assert ["cookie", "a=b; c=d"] in fields
    assert ",".join(value for name, value in fields if name == "accept").replace(" ", "") == "x,y"


def test_heads_of_many_fields(start: Start, serve: object) -> None:
    """What goes goes, and what is set stands once, wherever in the head it was and however often."""
    many = [(f"x-own-{number}", "a") for number in range(80)]
    ours = [("Server", "leaky"), ("X-Powered-By", "a"), ("x-powered-by", "b")]

    def answer(connection: Connection, seen: Seen) -> bool:
        told.append(seen)
        connection.socket.sendall(answering(500 if seen.target == "/broken" else 200, b"{}", *many, *ours))
        return True

    told: list[Seen] = []
    server: Upstream = serve(answer)  # type: ignore[operator]
    forged = {f"x-own-{number}": "a" for number in range(70)} | {
        "X-Stockade-Principal": "root",
        "X-Forwarded-For": "8.8.8.8",
    }
    gateway = start(policy(api(server.port)))
    with Client(gateway.port) as client:
        whole, broken = client.ask("GET", "/", forged), client.ask("GET", "/broken", forged)
    for reply in (whole, broken):
        names = [name for name, _ in reply.headers]
        assert names.count("x-content-type-options") == 1
        assert reply.header("x-content-type-options") == "nosniff"
        assert {"server", "x-powered-by"}.isdisjoint(names)
    assert [sum(name.startswith("x-own") for name, _ in reply.headers) for reply in (whole, broken)] == [80, 0]
    assert all(
        (seen.header("x-stockade-principal"), seen.header("x-forwarded-for")) == (None, "127.0.0.1") for seen in told
    )
    assert all(seen.header("x-own-69") == "a" for seen in told)


def test_responses_pass_as_they_are(start: Start, serve: object) -> None:
    """Statuses, bodies and fields, but for what the policy removes and adds."""
    answers = {
        "/204": b"HTTP/1.1 204 No Content\r\nx-own: a\r\n\r\n",
        "/304": b'HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n',
        "/empty": answering(200, b""),
        "/404": answering(404, b"not here"),
        "/chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(b"he", b"llo"),
        "/cookies": answering(200, b"x", ("set-cookie", "a=b"), ("set-cookie", "c=d"), ("server", "leaky/1.0")),
        "/until-close": b"HTTP/1.1 200 OK\r\n\r\nto the end",
    }

    def answer(connection: Connection, seen: Seen) -> bool:
        connection.socket.sendall(answers[seen.target])
        return seen.target != "/until-close"

    server: Upstream = serve(answer)  # type: ignore[operator]
    gateway = start(policy(api(server.port)))
    with Client(gateway.port) as client:
        replies = {target: client.ask("GET", target) for target in answers}
    assert {target: (reply.status, reply.body) for target, reply in replies.items()} == {
        "/204": (204, b""),
        "/304": (304, b""),
        "/empty": (200, b""),
        "/404": (404, b"not here"),
        "/chunked": (200, b"hello"),
        "/cookies": (200, b"x"),
        "/until-close": (200, b"to the end"),
    }
    assert [value for name, value in replies["/cookies"].headers if name == "set-cookie"] == ["a=b", "c=d"]
    assert replies["/204"].header("x-own") == "a"
    for reply in replies.values():
        names = {name for name, _ in reply.headers}
        assert "server" not in names
        assert not {name for name in names if name.startswith("x-envoy")}
        assert "x-content-type-options" in names


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
        (b"GET /%2f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)
def test_no_response_names_its_maker(plain: Gateway, data: bytes, status: int) -> None:
    with Client(plain.port) as client:
        client.send(data)
        reply = client.reply()
    assert reply.status == status
    names = {name for name, _ in reply.headers}
    assert names.isdisjoint({"server", "via", "x-powered-by", "x-envoy-upstream-service-time"})
    assert b"nvoy" not in reply.body
