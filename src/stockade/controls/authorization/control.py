"""The control: every reading of the request must be granted, by the rules for just that operation.

Findings: the name of the rule that refused, `default` where no rule names the operation, `ambiguous` (400) where the
path could be anything, and the name of a property rule. All but `ambiguous` are answered with 403, or with 401 where
nothing was proved.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import unquote

from stockade.access import (
    Ambiguous,
    Grant,
    Roles,
    Subject,
    Templates,
    UnreadableBody,
    methods_of,
    readings,
    written_properties,
)
from stockade.controls.authorization.preflight import is_preflight
from stockade.redaction import excerpt, redact_path
from stockade.vocabulary import PASS, Control, Exchange, Finding, Pass, Stop, Verdict
from stockade.wire import Request

_SAFE = frozenset({"GET", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1; HEAD is read as GET
_DEFAULT = Pass(decided="default")


class Authorization(Control):
    """grants: by operation; any one of those for an operation suffices. deny: what no rule names.

    preflight: let the preflight requests of CORS pass, which carry no credential.
    """

    name = "authorization"
    rules: ClassVar = {"default": "default"}

    def __init__(
        self, grants: Templates[Grant], roles: Roles, *, deny: bool = True, preflight: bool = False, title: str = ""
    ) -> None:
        self.grants = grants
        self._roles = roles
        self.deny = deny
        self._preflight = preflight
        self._title = title
        self.operations: tuple[str, ...] = ()  # those that are known, for reports
        self._passes: dict[str, Pass] = {}

    def describe(self) -> str:
        return self._title

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if self._preflight and is_preflight(request):
            return PASS
        subject = self._roles.subject(exchange.principal)
        verdict: Verdict = PASS
        try:
            for method in methods_of(request.method, request.headers, request.query):
                for reading in readings(request.path):
                    found = self.grants.find(method, reading)
                    verdict = self._judge(exchange, subject, found[0] if found is not None else ())
                    if type(verdict) is Stop:
                        return verdict
        except Ambiguous as error:
            finding = Finding("ambiguous", "path", excerpt(redact_path(request.path)), "high")
            return Stop(exchange.problem(400, f"{str(error)[0].upper()}{str(error)[1:]}."), (finding,))
        return verdict

    def _judge(self, exchange: Exchange, subject: Subject | None, grants: Iterable[Grant]) -> Verdict:
        refusal: tuple[str, str] | None = None
        for grant in grants:
            lack = grant.needs.lacks(subject)
            if not lack:
                passed = self._passes.get(grant.name)
                if passed is None:
                    passed = self._passes[grant.name] = Pass(decided=grant.name)
                return passed
            refusal = refusal or (grant.name, f"lacks {lack}")
        if refusal is None:
            if not self.deny:
                return _DEFAULT
            refusal = "default", "no rule names this operation"
        return _refused(exchange, Finding(refusal[0], "operation", excerpt(refusal[1]), "high"))


class AuthorizationOfProperties(Authorization):
    """The same where some properties are for some callers only. properties: names in plain form, and who may write."""

    def __init__(
        self,
        grants: Templates[Grant],
        roles: Roles,
        *,
        properties: Templates[tuple[Grant, frozenset[str]]],
        deny: bool = True,
        preflight: bool = False,
        title: str = "",
    ) -> None:
        super().__init__(grants, roles, deny=deny, preflight=preflight, title=title)
        self._properties = properties

    def on_request_body(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        found = [said for reading in readings(request.path) for said, _ in self._properties.anywhere(reading)]
        if not found:
            return PASS
        subject = self._roles.subject(exchange.principal)
        closed = [(grant, names) for grant, names in found if grant.needs.lacks(subject)]
        if not closed or (not exchange.request_body and not self._writes(request)):
            return PASS
        if (request.headers.get("content-encoding") or "identity").strip().lower() != "identity":
            return _unreadable(exchange, closed[0][0])
        try:
            content_type = request.headers.get("content-type") or ""
            written = written_properties(exchange.request_body, content_type, request.query)
        except UnreadableBody:
            return _unreadable(exchange, closed[0][0])
        return self._judge_properties(exchange, subject, closed, written)

    @staticmethod
    def _writes(request: Request) -> bool:
        """Whether its query may be what it writes: as a form's would, or as a mutation of GraphQL."""
        return "mutation" in unquote(request.query) or not _SAFE.issuperset(
            methods_of(request.method, request.headers, request.query)
        )

    @staticmethod
    def _judge_properties(
        exchange: Exchange,
        subject: Subject | None,
        closed: list[tuple[Grant, frozenset[str]]],
        written: frozenset[str],
    ) -> Verdict:
        for grant, names in closed:
            if touched := names & written:
                text = f"{' '.join(sorted(touched))}: lacks {grant.needs.lacks(subject)}"
                return _refused(exchange, Finding(grant.name, "body", excerpt(text), "high"))
        return PASS


def _refused(exchange: Exchange, finding: Finding) -> Stop:
    if exchange.principal is None:
        return Stop(exchange.problem(401, "A credential is required."), (finding,))
    return Stop(exchange.problem(403, "You may not do this."), (finding,))


def _unreadable(exchange: Exchange, grant: Grant) -> Stop:
    finding = Finding(grant.name, "body", "a body that cannot be read", "medium")
    return Stop(exchange.problem(415, "A body in this form cannot be taken here."), (finding,))
