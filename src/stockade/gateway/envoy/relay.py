"""Streams of messages: each piece that passes goes by way of `filter/relay.h` to the engine's flow, and back."""

from __future__ import annotations

from time import perf_counter, time
from typing import Any

from msgspec.structs import replace

from stockade.engine import Flow, Sifting
from stockade.gateway.envoy._filter import ffi, lib
from stockade.gateway.envoy.stream import (
    ANSWERED,
    FORWARD,
    STREAMS,
    Stream,
    answer,
    failed,
    pack_pairs,
    replace_response,
)
from stockade.messages import close_frame
from stockade.vocabulary import Edits, Pass, Stop, Verdict
from stockade.wire import Headers, Response

_FROM_CLIENT = frozenset({0, 1})  # kinds of bodies of the request, received and buffered: see filter/abi.h
_UNAVAILABLE, _INTERNAL = "14", "13"  # gRPC status codes
_LENGTH = b"content-length"
_unpack = ffi.unpack


def open_request_stream(stream: Stream) -> bool:
    """Whether somebody reads the client's messages."""
    stream.client_flow = stream.session.open_request_stream()
    return stream.client_flow is not None


def open_response_stream(stream: Stream, response: Response) -> None:
    """Let the upstream's messages be read, if somebody wants to."""
    stream.upstream_flow = stream.session.open_response_stream(response)
    if stream.upstream_flow is not None:
        stream.held = stream.upstream_flow.hold if isinstance(stream.upstream_flow, Sifting) else 0
        lib.stockade_watch_response(stream.number, stream.held > 0)
        # It may end before its time, and then a declared length would be a lie.
        lib.stockade_edit_response(stream.number, b"", 0, _LENGTH, len(_LENGTH))


@ffi.def_extern(error=-1, onerror=failed)
def stockade_piece(number: int, kind: int, begun: int, data: Any, length: int, ends: int) -> int:
    """A piece of a stream. kind: which body of Envoy's it is; begun: whether the response has."""
    started = perf_counter()
    stream = STREAMS[number]
    flow = stream.client_flow if kind in _FROM_CLIENT else stream.upstream_flow
    assert flow is not None
    piece = _unpack(data, length)
    passed, stop = flow.receive(piece, bool(ends), time())
    result = FORWARD
    if flow is stream.upstream_flow and stream.held:
        if stop is not None:
            stream.held = 0
            result = replace_response(stream, stop.response)
        else:
            _hold(stream, kind, piece, passed, bool(ends))
    elif stop is not None and flow is stream.upstream_flow and flow.protocol is None:
        result = -1  # half a body must not look like a whole one: the stream is reset
    elif stop is not None and not begun:
        answer(stream, stop.response)
        result = ANSWERED
    else:
        ending = b"" if stop is None else _ending(stream, flow, stop)
        if flow is stream.upstream_flow and flow.protocol == "websocket":
            passed, ending = passed + ending, b""  # at once, for the upstream may leave and take the stream with it
        if passed != piece:
            lib.stockade_put(number, kind, passed, len(passed))
        if stop is not None and lib.stockade_end(number, ending, len(ending), flow.protocol == "grpc") != 0:
            result = -1
    stream.engine += perf_counter() - started
    return result


def _hold(stream: Stream, kind: int, piece: bytes, passed: bytes, ends: bool) -> None:
    """Keep what passes, until there is enough of it or no more will come."""
    if passed != piece:
        lib.stockade_put(stream.number, kind, passed, len(passed))
    stream.held = max(0, stream.held - len(passed))
    if ends or not stream.held:
        stream.held = 0
        lib.stockade_release(stream.number)


def sift_whole(stream: Stream, verdict: Verdict) -> Verdict:
    """A body that was read whole, or what a control put in its place, past the sieves: what is to be sent, then."""
    session = stream.session
    came = session.exchange.response
    if isinstance(verdict, Stop) or came is None:
        return verdict
    edits = verdict.edits or Edits()
    before = edits.replace or replace(came, body=session.exchange.response_body)
    body, stop = session.sift(before.body, before, time())
    if stop is not None:
        return stop
    if body == before.body:
        return verdict
    if edits.replace is None:
        return Pass(edits=replace(edits, body=body))
    kept = [pair for pair in before.headers if pair[0] not in ("content-length", "transfer-encoding")]
    return Pass(edits=replace(edits, replace=replace(before, headers=Headers.of(kept), body=body)))


def _ending(stream: Stream, flow: Flow | Sifting, stop: Stop) -> bytes:
    """What ends a stream whose response has begun: a gRPC call its trailers, a WebSocket a Close frame."""
    if flow.protocol == "grpc":
        return pack_pairs(_trailers(stop.response))
    downstream = stream.upstream_flow
    if flow.protocol == "websocket" and downstream is not None and downstream.between:
        return close_frame(stop.closing.code, stop.closing.reason)
    return b""


def _trailers(response: Response) -> tuple[tuple[str, str], ...]:
    status = response.headers.get("grpc-status")
    if status is None:  # a control that knows nothing of gRPC, or broke
        status = _UNAVAILABLE if response.status == 503 else _INTERNAL
    return (("grpc-status", status), ("grpc-message", response.headers.get("grpc-message") or "Refused."))
