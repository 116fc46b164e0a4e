"""The Python half of the filter module: Envoy's hooks, by way of `filter.c`, to the engine and back.

Imported by the interpreter that is embedded in Envoy, and only there. Each function runs on Envoy's worker thread and
must neither block nor raise: what raises is answered with 503 by `filter.c`.
"""

from __future__ import annotations

import sys
import traceback
from time import perf_counter, time
from typing import Any

from stockade.engine import (
    REQUEST_HEAD,
    NotNow,
    RequestBody,
    ResponseBody,
    ResponseHead,
    Session,
    drive,
    open_session,
    refuse_unread,
)
from stockade.gateway.envoy._filter import ffi, lib
from stockade.gateway.envoy.worker import Worker
from stockade.controls.firewall import TOO_LARGE
from stockade.vocabulary import PASS, Edits, Pass, Stop, Verdict
from stockade.wire import BadRequest, Headers, Request, Response, read_request

FORWARD, ANSWERED, SUSPENDED = 0, 1, 2
READ_REQUEST_BODY, READ_RESPONSE, READ_RESPONSE_BODY = 1, 2, 4
_PLACES = 6  # fields before the headers: direct peer, source, protocol, TLS version, certificate digest, its subject

_worker: Worker
_streams: dict[int, Stream] = {}
_unpack = ffi.unpack


class Stream:
    """What we keep of a request between two hooks."""

    __slots__ = ("engine", "phase", "session", "verdict")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.engine = 0.0  # seconds spent deciding
        self.phase = "head"
        self.verdict: Verdict | Exception | None = None  # what a suspended stream was waiting for


def _failed(exception: Any, value: Any, trace: Any) -> int:
    """The last resort for a bug of ours: say it, and let filter.c refuse."""
    print("".join(traceback.format_exception(exception, value, trace)), file=sys.stderr, flush=True)
    return -1


@ffi.def_extern(error=-1, onerror=_failed)
def stockade_configure(text: Any, length: int) -> int:
    """The filter's configuration: load the policy and connect to the supervisor."""
    global _worker
    _worker = Worker(bytes(_unpack(text, length)))
    return 0


@ffi.def_extern(error=-1, onerror=_failed)
def stockade_request(stream_id: int, fields: Any, length: int, ends: int) -> int:
    """A request head is complete."""
    started = perf_counter()
    runtime = _worker.runtime
    places = _unpack(fields, length).decode("latin-1").split("\0")
    request = _request(places, ends)
    if isinstance(request, BadRequest):
        session, stop = refuse_unread(runtime.policy, request.request, request.trouble)
        _streams[stream_id] = Stream(session)
        _answer(stream_id, stop.response)
        return ANSWERED
    session = open_session(runtime.policy, request)
    stream = _streams[stream_id] = Stream(session)
    try:
        verdict = drive(session.receive(REQUEST_HEAD), runtime.stores.answer)
    except NotNow as waiting:
        _worker.wait(waiting, stream, lib.stockade_scheduler(stream_id))
        return SUSPENDED
    result = _enact_request(stream_id, stream, verdict)
    stream.engine = perf_counter() - started
    return result


def _request(places: list[str], ends: int) -> Request | BadRequest:
    direct, source, protocol, tls, certificate, subject = places[:_PLACES]
    names, values = places[_PLACES::2], places[_PLACES + 1 :: 2]
    pseudo = 0
    while names[pseudo][0] == ":":
        pseudo += 1
    head = dict(zip(names[:pseudo], values[:pseudo], strict=True))
    headers = Headers(names[pseudo:], values[pseudo:])
    return read_request(
        id=headers.get("x-request-id") or "",
        at=time(),
        method=head[":method"],
        scheme=head.get(":scheme", "http"),
        authority=head.get(":authority", ""),
        target=head[":path"],
        headers=headers,
        peer=_worker.peer(direct, source, tls, certificate, subject),
        version=protocol,
        has_body=not ends,
    )


def _enact_request(stream_id: int, stream: Stream, verdict: Verdict) -> int:
    session = stream.session
    if type(verdict) is Stop:
        _answer(stream_id, verdict.response)
        return ANSWERED
    assert isinstance(verdict, Pass)
    assert session.route is not None
    route = session.route
    flags = (
        (READ_REQUEST_BODY if route.on_request_body else 0)
        | (READ_RESPONSE if route.on_response else 0)
        | (READ_RESPONSE_BODY if route.on_response_body else 0)
    )
    limit = 0 if _is_upgrade(session.exchange.request) else route.max_body
    edits = verdict.edits or Edits()
    sets, removes = _pack_pairs(edits.set), "\0".join(edits.remove).encode("latin-1")
    lib.stockade_forward(stream_id, flags, limit, sets, len(sets), removes, len(removes))
    return FORWARD


def _is_upgrade(request: Request) -> bool:
    """A WebSocket handshake: what follows on the stream are frames, not a body that `max_body` could bound."""
    return "upgrade" in request.headers and request.method == "GET" and request.content_length is None


def _pack_pairs(pairs: tuple[tuple[str, str], ...]) -> bytes:
    return "\0".join([text for pair in pairs for text in pair]).encode("latin-1", "replace")


def _answer(stream_id: int, response: Response) -> None:
    body = response.body
    stream = _streams.get(stream_id)
    if stream is not None and stream.session.exchange.request.method == "HEAD":
        body = b""
    fields = _pack_pairs((*_status(response), *response.headers))
    lib.stockade_answer(stream_id, fields, len(fields), body, len(body))


def _status(response: Response) -> tuple[tuple[str, str], ...]:
    return ((":status", str(response.status)), ("content-length", str(len(response.body))))


@ffi.def_extern(error=-1, onerror=_failed)
def stockade_request_body(stream_id: int, body: Any, length: int) -> int:
    """The whole request body, for controls that read it."""
    started = perf_counter()
    stream = _streams[stream_id]
    stream.phase = "body"
    try:
        verdict = drive(stream.session.receive(RequestBody(bytes(_unpack(body, length)))), _worker.runtime.stores.answer)
    except NotNow as waiting:
        _worker.wait(waiting, stream, lib.stockade_scheduler(stream_id))
        return SUSPENDED
    result = FORWARD
    if isinstance(verdict, Stop):
        _answer(stream_id, verdict.response)
        result = ANSWERED
    stream.engine += perf_counter() - started
    return result


@ffi.def_extern(error=-1, onerror=_failed)
def stockade_too_large(stream_id: int) -> int:
    """More of a body arrived than the route takes."""
    session = _streams[stream_id].session
    assert session.route is not None
    detail = f"The body may have {session.route.max_body} bytes at most."
    verdict = session.refuse("firewall", TOO_LARGE, session.exchange.problem(413, detail))
    _answer(stream_id, verdict.response)
    return ANSWERED


@ffi.def_extern(error=-1, onerror=_failed)
def stockade_resume(stream_id: int) -> int:
    """The answer that a suspended stream waited for is there."""
    started = perf_counter()
    stream = _streams[stream_id]
    verdict, stream.verdict = stream.verdict, None
    if isinstance(verdict, Exception) or verdict is None:
        raise verdict or RuntimeError("a stream was woken without a verdict")
    if stream.phase == "head" or isinstance(verdict, Stop):
        result = _enact_request(stream_id, stream, verdict)
    else:
        result = FORWARD
    stream.engine += perf_counter() - started
    return result


@ffi.def_extern(error=-1, onerror=_failed)
def stockade_response(stream_id: int, fields: Any, length: int, ends: int) -> int:
    """The response head, for controls that read it."""
    started = perf_counter()
    stream = _streams[stream_id]
    places = _unpack(fields, length).decode("latin-1").split("\0")
    # Envoy keeps pseudo-headers in front, and a response has just one: ":status".
    response = Response(int(places[1]), Headers(places[2::2], places[3::2]))
    verdict = drive(stream.session.receive(ResponseHead(response)), _worker.runtime.stores.answer)
    result = _enact_response(stream_id, stream, verdict)
    stream.engine += perf_counter() - started
    return result


def _enact_response(stream_id: int, stream: Stream, verdict: Verdict) -> int:
    if verdict is PASS:
        return FORWARD
    if isinstance(verdict, Stop):
        return _replace(stream_id, stream, verdict.response)
    edits = verdict.edits
    if edits is None:
        return FORWARD
    if edits.replace is not None:
        return _replace(stream_id, stream, edits.replace)
    sets, removes = _pack_pairs(edits.set), "\0".join(edits.remove).encode("latin-1")
    lib.stockade_edit_response(stream_id, sets, len(sets), removes, len(removes))
    return FORWARD


def _replace(stream_id: int, stream: Stream, response: Response) -> int:
    """Send our response in place of the one that came, of which nothing is kept."""
    exchange = stream.session.exchange
    upstreams = exchange.response.headers.names() if exchange.response is not None else ()
    sets, removes = _pack_pairs((*_status(response), *response.headers)), "\0".join(upstreams).encode("latin-1")
    lib.stockade_edit_response(stream_id, sets, len(sets), removes, len(removes))
    body = b"" if exchange.request.method == "HEAD" else response.body
    return int(lib.stockade_replace_body(stream_id, body, len(body)))


@ffi.def_extern(error=-1, onerror=_failed)
def stockade_response_body(stream_id: int, body: Any, length: int) -> int:
    """The whole response body, for controls that read it. Its head is not sent yet."""
    stream = _streams[stream_id]
    verdict = drive(stream.session.receive(ResponseBody(bytes(_unpack(body, length)))), _worker.runtime.stores.answer)
    return _enact_response(stream_id, stream, verdict)


@ffi.def_extern(onerror=_failed)
def stockade_complete(stream_id: int, status: int, duration_ns: int, upstream_ns: int) -> None:
    """The stream is over, well or badly. Status 0: the client left before there was a response."""
    stream = _streams.pop(stream_id, None)
    if stream is None:
        return
    session = stream.session
    upstream_ms = round(upstream_ns / 1e6, 3) if upstream_ns >= 0 else None
    _worker.runtime.finish(session, status or 499, round(duration_ns / 1e6, 3), upstream_ms, stream.engine)
