"""The shop's careless answers, without Stockade and with it: through Envoy over HTTP/1.1 and HTTP/2, and ASGI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from fastapi import Response
from fastapi.responses import JSONResponse, PlainTextResponse
from shop.app import create_app

from tests.gateway.client import Reply, ask
from tests.gateway.credentials import Issuer, scheme
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client

pytestmark = pytest.mark.envoy

HASH = "password_hash"
EMAIL = b"ada.lind@example.com"
ELSEWHERE = "https://evil.example/login"
ORIGIN = "https://app.example.com"
EXPOSURE: dict[str, Any] = {
    "responses": "strip",
    "fields": {"UserProfile.name": {"scopes": ["pii:read"], "else": "mask"}, "$[*].user_id": {"roles": ["staff"]}},
    "redirects": ["pay.example.com"],
    "cookies": {"exceptions": {"theme": {"http_only": False}}},
    "cors": {"origins": [ORIGIN], "credentials": True, "methods": ["PATCH"], "headers": ["x-tag"]},
    "csrf": {"trusted": [ORIGIN]},
    "hide_traces": True,
}


ISSUER = Issuer()


def careless() -> Any:
    """The shop, and what it has not got: cookies, an error of the client's with a stack trace, CORS for everybody."""
    app = create_app()

    @app.get("/cookies")
    async def cookies(response: Response) -> dict[str, str]:
        response.headers.append("set-cookie", "session=s3cret; Path=/")
        response.headers.append("set-cookie", "theme=dark; SameSite=None")
        response.headers.append("set-cookie", "__Host-id=7; Domain=example.com; Path=/api")
        response.headers["access-control-allow-origin"] = "*"
        response.headers["access-control-allow-credentials"] = "true"
        return {}

    @app.get("/trace", responses={400: {"content": {"text/plain": {}}}})
    async def trace() -> PlainTextResponse:
        return PlainTextResponse('Traceback (most recent call last):\n  File "/srv/shop/app.py", line 3', 400)

    @app.get("/big")
    async def big() -> JSONResponse:
        return JSONResponse({"x": "canary" * 1_500_000})

    return app


def guarded(behind: int, folder: Path, log: str) -> dict[str, Any]:
    (folder / "keys.json").write_bytes(ISSUER.key_set())
    (folder / "openapi.json").write_text(json.dumps(careless().openapi()))
    # What is in no document is found by the response contract here, not by that of requests.
    return policy(
        api(
            behind,
            openapi="openapi.json",
            schema={"undocumented": "allow"},
            authentication={"any_of": [scheme("keys.json")], "anonymous": ["* /*"]},
            exposure=EXPOSURE,
        ),
        log={"path": log},
    )


@pytest.fixture(scope="module")
def bare() -> Iterator[int]:
    port = free_port()
    with serving(careless(), port):
        yield port


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory, bare: int) -> Iterator[EnvoyDoor]:
    folder = tmp_path_factory.mktemp("envoy")
    with ExitStack() as stack:
        yield EnvoyDoor(stack.enter_context(running(Gateway(folder, guarded(bare, folder, LOGS["envoy"])))))


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsgiDoor]:
    folder, loop = tmp_path_factory.mktemp("asgi"), Loop()
    (folder / "stockade.yaml").write_text(json.dumps(guarded(free_port(), folder, str(folder / LOGS["asgi"]))))
    door = AsgiDoor(loop, folder, careless())
    yield door
    door.close()
    loop.close()


def over_http2(door: EnvoyDoor, sent: Sent) -> Reply:
    with Http2Client(door.gateway.port) as client:
        return client.ask(sent.method, sent.target, *sent.headers, body=b"".join(sent.body))


class Leak(NamedTuple):
    """leaks: whether the answer has what it should not. status and rules: of the guarded one."""

    sent: Sent
    leaks: Callable[[Reply], bool]
    status: int
    rules: set[str]
    left: bytes = b""  # what is still there


def holds(*texts: bytes) -> Callable[[Reply], bool]:
    return lambda reply: any(text in reply.body for text in texts)


LEAKS: dict[str, Leak] = {
    "password hash": Leak(
        Sent("GET", "/users/1"),
        holds(HASH.encode(), b"7bd5ddb5"),
        200,
        {"response-unknown-property", "stripped"},
        b'"id":1',
    ),
    "e-mail address": Leak(
        Sent("GET", "/users/1"), holds(EMAIL, b"Ada Lind"), 200, {"response-unknown-property", "stripped"}, b'"***"'
    ),
    "after a change": Leak(
        Sent("PATCH", "/users/2", (("content-type", "application/json"),), (b'{"phone":"1"}',)),
        holds(HASH.encode(), b"ben.lind@"),
        200,
        {"response-unknown-property", "stripped"},
    ),
    "who ordered": Leak(Sent("GET", "/orders"), holds(b'"user_id":1'), 200, {"fields-withheld"}, b'"total"'),
    "open redirect": Leak(
        Sent("GET", f"/redirect?to={ELSEWHERE}"),
        lambda reply: reply.header("location") == ELSEWHERE,
        502,
        {"redirect-refused"},
    ),
    "open redirect without a scheme": Leak(
        Sent("GET", "/redirect?to=//evil.example"),
        lambda reply: reply.header("location") == "//evil.example",
        502,
        {"redirect-refused"},
    ),
    "debug page": Leak(
        Sent("GET", "/debug"), holds(b"SESSION_SECRET", b"AKIA"), 502, {"undeclared-operation"}
    ),
    "stack trace": Leak(Sent("GET", "/error"), holds(b"Traceback", b"postgresql://"), 500, {"error-hidden"}),
    "stack trace of a client's error": Leak(
        Sent("GET", "/trace"), holds(b"Traceback", b"/srv/shop"), 400, {"trace-hidden"}
    ),
    "make of the server": Leak(
        Sent("GET", "/health"), lambda reply: reply.header("x-powered-by") is not None, 200, set()
    ),
    "cors for all": Leak(
        Sent("GET", "/cookies", (("origin", "https://evil.example"),)),
        lambda reply: reply.header("access-control-allow-origin") is not None,
        200,
        {"cookie-hardened"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_without_stockade_it_leaks(name, bare):
    leak = LEAKS[name]
    reply = ask(bare, leak.sent.method, leak.sent.target, dict(leak.sent.headers), b"".join(leak.sent.body))
    assert leak.leaks(reply), reply


@pytest.mark.parametrize("way", ["HTTP/1.1", "HTTP/2", "ASGI"])
@pytest.mark.parametrize("name", LEAKS)
def test_with_stockade_it_does_not(name, way, envoy, asgi):
    leak = LEAKS[name]
    tag = uuid4().hex
    sent = leak.sent._replace(headers=(*leak.sent.headers, ("x-tag", tag)))
    door: Door = asgi if way == "ASGI" else envoy
    reply = over_http2(envoy, sent) if way == "HTTP/2" else door.send(sent)
    assert not leak.leaks(reply), reply
    assert reply.status == leak.status
    assert leak.left in reply.body
    assert {finding["rule"] for finding in door.record(tag)["findings"]} == leak.rules
    if reply.body:
        assert reply.header("content-length") == str(len(reply.body))
        json.loads(reply.body)


@pytest.mark.parametrize("way", ["HTTP/1.1", "HTTP/2", "ASGI"])
def test_every_cookie_keeps_its_line(way, envoy, asgi):
    sent = Sent("GET", "/cookies", (("origin", ORIGIN),))
    reply = over_http2(envoy, sent) if way == "HTTP/2" else (asgi if way == "ASGI" else envoy).send(sent)
    assert [value for name, value in reply.headers if name == "set-cookie"] == [
        "session=s3cret; Path=/; SameSite=Lax; Secure; HttpOnly",
        "theme=dark; SameSite=Lax; Secure",
        "__Host-id=7; Path=/; SameSite=Lax; Secure; HttpOnly",
    ]
    assert [value for name, value in reply.headers if name == "access-control-allow-origin"] == [ORIGIN]
    assert reply.header("vary") == "origin"


# name: (what is sent, status, Access-Control-Allow-Origin)
CROSSING: dict[str, tuple[Sent, int, str | None]] = {
    "preflight": (
        Sent("OPTIONS", "/users/1", (("origin", ORIGIN), ("access-control-request-method", "PATCH"))),
        204,
        ORIGIN,
    ),
    "preflight from elsewhere": (
        Sent("OPTIONS", "/users/1", (("origin", "https://evil.example"), ("access-control-request-method", "PATCH"))),
        403,
        None,
    ),
    "preflight for too much": (
        Sent("OPTIONS", "/users/1", (("origin", ORIGIN), ("access-control-request-method", "DELETE"))),
        403,
        ORIGIN,
    ),
    "forged": (
        Sent("PATCH", "/users/1", (("cookie", "session=1"), ("sec-fetch-site", "cross-site")), (b"{}",)),
        403,
        None,
    ),
    "from a page of ours": (
        Sent(
            "PATCH",
            "/users/1",
            (
                ("cookie", "session=1"),
                ("sec-fetch-site", "cross-site"),
                ("origin", ORIGIN),
                ("content-type", "application/json"),
            ),
            (b"{}",),
        ),
        200,
        ORIGIN,
    ),
    "a page may read why": (Sent("GET", "/debug", (("origin", ORIGIN),)), 502, ORIGIN),
}


@pytest.mark.parametrize("way", ["HTTP/1.1", "HTTP/2", "ASGI"])
@pytest.mark.parametrize("name", CROSSING)
def test_other_sites(name, way, envoy, asgi):
    sent, status, origin = CROSSING[name]
    reply = over_http2(envoy, sent) if way == "HTTP/2" else (asgi if way == "ASGI" else envoy).send(sent)
    assert (reply.status, reply.header("access-control-allow-origin")) == (status, origin)


@pytest.mark.parametrize("way", ["envoy", "asgi"])
def test_streams_are_not_held(way, request):
    door: Door = request.getfixturevalue(way)
    reply = door.send(Sent("GET", "/download?size=9000000"))
    assert (reply.status, len(reply.body)) == (200, 9_000_000)
    assert door.send(Sent("GET", "/events?n=2&delay=0")).body.count(b"event: tick") == 2


@pytest.mark.parametrize("way", ["envoy", "asgi"])
def test_what_is_too_large_to_be_read_is_refused(way, request):
    door: Door = request.getfixturevalue(way)
    reply = door.send(Sent("GET", "/big"))
    assert reply.status in (500, 502, 503)
    assert b"canary" not in reply.body


# name: (claims, what is asked, a field that is seen, one that is not)
WHO: dict[str, tuple[dict[str, Any] | None, str, bytes, bytes]] = {
    "nobody": (None, "/users/1", b'"***"', b"Ada Lind"),
    "somebody": ({"scope": "orders:read"}, "/users/1", b'"***"', b"Ada Lind"),
    "with the scope": ({"scope": "pii:read"}, "/users/1", b"Ada Lind", b"password_hash"),
    "without the role": ({"roles": ["guest"]}, "/orders", b'"user_id":null', b'"user_id":1'),
    "with the role": ({"roles": ["staff"]}, "/orders", b'"user_id":1', b'"user_id":null'),
}


@pytest.mark.parametrize("way", ["HTTP/1.1", "HTTP/2", "ASGI"])
@pytest.mark.parametrize("name", WHO)
def test_who_sees_what(name, way, envoy, asgi):
    claims, target, seen, hidden = WHO[name]
    headers = (("authorization", f"Bearer {ISSUER.token(**claims)}"),) if claims is not None else ()
    sent = Sent("GET", target, headers)
    reply = over_http2(envoy, sent) if way == "HTTP/2" else (asgi if way == "ASGI" else envoy).send(sent)
    assert reply.status == 200
    assert seen in reply.body
    assert hidden not in reply.body
    assert reply.header("cache-control") == "no-store"
