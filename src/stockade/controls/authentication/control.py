"""The control: try each scheme whose credential the request carries; let anonymous operations through."""

from __future__ import annotations

from collections.abc import Sequence

from stockade.controls.authentication.scheme import Refused, Scheme
from stockade.operations import OperationTable
from stockade.vocabulary import PASS, Asking, Control, Edits, Exchange, Finding, Pass, Principal, Stop, Verdict


class Authentication(Control):
    """any_of: the accepted schemes, in order. anonymous: operations that need no credential."""

    name = "authentication"

    def __init__(self, *, realm: str, any_of: Sequence[Scheme], anonymous: OperationTable) -> None:
        self._realm = realm
        self._schemes = tuple(any_of)
        self._anonymous = anonymous
        self._hidden = frozenset(scheme.carrier for scheme in any_of if not scheme.forward)

    def describe(self) -> str:
        accepted = " or ".join(scheme.describe() for scheme in self._schemes)
        open_to_all = len(self._anonymous)
        return accepted + (f"; {open_to_all} operations need none" if open_to_all else "")

    def on_request(self, exchange: Exchange) -> Asking[Verdict]:
        request = exchange.request
        refusals: dict[str, Refused] = {}
        for scheme in self._schemes:
            credential = scheme.find(request.headers)
            if credential is None:
                continue
            judged = yield from scheme.verify(credential, exchange)
            if isinstance(judged, Principal):
                return Pass(principal=judged, edits=self._hide(exchange))
            refusals[scheme.carrier] = judged
        if self._anonymous.matches(request.method, request.path):
            edits = self._hide(exchange)
            return PASS if edits is None else Pass(edits=edits)
        return self._unauthorized(exchange, refusals)

    def _hide(self, exchange: Exchange) -> Edits | None:
        """The upstream has no use for a credential that only we can check, and no business with it."""
        present = self._hidden & exchange.request.headers.names()
        return Edits(remove=tuple(present)) if present else None

    def _unauthorized(self, exchange: Exchange, refusals: dict[str, Refused]) -> Stop:
        challenges = tuple(
            ("www-authenticate", scheme.challenge(self._realm, scheme.carrier in refusals)) for scheme in self._schemes
        )
        findings = tuple(
            Finding(refused.reason, refused.where, refused.evidence, severity="medium")
            for refused in refusals.values()
        )
        if not findings:
            wanted = "+".join(f"header:{scheme.carrier}" for scheme in self._schemes)
            findings = (Finding("credential-missing", where=wanted, severity="low"),)
        detail = "The credential is not valid." if refusals else "A credential is required."
        return Stop(exchange.problem(401, detail, *challenges), findings)
