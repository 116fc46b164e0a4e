"""The ASGI door: the same engine as middleware inside a Python application.

    app.add_middleware(StockadeMiddleware, policy="stockade.yaml")          # Starlette, FastAPI
    application = StockadeMiddleware(get_asgi_application(), policy=…)      # Django, Litestar, any ASGI 3 application

The server owns sockets, TLS and framing here; `listen` and `upstream` of the policy are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from time import perf_counter, time
from typing import Any, TypeAlias
from uuid import uuid4

from msgspec.structs import replace

from stockade.config import build, load
from stockade.controls.firewall import TOO_LARGE
from stockade.engine import (
    MOST_OF_RESPONSE,
    REQUEST_HEAD,
    Event,
    Flow,
    RequestBody,
    ResponseBody,
    ResponseHead,
    Session,
    drive_async,
    open_session,
    refuse_unread,
)
from stockade.gateway.asgi_streams import closing, ended, message_of, part_of, trailers
from stockade.gateway.runtime import Runtime
from stockade.vocabulary import Edits, Finding, Stop, Verdict
from stockade.wire import BadRequest, Headers, Peer, Request, Response, read_request

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

RESPONSE_TOO_LARGE = Finding("response-too-large", where="response:body", severity="low")
_HOUSEKEEPING = 5.0
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


class StockadeMiddleware:
    """Runs a policy in front of an ASGI 3 application. Raises BadConfig when the policy cannot be used."""

    def __init__(self, app: App, policy: str | Path = "stockade.yaml") -> None:
        loaded = load(Path(policy))
        self._app = app
        self._runtime = Runtime(loaded, build(loaded))
        self._housekeeping: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if self._housekeeping is None:
            self._housekeeping = asyncio.create_task(self._keep_house())
        await _Conversation(self._app, self._runtime, scope, receive, send).run()

    async def _keep_house(self) -> None:
        while True:
            await self._runtime.stores.sources.refresh_stale()
            await asyncio.to_thread(self._runtime.keep_uses)
            await asyncio.sleep(_HOUSEKEEPING)

    def close(self) -> None:
        """Write down what is still waiting; for applications that end before their process does."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            self._housekeeping = None
        self._runtime.close()


_GONE: Message = {"type": "http.disconnect"}


class _Conversation:
    """One request and its response."""

    def __init__(self, app: App, runtime: Runtime, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = app
        self._runtime = runtime
        self._scope = scope
        self._receive = receive
        self._send = send
        self._session: Session
        self._status = 0
        self._started = perf_counter()
        self._forwarded = 0.0
        self._upstream_ms: float | None = None
        self._engine = 0.0
        self._seen = 0
        self._held: Message | None = None  # a response head that waits for its body to be read
        self._body = bytearray()
        self._answered = False  # by us: what the application says after that is not heard
        self._cut = False  # too much came, or a bad message, and the rest is kept from the application
        self._client_flow: Flow | None = None  # where a control reads the messages of a stream
        self._upstream_flow: Flow | None = None
        self._trailers = False  # whether the application means to send some

    async def run(self) -> None:
        request = _request_of(self._scope)
        policy = self._runtime.policy
        try:
            if isinstance(request, BadRequest):
                self._session, stop = refuse_unread(policy, request.request, request.trouble)
                await self._answer(stop.response)
                return
            self._session = open_session(policy, request)
            verdict = await self._ask(REQUEST_HEAD)
            if isinstance(verdict, Stop):
                await self._answer(verdict.response)
                return
            edits = verdict.edits or Edits()
            if not self._session.reads_request_body:
                await self._forward(request, edits, self._receive_counted)
                return
            body = await self._read_body()
            if body is not None:
                await self._forward(request, edits, _whole(body, self._receive))
        finally:
            duration = round((perf_counter() - self._started) * 1000, 3)
            self._runtime.finish(self._session, self._status or 499, duration, self._upstream_ms, self._engine)

    async def _ask(self, event: Event) -> Verdict:
        started = perf_counter()
        verdict = await drive_async(self._session.receive(event), self._runtime.stores.answer_later)
        self._engine += perf_counter() - started
        return verdict

    async def _forward(self, request: Request, edits: Edits, receive: Receive) -> None:
        scope = _edited(self._scope, request, edits)
        self._forwarded = perf_counter()
        self._client_flow = self._session.open_request_stream()
        if self._client_flow is not None:
            receive = self._receive_judged
        elif scope["type"] == "websocket":
            receive = self._receive
        try:
            await self._app(scope, receive, self._respond)
        except Exception:
            if self._cut:
                return  # it could not go on without the rest of the body
            if not self._status:
                await self._respond({"type": "http.response.start", "status": 500, "headers": []})
                await self._respond({"type": "http.response.body", "body": b""})
            raise

    # The request body.

    async def _read_body(self) -> bytes | None:
        """The whole body, judged; None when it was refused or the client left."""
        body = bytearray()
        more = True
        while more:
            message = await self._receive_counted()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
        verdict = await self._ask(RequestBody(bytes(body)))
        if isinstance(verdict, Stop):
            await self._answer(verdict.response)
            return None
        return bytes(body)

    async def _receive_counted(self) -> Message:
        """The next message, until there is more of the body than the route takes: then nobody gets to hear the rest."""
        message = _GONE if self._cut else await self._receive()
        route = self._session.route
        if message["type"] != "http.request" or route is None:
            return message
        self._seen += len(message.get("body", b""))
        if self._seen <= route.max_body:
            return message
        self._cut = True
        session = self._session
        detail = f"The body may have {route.max_body} bytes at most."
        stop = session.refuse("firewall", TOO_LARGE, session.exchange.problem(413, detail))
        if not self._status:
            await self._answer(stop.response)
        return _GONE

    # Streams of messages.

    async def _receive_judged(self) -> Message:
        """The next message of the client, once it has been judged; after a Stop there is none."""
        flow, message = self._client_flow, await self._receive()
        assert flow is not None
        if message["type"] == "websocket.receive":
            stop = flow.judge(message_of(message, flow.limit), time()) if not self._answered else None
            if stop is not None:
                await self._end(stop)
            return ended(stop) if self._answered else message
        if message["type"] == "http.request":
            message, stop = part_of(flow, message, time())
            if stop is not None:
                await self._end(stop)
            return _GONE if self._answered else message
        return message

    async def _send_judged(self, message: Message, flow: Flow) -> None:
        """The same for what the application says."""
        if message["type"] == "websocket.send":
            stop = flow.judge(message_of(message, flow.limit), time())
        else:
            message, stop = part_of(flow, message, time())
        if stop is None or message["type"] == "http.response.body":
            await self._send(message)
        if stop is not None:
            await self._end(stop)

    async def _end(self, stop: Stop) -> None:
        """End a stream as its protocol has it."""
        self._cut = True
        if not self._status:
            await self._answer(stop.response)
            return
        self._answered = True
        if self._scope["type"] == "websocket":
            await self._send(closing(stop))
            return
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if self._trailers:
            await self._send(trailers(stop))

    # The response.

    async def _respond(self, message: Message) -> None:
        kind = message["type"]
        if self._answered:
            return
        if kind in ("http.response.start", "websocket.http.response.start"):
            await self._respond_head(message)
        elif kind == "http.response.body":
            await self._respond_body(message)
        elif kind == "websocket.send" and self._upstream_flow is not None:
            await self._send_judged(message, self._upstream_flow)
        else:
            if kind == "websocket.accept":
                self._status = 101
                headers = Headers.of(_texts(message.get("headers", [])))
                self._upstream_flow = self._session.open_response_stream(Response(101, headers))
            elif kind == "websocket.close" and not self._status:
                self._status = 403  # what a server answers to a handshake that was closed
            await self._send(message)

    async def _respond_head(self, message: Message) -> None:
        self._upstream_ms = round((perf_counter() - self._forwarded) * 1000, 3)
        headers = _texts(message.get("headers", []))
        session = self._session
        response = Response(message["status"], Headers.of(headers))
        if session.reads_response:
            verdict = await self._ask(ResponseHead(response))
            edits = Edits(replace=verdict.response) if isinstance(verdict, Stop) else verdict.edits
            if edits is not None and edits.replace is not None:
                await self._answer(edits.replace)
                return
            if edits is not None:
                message = {**message, "headers": _pairs(_apply(headers, edits))}
        self._trailers = bool(message.get("trailers", False))
        self._upstream_flow = session.open_response_stream(response)
        if self._upstream_flow is not None:  # it may end before its time
            kept = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
            message = {**message, "headers": kept}
        elif session.reads_response_body and self._scope.get("method") != "HEAD":
            self._held = message
            return
        self._status = message["status"]
        await self._send(message)

    async def _respond_body(self, message: Message) -> None:
        if self._upstream_flow is not None:
            await self._send_judged(message, self._upstream_flow)
            return
        if self._held is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if len(self._body) > MOST_OF_RESPONSE:
            exchange = self._session.exchange
            stop = self._session.refuse("engine", RESPONSE_TOO_LARGE, exchange.problem(502, "The answer is too large."))
            self._body.clear()
            await self._answer(stop.response)
            return
        if message.get("more_body", False):
            return
        verdict = await self._ask(ResponseBody(bytes(self._body)))
        edits = Edits(replace=verdict.response) if isinstance(verdict, Stop) else verdict.edits
        if edits is not None and edits.replace is not None:
            await self._answer(edits.replace)
            return
        held, self._held, whole = self._held, None, bytes(self._body)
        if edits is not None:
            whole = edits.body if edits.body is not None else whole
            changed = edits if edits.body is None else replace(edits, set=(*edits.set, _length(whole)))
            held = {**held, "headers": _pairs(_apply(_texts(held["headers"]), changed))}
        self._status = held["status"]
        await self._send(held)
        await self._send({"type": "http.response.body", "body": whole})

    async def _answer(self, response: Response) -> None:
        self._answered = True
        self._status = response.status
        prefix = ""
        if self._scope["type"] == "websocket":
            if "websocket.http.response" not in self._scope.get("extensions", {}):
                await self._send({"type": "websocket.close", "code": 1008})
                return
            prefix = "websocket."
        body = b"" if self._scope.get("method") == "HEAD" else response.body
        headers = _pairs([*response.headers, ("content-length", str(len(response.body)))])
        await self._send({"type": f"{prefix}http.response.start", "status": response.status, "headers": headers})
        await self._send({"type": f"{prefix}http.response.body", "body": body})


def _request_of(scope: Scope) -> Request | BadRequest:
    # Names with an underscore are dropped, as Envoy drops them: WSGI and CGI would read them as names with a dash.
    pairs = [(_text(name), _text(value)) for name, value in scope["headers"] if b"_" not in name]
    if scope["type"] == "websocket" and not any(name == "upgrade" for name, _ in pairs):
        pairs.append(("upgrade", "websocket"))  # as HTTP/1.1 would say it; HTTP/2 has no such header
    headers = Headers.of(pair for pair in pairs if pair[0] != "x-request-id")
    method = str(scope.get("method", "GET"))
    target = _text(scope.get("raw_path") or scope["path"].encode())
    query = _text(scope.get("query_string", b""))
    hosts = [value for name, value in pairs if name == "host"]
    client = scope.get("client")
    return read_request(
        id=str(uuid4()),
        at=time(),
        method=method,
        scheme=str(scope.get("scheme", "http")).replace("ws", "http"),
        authority=",".join(hosts),
        target=target.partition("?")[0] + (f"?{query}" if query else ""),
        headers=headers,
        peer=Peer(str(client[0]) if client else "0.0.0.0"),  # noqa: S104 - "unknown", as a Unix socket has no address
        version=f"HTTP/{scope.get('http_version', '1.1')}",
        has_body=_has_body(headers, method, str(scope.get("http_version", "1.1"))),
    )


def _has_body(headers: Headers, method: str, version: str) -> bool:
    """ASGI does not say whether a body comes; HTTP/2 need not declare one."""
    length = headers.get("content-length")
    if length is not None:
        return length != "0"
    return "transfer-encoding" in headers or (version[0] in "23" and method in _BODY_METHODS)


def _edited(scope: Scope, request: Request, edits: Edits) -> Scope:
    """The scope for the application: the normal form of the path, and the headers that we vouch for."""
    headers = _apply(list(request.headers), edits)
    headers = [pair for pair in headers if pair[0] != "x-stockade-route"] + [("x-request-id", request.id)]
    path = _unquoted(request.path)
    return {**scope, "path": path, "raw_path": request.path.encode("ascii"), "headers": _pairs(headers)}


def _unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def _apply(headers: Iterable[tuple[str, str]], edits: Edits) -> list[tuple[str, str]]:
    changed = {name for name, _ in edits.set}.union(edits.remove)
    return [*(pair for pair in headers if pair[0] not in changed), *edits.set]


def _whole(body: bytes, after: Receive) -> Receive:
    """A `receive` that hands out a body that was read already, then whatever else comes (a disconnect)."""
    waiting = [body]

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await after()

    return receive


def _texts(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(_text(name).lower(), _text(value)) for name, value in pairs]


def _length(body: bytes) -> tuple[str, str]:
    return "content-length", str(len(body))


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in pairs]
