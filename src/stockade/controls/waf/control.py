"""WAF: rules in SecLang over the content of requests and, where asked, of responses.

Findings: one per matched rule and variable, named by the rule's id; `body-too-long` (413) where a body is longer than
what is inspected, since the rest could hold anything. Phases 1 and 2 run together once the body is there: nothing has
reached the upstream before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from stockade import vocabulary
from stockade.operations import OperationTable
from stockade.redaction import redact
from stockade.vocabulary import PASS, Control, Exchange, Finding, Pass, Severity, Stop, Verdict
from stockade.waf import Exclusions, Inspection, Match, Proofs, RuleSet, Secrecy, Selector, Transaction
from stockade.wire import Headers, Request

_SEVERITIES: dict[str, Severity] = {
    "EMERGENCY": "critical",
    "ALERT": "critical",
    "CRITICAL": "critical",
    "ERROR": "high",
    "WARNING": "medium",
    "NOTICE": "low",
    "INFO": "info",
    "DEBUG": "info",
}
_PARTS = "multipart/form-data"  # has a bound of its own for all that is no file
_OPAQUE = "application/octet-stream"  # of which rules see the beginning
_MOST_DETAIL = 256
_FORBIDDEN = 403
_PLAIN = Headers.of((("host", "localhost"), ("accept", "*/*"), ("user-agent", "stockade")))


class Exclusion(Struct, frozen=True):
    """Rules that shall not look: at all, or not at `targets`; everywhere, or in `operations`."""

    selectors: tuple[Selector, ...]
    targets: Exclusions | None = None
    operations: OperationTable | None = None

    def holds(self, exchange: Exchange) -> bool:
        return self.operations is None or self.operations.matches(exchange.request.method, exchange.request.path)


class Waf(Control):
    """rules: the compiled rule set, shared by all APIs that use it. body_limit: bytes that are inspected.

    closer: the rules for arguments that the API's description does not name; None: the same as for others. believes:
    whether the rules look for nothing but attacks, so that they need not see a body that has been proved to hold none.
    secrecy: which values no finding shows.
    """

    name = "waf"
    rules: ClassVar = {"body-too-long": "body_limit"}

    def __init__(
        self,
        rules: RuleSet,
        *,
        title: str,
        body_limit: int,
        exclusions: Iterable[Exclusion] = (),
        closer: RuleSet | None = None,
        believes: bool = False,
        secrecy: Secrecy = Secrecy(),  # noqa: B008 - it never changes
    ) -> None:
        self._rules = rules
        self._title = title
        self._body_limit = body_limit
        self._closer = closer
        self._believes = believes
        self._secrecy = secrecy
        self._exclusions = tuple(exclusions)
        self._proofs: dict[vocabulary.Proofs, Proofs] = {}  # as many as there are operations

    def describe(self) -> str:
        excluded = f"; {len(self._exclusions)} exclusion(s)" if self._exclusions else ""
        return f"{self._title}{excluded}"

    def on_request_body(self, exchange: Exchange) -> Verdict:
        body = exchange.request_body
        if len(body) > self._body_limit:
            kind = (exchange.request.headers.get("content-type") or "").lower()
            if kind.startswith(_OPAQUE):
                body = body[: self._body_limit]
            elif not kind.startswith(_PARTS):
                return _too_long(exchange, self._body_limit)
        transaction = self._begin(exchange, self._rules, exchange.request)
        self._rules.judge_head(transaction)
        if transaction.decision == "allow":
            self._rules.judge_body(transaction, body, self._arguments(exchange))
        verdict = verdict_of(exchange, self._rules.end(transaction))
        if self._closer is None or exchange.unknown is None or isinstance(verdict, Stop):
            return verdict
        return self._look_closer(self._closer, exchange, verdict)

    def _arguments(self, exchange: Exchange) -> list[tuple[bytes, bytes]] | None:
        """What there is of a body whose language an earlier control has read, or has proved all of."""
        if exchange.texts is not None:
            return [(place.encode(), text.encode("utf-8", "surrogatepass")) for place, text in exchange.texts()]
        proofs = exchange.proofs
        return [] if proofs is not None and proofs.all_of_body and self._believes else None

    def _look_closer(self, rules: RuleSet, exchange: Exchange, verdict: Pass) -> Verdict:
        """Judge the arguments that nobody describes once more, in a request that has nothing else."""
        arguments = list(exchange.unknown()) if exchange.unknown is not None else []
        if not arguments:
            return verdict
        transaction = self._begin(exchange, rules, _request_of(exchange.request, arguments))
        rules.judge_head(transaction)
        if transaction.decision == "allow":
            rules.judge_body(transaction, b"")
        closer = verdict_of(exchange, rules.end(transaction))
        return replace(closer, findings=verdict.findings + closer.findings) if verdict.findings else closer

    def _known(self, told: vocabulary.Proofs | None) -> Proofs | None:
        """What has been proved, in the WAF's own names."""
        if told is None:
            return None
        proofs = self._proofs.get(told)
        if proofs is None:
            proofs = self._proofs[told] = Proofs(told.query, told.json)
        return proofs

    def _begin(self, exchange: Exchange, rules: RuleSet, request: Request) -> Transaction:
        proofs = self._known(exchange.proofs) if request is exchange.request else None
        transaction = rules.begin(request, client=exchange.client, proofs=proofs, secrecy=self._secrecy)
        exclude(self._exclusions, exchange, transaction)
        return transaction


def exclude(exclusions: Iterable[Exclusion], exchange: Exchange, transaction: Transaction) -> None:
    for exclusion in exclusions:
        if exclusion.holds(exchange):
            if exclusion.targets is None:
                transaction.removed_rules.extend(exclusion.selectors)
            else:
                transaction.removed_targets.extend((part, exclusion.targets) for part in exclusion.selectors)


def _request_of(request: Request, arguments: Iterable[tuple[str, str]]) -> Request:
    """A plain request with these arguments, named as the rules name those of JSON bodies."""
    named = [(_argument(name) if name.startswith("/") else name, text) for name, text in arguments]
    query = urlencode(named, errors="surrogatepass")
    return replace(request, method="GET", path="/", target="", query=query, headers=_PLAIN, has_body=False, body=b"")


def _argument(pointer: str) -> str:
    """>>> _argument("/items/0/note")
    'json.items.array_0.note'
    """
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer[1:].split("/")]
    return ".".join(["json", *(f"array_{key}" if key.isdecimal() else key for key in keys)])


class ResponseWaf(Waf):
    """The same for an API whose responses are inspected as well."""

    def on_response_body(self, exchange: Exchange) -> Verdict:
        response = exchange.response
        if response is None:
            return PASS
        transaction = self._begin(exchange, self._rules, exchange.request)
        transaction.reads_response = True
        self._rules.judge_head(transaction)
        self._rules.judge_response(transaction, response)
        if transaction.decision == "allow":
            self._rules.judge_response_body(transaction, exchange.response_body[: self._body_limit])
        return verdict_of(exchange, self._rules.end(transaction), status=502)


def verdict_of(exchange: Exchange, seen: Inspection, status: int = 0) -> Verdict:
    if seen.action == "allow":
        return Pass(findings=_findings(seen)) if seen.matches else PASS
    findings = _findings(seen) or (Finding(str(seen.decided_by), severity="high"),)
    if seen.action == "redirect" and seen.redirect:
        response = exchange.problem(seen.status, "The request was redirected.", ("location", seen.redirect))
        return Stop(response, findings, "redirect")
    refusal = status or (seen.status if 400 <= seen.status < 600 else _FORBIDDEN)
    detail = "The response was withheld." if status else "The request was refused."
    return Stop(exchange.problem(refusal, detail), findings)


def _findings(seen: Inspection) -> tuple[Finding, ...]:
    """The rule that decided comes last."""
    ordered = sorted(seen.matches, key=lambda match: match.rule == seen.decided_by)
    return tuple(_finding(match) for match in ordered)


def _finding(match: Match) -> Finding:
    return Finding(
        str(match.rule),
        redact(match.variable),
        redact(match.masked),
        _SEVERITIES.get(match.severity, "info"),
        message=redact(match.message[:_MOST_DETAIL]),
        tags=match.tags,
        offset=match.offset,
        detail=redact(match.logdata[:_MOST_DETAIL]),
    )


def _too_long(exchange: Exchange, limit: int) -> Stop:
    finding = Finding("body-too-long", where="body", severity="medium")
    return Stop(exchange.problem(413, f"A body of this kind may have {limit} bytes at most."), (finding,))
