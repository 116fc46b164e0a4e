"""The response against the description: what its head breaks, and what is sent instead of one that was not promised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from stockade.openapi.faults import Fault
from stockade.openapi.responses import Answer, Promised
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Edits, Exchange, Finding, Pass, Stop, Verdict
from stockade.wire import Headers, Response

Contract: TypeAlias = Literal["block", "monitor", "strip", "off"]
_BODILESS = frozenset({204, 205, 304})
_OF_REDIRECTS = ("location", "cache-control", "vary", "set-cookie", "expires")
_DETAIL = "The service answered with what this API does not promise."


def judge_head(exchange: Exchange, response: Response, promised: Promised | None, mode: Contract) -> Verdict:
    """Status, media type and header fields (OpenAPI 3.1, sections 4.8.16 and 4.8.17)."""
    if response.status < 200 or response.status == 304:
        return PASS
    if promised is None:
        return _instead(exchange, response, Finding("undeclared-operation", where="response"), mode)
    answer = promised.answer(response.status)
    if answer is None:
        told = Finding("undeclared-status", where="response:status", evidence=str(response.status), severity="low")
        return _instead(exchange, response, told, mode)
    if _has_body(exchange, response) and not _is_of_declared_type(answer, response):
        sent = excerpt(response.headers.get("content-type") or "none")
        return _instead(exchange, response, Finding("undeclared-media-type", "response:content-type", sent), mode)
    faults = answer.check_head(response.headers)
    if not faults:
        return PASS
    told_of = findings(faults)
    return Stop(exchange.problem(502, _DETAIL), told_of) if mode == "block" else Pass(told_of)


def judge_body(exchange: Exchange, faults: tuple[Fault, ...], mode: Contract) -> Verdict:
    told = findings(faults)
    return Stop(exchange.problem(502, _DETAIL), told) if mode == "block" and faults else Pass(told)


def findings(faults: Iterable[Fault]) -> tuple[Finding, ...]:
    """Told with the rule that broke, and where; never with a value."""
    return tuple(
        Finding(
            f"response-{fault.rule}", where=excerpt(f"response:{fault.where}{fault.pointer}"), message=fault.message
        )
        for fault in faults
    )


def _has_body(exchange: Exchange, response: Response) -> bool:
    if response.status in _BODILESS or exchange.request.method == "HEAD":
        return False
    return response.headers.get("content-length") != "0"


def _is_of_declared_type(answer: Answer, response: Response) -> bool:
    """A response for which no content is described has none to speak of."""
    content_type = response.headers.get("content-type")
    if content_type is None:
        return not answer.takes_body and response.headers.get("content-length") in (None, "0")
    return answer.accepts(content_type)


def _instead(exchange: Exchange, response: Response, finding: Finding, mode: Contract) -> Verdict:
    """An error stays one, a redirect leads where it led, both without their body; all else is refused."""
    if mode == "monitor":
        return Pass((finding,))
    if response.status >= 400:
        problem = exchange.problem(response.status, "The service refused this request.", *_kept(response, _OF_ERRORS))
        return Pass((finding,), edits=Edits(replace=problem))
    if 300 <= response.status < 400:
        bare = Response(response.status, Headers.of(_kept(response, _OF_REDIRECTS)))
        return Pass((finding,), edits=Edits(replace=bare))
    if not _has_body(exchange, response) and mode == "strip":
        return Pass((finding,))
    return Stop(exchange.problem(502, _DETAIL), (finding,))


_OF_ERRORS = ("allow", "retry-after", "www-authenticate")


def _kept(response: Response, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name in names for value in response.headers.all(name))
