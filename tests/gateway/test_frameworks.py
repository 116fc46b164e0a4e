"""The ASGI door before real frameworks: each gets the request as it should, and its answer is shielded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import litestar
import pytest
import websockets.exceptions
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse as StarletteResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from stockade.config import BadConfig
from stockade.gateway.asgi import App, Message, Receive, Scope, Send, StockadeMiddleware
from tests.gateway.credentials import keys_in
from tests.gateway.doors import Loop, Sent, call, serving
from tests.gateway.harness import api, free_port, policy

TOLD = "x-stockade-principal"


def starlette_app() -> App:
    async def hello(request: Request) -> StarletteResponse:
        return StarletteResponse({"principal": request.headers.get(TOLD), "length": len(await request.body())})

    async def broken(request: Request) -> StarletteResponse:
        raise RuntimeError("canary")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(f"{socket.headers.get(TOLD)}: {await socket.receive_text()}")

    routes = [Route("/hello", hello, methods=["GET", "POST"]), Route("/broken", broken), WebSocketRoute("/ws", talk)]
    return Starlette(routes=routes)


def fastapi_app() -> App:
    app = FastAPI()

    @app.api_route("/hello", methods=["GET", "POST"])
    async def hello(request: Request) -> dict[str, Any]:
        return {"principal": request.headers.get(TOLD), "length": len(await request.body())}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("canary")

    return app


def litestar_app() -> App:
    @litestar.route("/hello", http_method=["GET", "POST"], status_code=200)
    async def hello(request: litestar.Request) -> dict[str, Any]:  # type: ignore[type-arg]
        return {"principal": request.headers.get(TOLD), "length": len(await request.body())}

    @litestar.route("/broken", http_method=["GET"])
    async def broken() -> None:
        raise RuntimeError("canary")

    return litestar.Litestar([hello, broken], logging_config=None)  # type: ignore[return-value]


def django_app() -> App:
    def hello(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"principal": request.headers.get(TOLD), "length": len(request.body)})

    def broken(request: HttpRequest) -> JsonResponse:
        raise RuntimeError("canary")

    urls = ModuleType("urls")
    urls.urlpatterns = [path("hello", hello), path("broken", broken)]  # type: ignore[attr-defined]
    if not settings.configured:
        settings.configure(ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"], SECRET_KEY="for tests", LOGGING_CONFIG=None)
        django.setup()
    application: App = get_asgi_application()
    return application


FRAMEWORKS = {"Starlette": starlette_app, "FastAPI": fastapi_app, "Litestar": litestar_app, "Django": django_app}


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def key(tmp_path: Path) -> Iterator[str]:
    fields: Any = {"authentication": {"any_of": [{"api_key": {}}]}, "firewall": {"max_body": "1KiB"}}
    (tmp_path / "stockade.yaml").write_text(json.dumps(policy(api(1, **fields))))
    with keys_in(tmp_path) as ring:
        yield ring.issue("alice")


@pytest.fixture
def protect(tmp_path: Path, loop: Loop, key: str) -> Iterator[Callable[[App], StockadeMiddleware]]:
    made: list[StockadeMiddleware] = []

    def wrap(app: App) -> StockadeMiddleware:
        made.append(StockadeMiddleware(app, tmp_path / "stockade.yaml"))
        return made[-1]

    yield wrap
    for middleware in made:
        loop.call(middleware.close)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_framework(name: str, protect: Callable[[App], StockadeMiddleware], loop: Loop, key: str) -> None:
    app = protect(FRAMEWORKS[name]())
    with_key = (("x-api-key", key), (TOLD, "forged"))

    assert loop.run(call(app, Sent("GET", "/hello"))).status == 401
    reply = loop.run(call(app, Sent("GET", "/hello", with_key)))
    assert (reply.status, reply.json()) == (200, {"principal": "alice", "length": 0})
    assert reply.header("x-content-type-options") == "nosniff"
    reply = loop.run(call(app, Sent("POST", "/hello", with_key, (b"ab", b"c"))))
    assert reply.json() == {"principal": "alice", "length": 3}
    assert loop.run(call(app, Sent("POST", "/hello", with_key, (b"x" * 2000,)))).status == 413
    assert loop.run(call(app, Sent("POST", "/hello", with_key, (b"x" * 800, b"x" * 800)))).status == 413
    assert loop.run(call(app, Sent("GET", "/./x/../hello", with_key))).status == 200


@pytest.mark.parametrize("name", ["Litestar", "Django"])
def test_a_crash_that_the_framework_answers(
    name: str, protect: Callable[[App], StockadeMiddleware], loop: Loop, key: str
) -> None:
    reply = loop.run(call(protect(FRAMEWORKS[name]()), Sent("GET", "/broken", (("x-api-key", key),))))
    assert reply.status == 500
    assert b"canary" not in reply.body
    assert reply.problem()["request_id"]


@pytest.mark.parametrize("name", ["Starlette", "FastAPI"])
def test_a_crash_that_the_framework_raises_again(
    name: str, protect: Callable[[App], StockadeMiddleware], loop: Loop, key: str
) -> None:
    """Servers log what an application raises, so it must come through; the client gets a problem all the same."""
    answered: list[Message] = []
    app = protect(FRAMEWORKS[name]())

    async def crash(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            answered.append(message)

        with pytest.raises(RuntimeError, match="canary"):
            await app(scope, receive, note)

    async def never() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/broken",
        "query_string": b"",
        "headers": [(b"host", b"a"), (b"x-api-key", key.encode())],
    }
    loop.run(crash(scope, never, never))  # type: ignore[arg-type]
    assert answered[0]["status"] == 500
    body = b"".join(message.get("body", b"") for message in answered[1:])
    assert json.loads(body)["status"] == 500
    assert b"canary" not in body


def test_crash_before_any_answer_is_answered(
    protect: Callable[[App], StockadeMiddleware], loop: Loop, key: str
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("canary")

    async def run() -> list[Message]:
        answered: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            answered.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"host", b"a"), (b"x-api-key", key.encode())],
        }
        with pytest.raises(RuntimeError):
            await protect(app)(scope, receive, send)
        return answered

    start, body = loop.run(run())
    assert start["status"] == 500
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert b"canary" not in body["body"]


def test_streams_pass_unbuffered(protect: Callable[[App], StockadeMiddleware], loop: Loop, key: str) -> None:
    """Each piece of a response is there before the application makes the next."""
    order: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(3):
            order.append(f"made {number}")
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": number < 2})

    async def run() -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                order.append(f"sent {message['body'].decode()}")

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": [(b"host", b"a"), (b"x-api-key", key.encode())],
        }
        await protect(app)(scope, receive, send)

    loop.run(run())
    assert order == ["made 0", "sent 0", "made 1", "sent 1", "made 2", "sent 2"]


def test_websocket(protect: Callable[[App], StockadeMiddleware], key: str) -> None:
    port = free_port()
    with serving(protect(starlette_app()), port, ws="websockets-sansio"):
        with connect(f"ws://127.0.0.1:{port}/ws", additional_headers={"x-api-key": key, TOLD: "forged"}) as socket:
            socket.send("hello")
            assert socket.recv() == "alice: hello"
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}/ws")
        assert refused.value.response.status_code == 401


def test_lifespan_reaches_the_application(protect: Callable[[App], StockadeMiddleware], loop: Loop) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: object) -> Any:
        return None

    loop.run(protect(app)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]


def test_a_bad_policy_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "stockade.yaml").write_text("version: 2\n")
    with pytest.raises(BadConfig, match="version"):
        StockadeMiddleware(starlette_app(), tmp_path / "stockade.yaml")
