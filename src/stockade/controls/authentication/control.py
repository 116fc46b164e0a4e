"""The control: try each scheme whose credential the request carries; let anonymous operations through."""

from __future__ import annotations

from collections.abc import Sequence

from stockade.controls.authentication.scheme import Refused, Scheme
from stockade.operations import OperationTable
from stockade.vocabulary import (
    PASS,
    Asking,
    Control,
    Edits,
    Exchange,
    Finding,
    Pass,
    Principal,
    Stop,
    StoreError,
    Verdict,
)


class Authentication(Control):
    """any_of: the accepted schemes, in order. anonymous: operations that need no credential."""

    name = "authentication"

    def __init__(self, *, realm: str, any_of: Sequence[Scheme], anonymous: OperationTable) -> None:
        self._realm = realm
        self._schemes = tuple(any_of)
        self._anonymous = anonymous
        self._carriers = frozenset(scheme.carrier for scheme in any_of)
        self._carrier = Edits(remove=tuple(self._carriers)) if len(self._carriers) == 1 else None

    def describe(self) -> str:
        accepted = " or ".join(scheme.describe() for scheme in self._schemes)
        open_to_all = len(self._anonymous)
        return accepted + (f"; none for {open_to_all} operation(s)" if open_to_all else "")

    def on_request(self, exchange: Exchange) -> Asking[Verdict]:
        """The first scheme that proves its credential decides.

        A store that fails counts only when no other scheme could decide: one issuer that is down must not shut out
        the callers of another.
        """
        request = exchange.request
        refusals: dict[Scheme, Refused] = {}
        trouble: StoreError | None = None
        for scheme in self._schemes:
            credential = scheme.find(request.headers)
            if credential is None:
                continue
            try:
                judged = yield from scheme.verify(credential, exchange)
            except StoreError as error:
                trouble = error
                continue
            if isinstance(judged, Principal):
                return Pass(principal=judged, edits=self._hide(exchange, scheme))
            refusals[scheme] = judged
        if self._anonymous.matches(request.method, request.path):
            edits = self._hide(exchange, None)
            return PASS if edits is None else Pass(edits=edits)
        if trouble is not None:
            raise trouble
        return self._unauthorized(exchange, refusals)

    def _hide(self, exchange: Exchange, proven: Scheme | None) -> Edits | None:
        """The upstream has no business with a credential that only we can check.

        Nor with one that was not proven: it may rely on us and believe a forged token that came beside a good key.
        """
        if proven is not None and self._carrier is not None:  # the common case: there is nothing else to hide
            return None if proven.forward else self._carrier
        headers = exchange.request.headers
        if self._carriers.isdisjoint(headers.names()):
            return None
        hidden = {
            scheme.carrier
            for scheme in self._schemes
            if scheme.carrier in headers and (not scheme.forward or scheme.find(headers) is not None)
        }
        if proven is not None and proven.forward:
            hidden.discard(proven.carrier)
        return Edits(remove=tuple(sorted(hidden))) if hidden else None

    def _unauthorized(self, exchange: Exchange, refusals: dict[Scheme, Refused]) -> Stop:
        challenges = dict.fromkeys(scheme.challenge(self._realm, scheme in refusals) for scheme in self._schemes)
        findings = tuple(
            Finding(refused.reason, refused.where, refused.evidence, severity="medium") for refused in refusals.values()
        )
        if not findings:
            wanted = "+".join(dict.fromkeys(f"header:{scheme.carrier}" for scheme in self._schemes))
            findings = (Finding("credential-missing", where=wanted, severity="low"),)
        detail = "The credential is not valid." if refusals else "A credential is required."
        fields = (("www-authenticate", challenge) for challenge in challenges)
        return Stop(exchange.problem(401, detail, *fields), findings)
