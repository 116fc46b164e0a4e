"""Other sites' pages: which may read responses (CORS), and which may act with a visitor's cookies (CSRF).

Findings: `cors-refused` (403, a preflight request), `cross-site-request` (403).
"""

from __future__ import annotations

from typing import ClassVar

from stockade.browsers import Cors, CrossSite
from stockade.browsers.cors import HEADERS
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Shortcut, Stop, Verdict
from stockade.wire import Headers, Request, Response

_NO_CONTENT = 204


class Crossing(Control):
    """Preflight requests are answered here, before anybody is asked who they are: they never carry a credential."""

    name = "exposure"
    rules: ClassVar = {"cors-refused": "cors", "cross-site-request": "csrf"}

    def __init__(self, cors: Cors | None, cross_site: CrossSite | None = None) -> None:
        self._cors = cors
        self._cross_site = cross_site

    def describe(self) -> str:
        parts = ["CORS by the policy"] if self._cors is not None else []
        return "; ".join([*parts, *(["cross-site requests refused"] if self._cross_site is not None else [])])

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if self._cors is not None and Cors.is_preflight(request.method, request.headers):
            return _answer(exchange, self._cors)
        if self._cross_site is not None and (trouble := self._cross_site.trouble(request)):
            evidence = excerpt(request.headers.get(trouble) or "none")
            finding = Finding("cross-site-request", where=f"header:{trouble}", evidence=evidence, severity="high")
            return Stop(exchange.problem(403, "This request comes from another site."), (finding,))
        return PASS

    def on_response_shortcut(self, scheme: str, *, known: bool = False) -> Shortcut | None:  # noqa: ARG002
        if self._cors is None:
            return Shortcut(Edits(), bodies=True)
        if self._cors.is_constant:  # the same for every origin
            return Shortcut(Edits(self._cors.response(None), HEADERS), bodies=True)
        return None

    def on_response(self, exchange: Exchange) -> Verdict:
        cors, response = self._cors, exchange.response
        if cors is None or response is None:
            return PASS
        allow = cors.response(exchange.request.headers.get("origin"))
        if cors.is_constant:
            return Pass(edits=Edits(allow, HEADERS))
        vary = cors.vary(response.headers.get("vary"))
        return Pass(edits=Edits(allow if vary is None else (*allow, ("vary", vary)), HEADERS))

    def own_response_headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """So that a page may read why it was refused."""
        cors = self._cors
        if cors is None:
            return ()
        allow, vary = cors.response(request.headers.get("origin")), cors.vary(None)
        return allow if vary is None else (*allow, ("vary", vary))


def _answer(exchange: Exchange, cors: Cors) -> Stop:
    answer = cors.preflight(exchange.request.headers)
    if not answer.trouble:
        return Stop(Response(_NO_CONTENT, Headers.of(answer.headers)), (), action="allow")
    name = {"origin": "origin", "method": "access-control-request-method"}.get(answer.trouble)
    evidence = excerpt(exchange.request.headers.get(name or "access-control-request-headers") or "")
    finding = Finding("cors-refused", where=f"header:{name or 'access-control-request-headers'}", evidence=evidence)
    detail = f"Pages of other sites may not do this: the {answer.trouble} is not allowed."
    return Stop(exchange.problem(403, detail, *answer.headers), (finding,))
