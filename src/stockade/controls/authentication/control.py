"""The control: try each scheme whose credential the request carries; let anonymous operations through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from stockade.controls.authentication.oidc import KIND, Oidc
from stockade.controls.authentication.scheme import Pending, Refused, Scheme
from stockade.controls.authentication.step_up import StepUp
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
from stockade.wire import Response

Proven: TypeAlias = tuple[Scheme, Principal | Pending] | None
_DETAILS = {
    401: "The credential is not valid.",
    403: "The credential does not allow this.",
    429: "Too many wrong credentials came; try again later.",
}


class Authentication(Control):
    """any_of: the accepted schemes, in order. anonymous: operations that need no credential.

    step_up: how fresh and how strong the login behind a credential must be, by operation (RFC 9470).
    documents: what is told to everyone, by path: metadata by which clients learn how to authenticate.
    """

    name = "authentication"

    def __init__(
        self,
        *,
        realm: str,
        any_of: Sequence[Scheme],
        anonymous: OperationTable,
        step_up: Sequence[StepUp] = (),
        documents: dict[str, Response] | None = None,
    ) -> None:
        self._realm = realm
        self._schemes = tuple(any_of)
        self._anonymous = anonymous
        self._step_up = tuple(step_up)
        self.documents = documents or {}
        self._carriers = frozenset(carrier for scheme in any_of for carrier in scheme.carriers)
        self._login = next((scheme for scheme in self._schemes if isinstance(scheme, Oidc)), None)
        self._only = Edits(remove=tuple(sorted(self._carriers))) if len(self._schemes) == 1 else None

    def describe(self) -> str:
        accepted = " or ".join(scheme.describe() for scheme in self._schemes)
        open_to_all = len(self._anonymous)
        rest = [f"none for {open_to_all} operation(s)"] if open_to_all else []
        return "; ".join([accepted, *(rule.describe() for rule in self._step_up), *rest])

    def on_request(self, exchange: Exchange) -> Asking[Verdict]:
        """The first scheme that proves its credential decides.

        A store that fails counts only when no other scheme could decide: one issuer that is down must not shut out
        the callers of another.
        """
        request = exchange.request
        if request.path in self.documents and request.method in ("GET", "HEAD"):
            return Stop(self.documents[request.path], (), action="allow")
        refusals: dict[Scheme, Refused] = {}
        proven, trouble = yield from self._prove(exchange, refusals)
        if proven is not None:
            judged = proven[1]
            principal = judged.principal if isinstance(judged, Pending) else judged
            weak = (yield from self._too_weak(exchange, principal)) if self._step_up else None
            return weak or self._accept(exchange, *proven)
        if self._anonymous.matches(request.method, request.path):
            edits = self._hide(exchange, None)
            return PASS if edits is None else Pass(edits=edits)
        if trouble is not None:
            raise trouble
        # A person goes to log in; whoever sent another credential is told that it is not good.
        if self._login is not None and refusals.keys() <= {self._login} and self._login.invites(request):
            stale = refusals.get(self._login)
            finding = Finding(stale.reason if stale is not None else "login-needed", "header:cookie", severity="info")
            return (yield from self._login.begin(exchange, finding))
        return self._unauthorized(exchange, refusals)

    def _prove(self, exchange: Exchange, refusals: dict[Scheme, Refused]) -> Asking[tuple[Proven, StoreError | None]]:
        """The first credential that is good; else the first that the body may still prove. And whose store failed."""
        pending: Proven = None
        trouble: StoreError | None = None
        for scheme in self._schemes:
            credential = scheme.find(exchange.request)
            if credential is None:
                continue
            try:
                judged = yield from scheme.verify(credential, exchange)
            except StoreError as error:
                trouble = error
                continue
            if isinstance(judged, Principal):
                return (scheme, judged), None
            if isinstance(judged, Refused):
                refusals[scheme] = judged
            elif pending is None:
                pending = (scheme, judged)
        return pending, trouble

    def _accept(self, exchange: Exchange, scheme: Scheme, judged: Principal | Pending) -> Pass:
        """What is done with a credential that is good, as far as its scheme can tell by now."""
        principal = judged if isinstance(judged, Principal) else None
        known = judged.principal if isinstance(judged, Pending) else judged
        return Pass(principal=principal, edits=self._hide(exchange, scheme, known))

    def _too_weak(self, exchange: Exchange, principal: Principal) -> Asking[Stop | None]:
        """The Stop where the operation asks for more than the login behind the credential was."""
        request = exchange.request
        for rule in self._step_up:
            if rule.operations.matches(request.method, request.path):
                reason = rule.trouble(principal, request.at)
                if reason:
                    finding = Finding(reason, where="principal", severity="low")
                    if self._login is not None and principal.kind == KIND and self._login.invites(request):
                        return (yield from self._login.begin(exchange, finding, acr=rule.acr, max_age=rule.max_age))
                    detail = "A stronger or more recent login is required."
                    response = exchange.problem(401, detail, ("www-authenticate", rule.challenge(self._realm)))
                    return Stop(response, (finding,), action="challenge")
        return None

    def _hide(self, exchange: Exchange, proven: Scheme | None, principal: Principal | None = None) -> Edits | None:
        """The upstream has no business with a credential that only we can check.

        Nor with one that was not proven: it may rely on us and believe a forged token that came beside a good key.
        """
        hidden = self._hide_carriers(exchange, proven)
        if self._login is None:
            return hidden
        ours = self._login.hide(exchange.request, principal)
        if hidden is None or ours is None:
            return hidden or ours
        put = {name for name, _ in ours.set}
        return Edits(ours.set, tuple(name for name in (*hidden.remove, *ours.remove) if name not in put))

    def _hide_carriers(self, exchange: Exchange, proven: Scheme | None) -> Edits | None:
        if proven is not None and self._only is not None:  # the common case: there is nothing else to hide
            return None if proven.forward or not self._only.remove else self._only
        headers = exchange.request.headers
        if self._carriers.isdisjoint(headers.names()):
            return None
        hidden = {
            carrier
            for scheme in self._schemes
            if not scheme.forward or scheme.find(exchange.request) is not None
            for carrier in scheme.carriers
            if carrier in headers
        }
        if proven is not None and proven.forward:
            hidden.difference_update(proven.carriers)
        return Edits(remove=tuple(sorted(hidden))) if hidden else None

    def _unauthorized(self, exchange: Exchange, refusals: dict[Scheme, Refused]) -> Stop:
        told = [challenge for each in self._schemes for challenge in each.challenges(self._realm, refusals.get(each))]
        findings = tuple(
            Finding(refused.reason, refused.where, refused.evidence, severity="medium") for refused in refusals.values()
        )
        if not findings:
            findings = (Finding("credential-missing", where=self._wanted(), severity="low"),)
        status = min((refused.status for refused in refusals.values()), default=401)
        detail = _DETAILS[status] if refusals else "A credential is required."
        more = (field for refused in refusals.values() for field in refused.fields)
        fields = (*(("www-authenticate", challenge) for challenge in dict.fromkeys(told)), *more)
        return Stop(exchange.problem(status, detail, *fields), findings, "throttle" if status == 429 else "deny")

    def _wanted(self) -> str:
        names = dict.fromkeys(carrier for scheme in self._schemes for carrier in scheme.carriers)
        return "+".join(f"header:{name}" for name in names) or "connection"
