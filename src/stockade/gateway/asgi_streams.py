"""Streams of messages as ASGI has them: WebSocket messages come whole, all else as bytes."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, TypeAlias

from stockade.engine import Flow, Sifting
from stockade.messages import Message
from stockade.vocabulary import Stop

Event: TypeAlias = MutableMapping[str, Any]


def message_of(event: Event, limit: int | None) -> Message:
    """A `websocket.receive` or `websocket.send` as the message that it is."""
    text = event.get("text")
    data = text.encode("utf-8", "surrogatepass") if text is not None else event.get("bytes") or b""
    too_long = limit is not None and len(data) > limit
    return Message("text" if text is not None else "binary", len(data), b"" if too_long else data, too_long=too_long)


def part_of(flow: Flow | Sifting, event: Event, at: float) -> tuple[Event, Stop | None]:
    """A piece of a body, less what does not go on yet, and the Stop that follows it."""
    more = event.get("more_body", False)
    passed, stop = flow.receive(event.get("body", b""), not more, at)
    return {**event, "body": passed, "more_body": more or stop is not None}, stop


def closing(stop: Stop) -> Event:
    return {"type": "websocket.close", "code": stop.closing.code, "reason": stop.closing.reason}


def ended(stop: Stop | None) -> Event:
    """What the application hears of a WebSocket that was stopped."""
    return {"type": "websocket.disconnect", "code": stop.closing.code if stop is not None else 1006}


def trailers(stop: Stop) -> Event:
    """The status of a gRPC call whose response has begun."""
    named = [pair for pair in stop.response.headers if pair[0] in ("grpc-status", "grpc-message")]
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in named or [("grpc-status", "13")]]
    return {"type": "http.response.trailers", "headers": pairs, "more_trailers": False}
