"""The two doors for traffic behind one face: `Door.send` a request, learn what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import uvicorn

from stockade.gateway.asgi import App, Message, Receive, Scope, Send, StockadeMiddleware
from tests.gateway.client import Client, Reply, chunked, head_of
from tests.gateway.harness import Gateway, await_port, wait_until

T = TypeVar("T")
LOGS = {"envoy": "decisions.jsonl", "asgi": "asgi.jsonl"}


class Sent(NamedTuple):
    """A request. A body of several pieces goes without a declared length."""

    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: tuple[bytes, ...] = ()


class Door(Protocol):
    name: str

    def send(self, sent: Sent) -> Reply: ...

    def record(self, tag: str) -> dict[str, Any]: ...


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The application behind both doors: it answers with what it saw, or misbehaves on demand."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    path = scope["path"]
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    seen = {
        "method": scope["method"],
        "target": scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else ""),
        "headers": headers,
        "body": len(body),
    }
    status, kind, content = 200, b"application/json", json.dumps(seen).encode()
    if path.endswith("/error"):
        status, kind, content = 500, b"text/plain", b"Traceback: canary-in-a-traceback"
    elif path.endswith("/teapot"):
        status, kind, content = 418, b"text/plain", b"short and stout"
    elif path.endswith("/page"):
        kind, content = b"text/html", b"<p>hello</p>"
    elif path.endswith("/say"):
        kind, content = b"text/plain", scope["query_string"].replace(b"+", b" ")
    fields = [(b"content-type", kind), (b"server", b"leaky/1.0"), (b"x-powered-by", b"leaks"), (b"x-own", b"kept")]
    if path.endswith("/framed"):
        fields.append((b"x-frame-options", b"SAMEORIGIN"))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    half = len(content) // 2
    await send({"type": "http.response.body", "body": content[:half], "more_body": True})
    await send({"type": "http.response.body", "body": content[half:]})


@contextlib.contextmanager
def serving(app: App, port: int, ws: Any = "none") -> Iterator[None]:
    """The application on a loopback port."""
    config = uvicorn.Config(
        app, port=port, log_level="error", lifespan="off", server_header=False, proxy_headers=False, ws=ws
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    await_port(port)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


class EnvoyDoor:
    name = "envoy"

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def send(self, sent: Sent) -> Reply:
        fields = dict(sent.headers)
        if len(sent.body) > 1:
            fields["transfer-encoding"] = "chunked"
        body = chunked(*sent.body) if len(sent.body) > 1 else b"".join(sent.body)
        with Client(self.gateway.port) as client:
            client.send(head_of(sent.method, sent.target, fields, body))
            with contextlib.suppress(ConnectionError):  # refused while the body is on its way
                client.send(body)
            return client.reply(sent.method)

    def record(self, tag: str) -> dict[str, Any]:
        return self.gateway.record(tag)


class Loop:
    """An event loop in a thread of its own, for calling an ASGI application from tests that are not coroutines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(15)

    def call(self, work: Callable[[], T]) -> T:
        async def call() -> T:
            return work()

        return self.run(call())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class AsgiDoor:
    """Calls the middleware as a server would, without one."""

    name = "asgi"

    def __init__(self, loop: Loop, folder: Path, app: App) -> None:
        self._loop = loop
        self._log = folder / LOGS[self.name]
        self.middleware = StockadeMiddleware(app, folder / "stockade.yaml")

    def send(self, sent: Sent) -> Reply:
        return self._loop.run(call(self.middleware, sent))

    def record(self, tag: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            lines = self._log.read_text().splitlines() if self._log.exists() else []
            return next((each for each in map(json.loads, lines) if each.get("headers", {}).get("x-tag") == tag), None)

        return wait_until(found, f"the record of {tag}", 10)

    def close(self) -> None:
        self._loop.call(self.middleware.close)


async def call(app: App, sent: Sent) -> Reply:
    """What the application answers to one request."""
    path, _, query = sent.target.partition("?")
    fields = [*sent.headers] if "host" in dict(sent.headers) else [("host", "localhost"), *sent.headers]
    if len(sent.body) == 1:
        fields.append(("content-length", str(len(sent.body[0]))))
    elif sent.body:
        fields.append(("transfer-encoding", "chunked"))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields],
        "client": ("127.0.0.1", 40_000),
        "server": ("127.0.0.1", 80),
    }
    pieces = list(sent.body) or [b""]
    answered: list[Message] = []

    over = asyncio.Event()

    async def receive() -> Message:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            over.set()

    await app(scope, receive, send)
    start = answered[0]
    headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
    body = b"".join(message.get("body", b"") for message in answered[1:])
    return Reply(start["status"], headers, b"" if sent.method == "HEAD" else body)
