"""The WAF over what clients send in streams: messages of WebSockets, gRPC calls.

Findings: as for requests, one per matched rule and variable; `body-too-long` for a message that is longer than what is
inspected, `unreadable-message` for one that is compressed or malformed. A message that is refused ends its stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec.structs import replace

from stockade.controls.waf.control import Exclusion, exclude, verdict_of
from stockade.messages import Message, Protocol
from stockade.vocabulary import PASS, Closing, Control, Edits, Exchange, Finding, Pass, Stop, Verdict, Watcher
from stockade.waf import RuleSet, Secrecy
from stockade.wire import Headers, Response

_EXTENSIONS = "sec-websocket-extensions"
_PLAIN = Headers.of((("host", "localhost"), ("accept", "*/*"), ("user-agent", "stockade")))
_TOO_BIG = 1009  # status code of a WebSocket (RFC 6455, section 7.4.1)
_DENIED, _EXHAUSTED, _INTERNAL = "7", "8", "13"  # statuses of gRPC
_REFUSED = "The message was refused."
_CONTROL = ("ping", "pong", "close")


class StreamWaf(Control):
    """rules: as of `Waf`. limit: of a message, bytes; it is held until it is complete, and a longer one is refused.

    The head of the request is judged by `Waf`; a message is judged by the texts in it alone. Extensions of WebSocket
    are not offered to the upstream: what is compressed could not be read.
    """

    name = "waf"
    rules: ClassVar = {"body-too-long": "body_limit", "unreadable-message": "streams"}

    def __init__(
        self,
        rules: RuleSet,
        *,
        limit: int,
        exclusions: Iterable[Exclusion] = (),
        secrecy: Secrecy = Secrecy(),  # noqa: B008 - it never changes
    ) -> None:
        self._rules = rules
        self._secrecy = secrecy
        self._limit = limit
        self._exclusions = tuple(exclusions)

    def describe(self) -> str:
        return f"messages of WebSockets and gRPC up to {self._limit} bytes"

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        offers = request.is_upgrade and _EXTENSIONS in request.headers
        return Pass(edits=Edits(remove=(_EXTENSIONS,))) if offers else PASS

    def on_request_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        if protocol == "events":
            return None
        return _Watch(exchange, self._rules, self._limit, self._exclusions, self._secrecy)

    def on_response_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:  # noqa: ARG002
        """So that it is known where a frame ends, and ours can follow."""
        return Watcher() if protocol == "websocket" else None


class _Watch(Watcher):
    """One connection's, or call's."""

    keep = True

    def __init__(
        self, exchange: Exchange, rules: RuleSet, limit: int, exclusions: tuple[Exclusion, ...], secrecy: Secrecy
    ) -> None:
        self.limit = limit
        self._exchange = exchange
        self._rules = rules
        self._exclusions = exclusions
        self._secrecy = secrecy
        self._request = replace(
            exchange.request, method="GET", path="/", target="", query="", headers=_PLAIN, has_body=False, body=b""
        )

    def judge(self, message: Message, at: float) -> Verdict:
        kind = message.kind
        if kind in _CONTROL:
            return PASS
        if message.too_long:
            detail = f"A message may have {self.limit} bytes at most."
            return self._refuse("body-too-long", 413, _EXHAUSTED, detail, f"{message.size} bytes", _TOO_BIG)
        if kind not in ("text", "binary", "call") or message.compressed:
            said = message.trouble or "compressed"
            return self._refuse("unreadable-message", 400, _INTERNAL, "The message cannot be read.", said, message.code)
        if not message.data:
            return PASS
        rules = self._rules
        transaction = rules.begin(replace(self._request, at=at), client=self._exchange.client, secrecy=self._secrecy)
        exclude(self._exclusions, self._exchange, transaction)
        rules.judge_head(transaction)
        if transaction.decision == "allow":
            rules.judge_message(transaction, message.data, kind)
        verdict = verdict_of(self._exchange, rules.end(transaction))
        if isinstance(verdict, Pass):
            return verdict
        response = self._answer(verdict.response.status, _DENIED, _REFUSED)
        return replace(verdict, response=response, closing=Closing(reason=_REFUSED))

    def _refuse(self, rule: str, status: int, grpc: str, detail: str, evidence: str, code: int) -> Stop:
        finding = Finding(rule, where="message", evidence=evidence, severity="medium")
        return Stop(self._answer(status, grpc, detail), (finding,), closing=Closing(code, detail))

    def _answer(self, status: int, grpc: str, detail: str) -> Response:
        """A problem, or a head that a gRPC client understands (gRPC over HTTP/2, "Responses")."""
        exchange = self._exchange
        if exchange.request.is_upgrade:
            return exchange.problem(status, detail)
        said = (("grpc-status", grpc), ("grpc-message", detail), ("x-request-id", exchange.request.id))
        return Response(200, Headers.of((("content-type", "application/grpc"), *said)))
