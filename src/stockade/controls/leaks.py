"""Leaks: what no response body may carry out: numbers of cards and accounts, identities, secrets, insides of servers.

Finding: the detector's name (`cards`, `password_hashes`, …), once for each with how often and how many bytes, never
with a value. `encoded`: a body in a coding that cannot be read. `coding`: one that is not what its coding says.

Upstreams are asked for plain bodies (RFC 9110, section 12.5.3). One that sends gzip or deflate all the same is
inflated; Brotli, Zstandard and others are refused, or passed unread where the policy says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from msgspec import Struct

from stockade.detectors import DETECTORS, Action, BadCoding, Borders, Inflater, Leak, Stream, scanner
from stockade.operations import OperationTable
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Sieve, Stop, Verdict

_AS_IT_IS = frozenset({"", "identity"})
_UNREAD = ("image/", "audio/", "video/", "font/", "application/grpc", "application/zip", "application/gzip",
           "application/x-gzip", "application/zstd", "application/x-7z", "application/pdf", "application/wasm",
           "application/x-protobuf", "application/protobuf", "application/vnd.openxmlformats")  # fmt: skip
_LINES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-lines",
    "application/json-seq",
)
_BODILESS = frozenset({101, 204, 205, 304})
_PARTIAL = 206
_DETAIL = "The response was withheld, for it has what must not leave."


class LeakRule(Struct, frozen=True):
    """What is done about each detector that is on, for some operations; None: for all."""

    actions: Mapping[str, Action]
    operations: OperationTable | None = None


class Leaks(Control):
    """The first rule whose operations fit counts. hold: bytes kept until a response can be refused no more.

    encoded: what becomes of a body in a coding that cannot be read.
    """

    name = "leaks"
    rules: ClassVar = {**dict.fromkeys(DETECTORS, "detectors"), "encoded": "encoded", "coding": "encoded"}

    def __init__(self, rules: Iterable[LeakRule], *, hold: int, encoded: Literal["block", "pass"] = "block") -> None:
        self._rules = tuple(rules)
        self._hold = hold
        self._encoded = encoded
        for rule in self._rules:
            scanner(frozenset(rule.actions))  # now, not with the first response

    def describe(self) -> str:
        by_action: dict[str, list[str]] = {}
        for name, action in self._rules[-1].actions.items() if self._rules else ():
            by_action.setdefault(action, []).append(name)
        return "; ".join(f"{action} {', '.join(names)}" for action, names in by_action.items())

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if request.is_upgrade or "accept-encoding" not in request.headers or not self._actions(exchange):
            return PASS
        return Pass(edits=Edits((("accept-encoding", "identity"),)))

    def on_response(self, exchange: Exchange) -> Verdict:
        coding = _coding(exchange)
        if coding in _AS_IT_IS or not _has_text(exchange) or not self._actions(exchange):
            return PASS
        if _inflates(exchange, coding):
            return Pass(edits=Edits(remove=("content-encoding", "content-length")))
        finding = Finding("encoded", where="response:content-encoding", severity="medium")
        if self._encoded == "pass":
            return Pass((finding,))
        return Stop(exchange.problem(502, "The service answered in a coding that cannot be checked."), (finding,))

    def on_response_pieces(self, exchange: Exchange) -> Sieve | None:
        actions = self._actions(exchange)
        coding = _coding(exchange)
        if not actions or not _has_text(exchange):
            return None
        inflates = coding not in _AS_IT_IS
        if inflates and not _inflates(exchange, coding):
            return None
        return _Search(exchange, actions, Inflater(coding) if inflates else None, self._hold)

    def _actions(self, exchange: Exchange) -> Mapping[str, Action]:
        method, path = exchange.request.method, exchange.request.path
        for rule in self._rules:
            if rule.operations is None or rule.operations.matches(method, path):
                return rule.actions
        return {}


def _coding(exchange: Exchange) -> str:
    response = exchange.response
    return (response.headers.get("content-encoding") or "").strip().lower() if response is not None else ""


def _inflates(exchange: Exchange, coding: str) -> bool:
    """A part of a compressed body (206) cannot be inflated by itself."""
    return Inflater.reads(coding) and exchange.response is not None and exchange.response.status != _PARTIAL


def _has_text(exchange: Exchange) -> bool:
    response = exchange.response
    if response is None or exchange.request.method == "HEAD" or response.status in _BODILESS:
        return False
    return not _kind(exchange).startswith(_UNREAD) or _kind(exchange).startswith("image/svg")


def _kind(exchange: Exchange) -> str:
    response = exchange.response
    return (response.headers.get("content-type") or "").lower() if response is not None else ""


class _Search(Sieve):
    """One response's."""

    def __init__(self, exchange: Exchange, actions: Mapping[str, Action], inflater: Inflater | None, hold: int) -> None:
        kind = _kind(exchange)
        self._exchange = exchange
        self._inflater = inflater
        events = kind.startswith("text/event-stream")
        self._borders = Borders("events" if events else "lines") if events or kind.startswith(_LINES) else None
        json = not kind or "json" in kind or events
        self._stream = Stream(scanner(frozenset(actions)), actions, json=json)
        self._found: dict[str, tuple[int, int, Leak]] = {}
        can_stop = inflater is not None or "block" in actions.values()
        self.hold = hold if can_stop and self._borders is None else 0

    def feed(self, data: bytes, ends: bool) -> tuple[bytes, Stop | None]:
        if self._inflater is not None:
            try:
                data = self._inflater.feed(data, ends)
            except BadCoding as error:
                finding = Finding("coding", where="response:body", evidence=str(error), severity="high")
                return b"", Stop(self._exchange.problem(502, "The service's answer cannot be read."), (finding,))
        if self._borders is not None:
            return self._feed_bordered(data, ends)
        passed, leaks = self._stream.feed(data) if not ends or len(data) > _ONCE else self._stream.whole(data)
        stop = self._note(leaks) if leaks else None
        if ends and len(data) > _ONCE:
            tail, leaks = self._stream.finish()
            passed, stop = passed + tail, stop or self._note(leaks)
        return (b"" if stop is not None else passed), stop

    def _feed_bordered(self, data: bytes, ends: bool) -> tuple[bytes, Stop | None]:
        assert self._borders is not None
        parts: list[bytes] = []
        for piece, border in [*self._borders.split(data), *([(b"", True)] if ends else [])]:
            passed, leaks = self._stream.whole(piece) if border else self._stream.feed(piece)
            if leaks and (stop := self._note(leaks)) is not None:
                return b"".join(parts), stop
            parts.append(passed)
        return b"".join(parts), None

    def _note(self, leaks: list[Leak]) -> Stop | None:
        stop = None
        for leak in leaks:
            times, size, first = self._found.get(leak.detector, (0, 0, leak))
            self._found[leak.detector] = (times + 1, size + leak.size, first)
            if leak.action == "block" and stop is None:
                stop = Stop(self._exchange.problem(502, _DETAIL), ())
        return stop

    def rest(self) -> bytes:
        return self._stream.rest()

    def tally(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                name,
                where="response:body",
                evidence=f"{first.action}: {times} time{'s' if times > 1 else ''}, {size} bytes",
                severity=first.severity,
                offset=first.offset,
            )
            for name, (times, size, first) in self._found.items()
        )


_ONCE = 256 << 10  # bytes that are searched at once when they are all there
