"""The control where some credentials are proved by the body: it judges head and body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stockade.controls.authentication.all_of import BY_BODY
from stockade.controls.authentication.control import Authentication
from stockade.controls.authentication.scheme import Pending, Scheme
from stockade.controls.authentication.waiting import Waiting
from stockade.vocabulary import PASS, Asking, Edits, Exchange, Pass, Principal, Verdict

# Kinds of principals whose bodies must have been looked at.
_BY_BODY = frozenset({"signature", "webhook", "aws4", BY_BODY})


class BodyAuthentication(Authentication):
    """The same, with schemes that need the body. Until it is proved there is no principal; nothing reaches the upstream
    before."""

    def __init__(self, *, any_of: Sequence[Scheme], **fields: Any) -> None:
        super().__init__(any_of=any_of, **fields)
        self._waiting = Waiting()

    def _accept(self, exchange: Exchange, scheme: Scheme, judged: Principal | Pending) -> Pass:
        passed = super()._accept(exchange, scheme, judged)
        verify_body = getattr(scheme, "verify_body", None)
        if verify_body is None:
            return passed
        principal = judged.principal if isinstance(judged, Pending) else judged
        self._waiting.keep(exchange.request.id, scheme, principal, exchange.request.at)  # type: ignore[arg-type]
        if not isinstance(judged, Pending):
            return passed
        # The upstream is told of it with the head, which waits for the body's proof.
        edits = passed.edits or Edits()
        return Pass(edits=Edits(set=(*edits.set, *principal.told), remove=edits.remove))

    def on_request_body(self, exchange: Exchange) -> Asking[Verdict]:
        awaited = self._waiting.take(exchange.request.id)
        if awaited is None:
            return self._without_proof(exchange)
        refused = yield from awaited.scheme.verify_body(exchange)
        if refused is not None:
            return self._unauthorized(exchange, {awaited.scheme: refused})
        return Pass(principal=awaited.principal)

    def _without_proof(self, exchange: Exchange) -> Verdict:
        """Fine where the head was proof enough, or none was needed."""
        request, principal = exchange.request, exchange.principal
        if principal is not None and principal.kind not in _BY_BODY:
            return PASS
        if principal is None and self._anonymous.matches(request.method, request.path):
            return PASS
        return self._unauthorized(exchange, {})
