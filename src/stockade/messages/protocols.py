"""Which protocol a stream speaks, and the reader for it."""

from __future__ import annotations

from stockade.messages.calls import CallReader
from stockade.messages.events import EventReader
from stockade.messages.message import Protocol, Reader
from stockade.messages.websocket import WebSocketReader
from stockade.wire import Request, Response

_SWITCHING = 101
_EVENTS = "text/event-stream"
_GRPC = "application/grpc"
_LONGEST_EVENT = 1 << 20  # bytes, where nobody sets a limit: an event is held until it is complete


def request_protocol(request: Request) -> Protocol | None:
    """The protocol of what follows a request's head; None: a body like any other, or none."""
    if request.is_upgrade:
        return "websocket"
    return "grpc" if request.has_body and is_grpc(request.headers.get("content-type")) else None


def response_protocol(request: Request, response: Response) -> Protocol | None:
    """The protocol of what follows a response's head."""
    if request.is_upgrade and response.status == _SWITCHING:
        return "websocket"
    if request.method == "HEAD":
        return None
    kind = response.headers.get("content-type")
    if kind is not None and kind.partition(";")[0].strip().lower() == _EVENTS:
        return "events"
    return "grpc" if is_grpc(kind) else None


def is_grpc(content_type: str | None) -> bool:
    """Whether it is gRPC's own media type, which gRPC-Web's is not: that has another framing."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == _GRPC or kind.startswith(f"{_GRPC}+")


def reader(protocol: Protocol, *, from_client: bool, limit: int | None, keep: bool) -> Reader:
    """A reader for one direction. limit: of a message, bytes; keep: whether its content is wanted."""
    if protocol == "websocket":
        return WebSocketReader(masked=from_client, limit=limit, keep=keep)
    if protocol == "events":
        return EventReader(limit=_LONGEST_EVENT if limit is None else limit)
    return CallReader(limit=limit, keep=keep)
