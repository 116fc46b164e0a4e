"""The ASGI door: the same engine as middleware inside a Python application.

    app.add_middleware(StockadeMiddleware, policy="stockade.yaml")          # Starlette, FastAPI
    application = StockadeMiddleware(get_asgi_application(), policy=…)      # Django, Litestar, any ASGI 3 application

The server owns sockets, TLS and framing here; `listen` and `upstream` of the policy are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter, time
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from stockade.config import build, load
from stockade.config.sections import identity
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
    Sifting,
    drive_async,
    joined,
    open_session,
    refuse_unread,
)
from stockade.gateway.asgi_heads import Message, Receive, Scope, apply, edited, pairs, request_of, texts, whole
from stockade.gateway.asgi_streams import closing, ended, message_of, part_of, trailers
from stockade.gateway.runtime import Runtime
from stockade.vocabulary import Edits, Finding, Stop, Verdict
from stockade.wire import BadRequest, Headers, Request, Response

if TYPE_CHECKING:
    from stockade.identity.service.beside import Beside

__all__ = ["App", "Message", "Receive", "Scope", "Send", "StockadeMiddleware"]

Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

RESPONSE_TOO_LARGE = Finding("response-too-large", where="response:body", severity="low")
_HOUSEKEEPING = 5.0


class StockadeMiddleware:
    """Runs a policy in front of an ASGI 3 application. Raises BadConfig when the policy cannot be used."""

    def __init__(self, app: App, policy: str | Path = "stockade.yaml") -> None:
        loaded = load(Path(policy))
        self._app = app
        self._runtime = Runtime(loaded, build(loaded))
        self._identity: Beside | None = None
        if loaded.config.identity is not None:
            from stockade.identity.service.beside import Beside

            self._identity = Beside(loaded, self._runtime.counters)
        self._housekeeping: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if self._housekeeping is None:
            self._housekeeping = asyncio.create_task(self._keep_house())
        own = self._identity.app if self._identity is not None else None
        await _Conversation(self._app, own, self._runtime, scope, receive, send).run()

    async def _keep_house(self) -> None:
        while True:
            await self._runtime.stores.sources.refresh_stale()
            await asyncio.to_thread(self._runtime.keep_uses)
            if self._identity is not None:
                await asyncio.to_thread(self._identity.keep_house)
            await asyncio.sleep(_HOUSEKEEPING)

    def close(self) -> None:
        """Write down what is still waiting; for applications that end before their process does."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            self._housekeeping = None
        if self._identity is not None:
            self._identity.close()
        self._runtime.close()


_GONE: Message = {"type": "http.disconnect"}


class _Conversation:
    """One request and its response."""

    def __init__(self, app: App, own: App | None, runtime: Runtime, scope: Scope, receive: Receive, send: Send) -> None:
        """own: the token service, whose requests the application does not get to see."""
        self._app = app
        self._own = own
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
        self._upstream_flow: Flow | Sifting | None = None
        self._hold = 0  # bytes of the response that pass before it is let go
        self._trailers = False  # whether the application means to send some

    async def run(self) -> None:
        request = request_of(self._scope)
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
            read = await self._read_body()
            if read is not None:
                body, changed = read
                await self._forward(request, joined((edits, changed)), whole(body, self._receive))
        finally:
            duration = round((perf_counter() - self._started) * 1000, 3)
            self._runtime.finish(self._session, self._status or 499, duration, self._upstream_ms, self._engine)

    async def _ask(self, event: Event) -> Verdict:
        started = perf_counter()
        verdict = await drive_async(self._session.receive(event), self._runtime.stores.answer_later)
        self._engine += perf_counter() - started
        return verdict

    async def _forward(self, request: Request, edits: Edits, receive: Receive) -> None:
        scope = edited(self._scope, request, edits)
        self._forwarded = perf_counter()
        self._client_flow = self._session.open_request_stream()
        if self._client_flow is not None:
            receive = self._receive_judged
        elif scope["type"] == "websocket":
            receive = self._receive
        route = self._session.route
        app = self._own if self._own is not None and route is not None and route.api == identity.NAME else self._app
        try:
            await app(scope, receive, self._respond)
        except Exception:
            if self._cut:
                return  # it could not go on without the rest of the body
            if not self._status:
                await self._respond({"type": "http.response.start", "status": 500, "headers": []})
                await self._respond({"type": "http.response.body", "body": b""})
            raise

    # The request body.

    async def _read_body(self) -> tuple[bytes, Edits] | None:
        """The whole body, judged, as it goes on, and what changes in the head; None: it was refused, or nobody is
        there any more."""
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
        edits = verdict.edits or Edits()
        if edits.body is None:
            return bytes(body), edits
        length = ("content-length", str(len(edits.body)))
        return edits.body, replace(edits, set=(*edits.set, length), remove=(*edits.remove, "transfer-encoding"))

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

    async def _send_judged(self, message: Message, flow: Flow | Sifting) -> None:
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
                headers = Headers.of(texts(message.get("headers", [])))
                self._upstream_flow = self._session.open_response_stream(Response(101, headers))
            elif kind == "websocket.close" and not self._status:
                self._status = 403  # what a server answers to a handshake that was closed
            await self._send(message)

    async def _respond_head(self, message: Message) -> None:
        self._upstream_ms = round((perf_counter() - self._forwarded) * 1000, 3)
        headers = texts(message.get("headers", []))
        session = self._session
        response = Response(message["status"], Headers.of(headers))
        if session.reads_response:
            verdict = await self._ask(ResponseHead(response))
            edits = Edits(replace=verdict.response) if isinstance(verdict, Stop) else verdict.edits
            if edits is not None and edits.replace is not None:
                await self._answer(edits.replace)
                return
            if edits is not None:
                message = {**message, "headers": pairs(apply(headers, edits))}
        self._trailers = bool(message.get("trailers", False))
        self._upstream_flow = session.open_response_stream(response)
        if self._upstream_flow is not None:  # it may end before its time
            kept = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
            message = {**message, "headers": kept}
            self._hold = self._upstream_flow.hold if isinstance(self._upstream_flow, Sifting) else 0
            if self._hold:
                self._held = message
                return
        elif session.reads_response_body and self._scope.get("method") != "HEAD":
            self._held = message
            return
        self._status = message["status"]
        await self._send(message)

    async def _respond_body(self, message: Message) -> None:
        flow = self._upstream_flow
        if isinstance(flow, Sifting) and flow.protocol is None:
            await self._send_sifted(message, flow)
            return
        if flow is not None:
            await self._send_judged(message, flow)
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
            await self._answer(self._sifted(edits.replace))
            return
        exchange = self._session.exchange
        assert exchange.response is not None
        body, halt = self._session.sift(exchange.response_body, exchange.response, time())
        if halt is not None:
            await self._answer(halt.response)
            return
        held, self._held, changed = self._held, None, edits or Edits()
        if body != self._body:
            changed = replace(changed, set=(*changed.set, ("content-length", str(len(body)))))
        self._status = held["status"]
        await self._send({**held, "headers": pairs(apply(texts(held["headers"]), changed))})
        await self._send({"type": "http.response.body", "body": body})

    def _sifted(self, response: Response) -> Response:
        """A body that was read whole, past the sieves: what is to be sent, then."""
        body, stop = self._session.sift(response.body, response, time())
        if stop is not None:
            return stop.response
        kept = [pair for pair in response.headers if pair[0] not in ("content-length", "transfer-encoding")]
        return replace(response, headers=Headers.of(kept), body=body)

    async def _send_sifted(self, message: Message, flow: Sifting) -> None:
        """A piece of a body on its way past sieves. What passes waits, with the head, until enough has passed."""
        more = message.get("more_body", False)
        passed, stop = flow.receive(message.get("body", b""), not more, time())
        if stop is not None:
            await self._withhold(stop)
            return
        if self._held is None:
            await self._send({**message, "body": passed})
            return
        self._body += passed
        if more and len(self._body) < self._hold:
            return
        held, self._held = self._held, None
        self._status = held["status"]
        await self._send(held)
        await self._send({**message, "body": bytes(self._body)})
        self._body.clear()

    async def _withhold(self, stop: Stop) -> None:
        """A response that has begun is left unfinished, so that nobody takes the half of it for the whole."""
        self._cut = True
        if not self._status:
            await self._answer(stop.response)
        self._answered = True

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
        headers = pairs([*response.headers, ("content-length", str(len(response.body)))])
        await self._send({"type": f"{prefix}http.response.start", "status": response.status, "headers": headers})
        await self._send({"type": f"{prefix}http.response.body", "body": body})
