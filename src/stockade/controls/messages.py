"""Messages: how large, how frequent and of what shape the messages of WebSockets and event streams may be.

Findings: websocket-size, websocket-rate, websocket-schema, websocket-malformed, websocket-extension; event-size,
event-rate, event-schema, event-encoded. A stream that is stopped ends: a WebSocket with a Close frame (RFC 6455,
section 7.4: 1002 and 1007 malformed, 1008 against the rules, 1009 too long), events after the last good one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct

from stockade.messages import Message, MessageSchema, Protocol
from stockade.operations import OperationTable
from stockade.quotas import take
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Closing, Control, Edits, Exchange, Finding, Pass, Stop, Verdict, Watcher

_EXTENSIONS = "sec-websocket-extensions"
_EVENTS = "text/event-stream"
_CONTROL_FRAMES = (0.1, 50)  # seconds a frame, frames at once: no honest client pings so often
_POLICY, _TOO_BIG = 1008, 1009
_AS_IT_IS = frozenset({"", "identity"})


class Bounds(Struct, frozen=True):
    """size: of a message, bytes. rate: (seconds a message, messages at once), per connection and direction."""

    size: int
    rate: tuple[float, int] | None = None
    schema: MessageSchema | None = None


class StreamRule(Struct, frozen=True):
    """What holds for the streams of some operations; None: of all. Either direction may be unbounded."""

    client: Bounds | None
    upstream: Bounds | None
    operations: OperationTable | None = None

    def holds(self, exchange: Exchange) -> bool:
        return self.operations is None or self.operations.matches(exchange.request.method, exchange.request.path)


class Messages(Control):
    """The first rule that holds for an operation counts; a stream for which none holds passes unread.

    Extensions of WebSocket are not offered to the upstream, nor are codings of event streams: neither could be read.
    """

    name = "messages"
    rules: ClassVar = {
        **dict.fromkeys(("websocket-size", "websocket-rate", "websocket-schema"), "websocket"),
        **dict.fromkeys(("websocket-malformed", "websocket-extension"), "websocket"),
        **dict.fromkeys(("event-size", "event-rate", "event-schema", "event-encoded"), "events"),
    }

    def __init__(self, websocket: Iterable[StreamRule] = (), events: Iterable[StreamRule] = ()) -> None:
        self._websocket = tuple(websocket)
        self._events = tuple(events)

    def describe(self) -> str:
        named = [
            *(f"WebSocket {_told(rule.client or rule.upstream)}" for rule in self._websocket),
            *(f"events {_told(rule.upstream)}" for rule in self._events),
        ]
        return "; ".join(named)

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if request.is_upgrade:
            removed = _EXTENSIONS if _EXTENSIONS in request.headers and _rule(self._websocket, exchange) else ""
        else:
            asks = self._events and _EVENTS in (request.headers.get("accept") or "").lower()
            removed = "accept-encoding" if asks and _rule(self._events, exchange) else ""
        return Pass(edits=Edits(remove=(removed,))) if removed else PASS

    def on_request_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        rule = _rule(self._websocket, exchange) if protocol == "websocket" else None
        return _Watch(exchange, "websocket", rule.client, from_client=True) if rule is not None else None

    def on_response_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        headers = exchange.response.headers if exchange.response is not None else None
        if protocol == "websocket" and (rule := _rule(self._websocket, exchange)) is not None:
            agreed = headers is not None and _EXTENSIONS in headers
            return _Watch(exchange, "websocket", rule.upstream, unreadable="websocket-extension" if agreed else "")
        if protocol == "events" and (rule := _rule(self._events, exchange)) is not None:
            coding = (headers.get("content-encoding") or "").strip().lower() if headers is not None else ""
            return _Watch(exchange, "event", rule.upstream, unreadable="" if coding in _AS_IT_IS else "event-encoded")
        return None


def _rule(rules: tuple[StreamRule, ...], exchange: Exchange) -> StreamRule | None:
    return next((rule for rule in rules if rule.holds(exchange)), None)


def _told(bounds: Bounds | None) -> str:
    if bounds is None:
        return "read"
    rate = f", {bounds.rate[1]} at once and one each {bounds.rate[0]:g} s" if bounds.rate is not None else ""
    return f"up to {bounds.size} bytes{rate}{', by schema' if bounds.schema is not None else ''}"


class _Watch(Watcher):
    """One direction of one connection. Without bounds it only sees that the frames are well made."""

    def __init__(
        self,
        exchange: Exchange,
        kind: str,
        bounds: Bounds | None,
        *,
        from_client: bool = False,
        unreadable: str = "",
    ) -> None:
        self._exchange = exchange
        self._kind = kind
        self._bounds = bounds
        self._from_client = from_client
        self._unreadable = unreadable  # the rule by which nothing of the stream can be read
        self._arrival = self._control_arrival = 0  # state of the buckets
        self.limit = bounds.size if bounds is not None else None
        self.keep = bounds is not None and bounds.schema is not None

    def judge(self, message: Message, at: float) -> Verdict:
        if self._unreadable:
            return self._refuse(self._unreadable, 502, "The stream cannot be read.", _POLICY)
        if message.kind == "malformed":
            return self._refuse("websocket-malformed", 400, f"{message.trouble}.", message.code, message.trouble)
        if message.kind in ("ping", "pong", "close"):
            return self._count_control(at) if self._from_client else PASS
        bounds = self._bounds
        if bounds is None:
            return PASS
        if message.too_long:
            detail = f"A message may have {bounds.size} bytes at most."
            return self._refuse(f"{self._kind}-size", 413, detail, _TOO_BIG, f"{message.size} bytes")
        if bounds.rate is not None:
            taken = take(self._arrival, at, *bounds.rate)
            if not taken.allowed:
                return self._refuse(f"{self._kind}-rate", 429, "Too many messages.", _POLICY)
            self._arrival = taken.arrival
        fault = bounds.schema.fault(message.data) if bounds.schema is not None else None
        if fault is not None:
            pointer, rule = fault
            said = f"{rule} at {excerpt(pointer) or 'the root'}"
            return self._refuse(f"{self._kind}-schema", 422, "A message does not fit its schema.", _POLICY, said)
        return PASS

    def _count_control(self, at: float) -> Verdict:
        taken = take(self._control_arrival, at, *_CONTROL_FRAMES)
        self._control_arrival = taken.arrival
        return PASS if taken.allowed else self._refuse("websocket-rate", 429, "Too many control frames.", _POLICY)

    def _refuse(self, rule: str, status: int, detail: str, code: int, evidence: str = "") -> Stop:
        finding = Finding(rule, where=self._kind, evidence=evidence, severity="medium")
        detail = detail[0].upper() + detail[1:]
        return Stop(self._exchange.problem(status, detail), (finding,), closing=Closing(code, detail))
