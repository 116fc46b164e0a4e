"""The control of JSON bodies: held to the description, stripped of what it does not declare, fields by who is asking.

Findings: `undeclared-operation`, `undeclared-status`, `undeclared-media-type`, `response-…` for each fault, `stripped`,
`fields-withheld`, and `unreadable-response`, `encoded-response` (502) for what cannot be looked into.
"""

from __future__ import annotations

from typing import ClassVar

from stockade.controls.exposure.contract import Contract, judge_body, judge_head
from stockade.controls.exposure.fields import Fields, may_be_json, projected
from stockade.openapi.declared import Shape
from stockade.openapi.responses import Answer, Promises
from stockade.projections import Unprojectable
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Stop, Verdict
from stockade.wire import Response

_PLAIN = Pass(edits=Edits((("accept-encoding", "identity"),)))  # what is compressed could not be read
_NO_STORE = ("cache-control", "no-store")
_OF_THE_OLD_BODY = ("etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges", "last-modified")
_WITHHELD = Finding("fields-withheld", where="response:body", severity="info")
_STRIPPED = Finding("stripped", where="response:body", severity="medium")


class Bodies(Control):
    """promises: None where there is no description. stripping: plans that drop what is not declared, where asked."""

    name = "exposure"
    rules: ClassVar = {
        "fields-withheld": "fields",
        "stripped": "responses",
        "undeclared-operation": "responses",
        "undeclared-status": "responses",
        "undeclared-media-type": "responses",
    }

    def __init__(
        self, promises: Promises | None, contract: Contract, fields: Fields, stripping: Fields | None = None
    ) -> None:
        self._promises = promises
        self._contract: Contract = contract if promises is not None else "off"
        self._fields = fields
        self._stripping = stripping

    def describe(self) -> str:
        parts = []
        if self._contract != "off" and self._promises is not None:
            parts.append(f"responses of {len(self._promises.operations)} operation(s): {self._contract}")
        return "; ".join([*parts, *([f"{len(self._fields)} field rule(s)"] if len(self._fields) else [])])

    def on_request(self, exchange: Exchange) -> Verdict:  # noqa: ARG002
        return _PLAIN

    def on_response(self, exchange: Exchange) -> Verdict:
        response = exchange.response
        if response is None:
            return PASS
        verdict: Verdict = PASS
        if self._contract != "off" and self._promises is not None:
            request = exchange.request
            verdict = judge_head(exchange, response, self._promises.find(request.method, request.path), self._contract)
        if isinstance(verdict, Stop) or verdict.edits is not None or not self._depends_on_who_asks(response):
            return verdict
        return Pass(verdict.findings, edits=Edits((_NO_STORE,)))

    def _depends_on_who_asks(self, response: Response) -> bool:
        """Whether a shared cache could give one principal's response to another."""
        if not len(self._fields) or not may_be_json(response.headers.get("content-type")):
            return False
        stated = (response.headers.get("cache-control") or "").lower()
        return "no-store" not in stated and "private" not in stated

    def wants_response_body(self, exchange: Exchange) -> bool:
        response = exchange.response
        if response is None or response.status < 200 or response.status in (204, 304) or exchange.request.is_upgrade:
            return False
        content_type = response.headers.get("content-type")
        if len(self._fields) and may_be_json(content_type):
            return True
        return self._contract != "off" and self._shape(self._answer(exchange, response), response) is not None

    def on_response_body(self, exchange: Exchange) -> Verdict:
        response, body = exchange.response, exchange.response_body
        assert response is not None
        if (response.headers.get("content-encoding") or "identity").strip().lower() != "identity":
            return self._unread(exchange, "encoded-response")
        answer = self._answer(exchange, response)
        shape = self._shape(answer, response)
        content_type = response.headers.get("content-type")
        fields = self._fields
        verdict: Verdict = PASS
        if self._contract != "off" and answer is not None and shape is not None:
            faults = answer.check_body(content_type, body)
            if faults:
                fields = self._stripping if self._stripping is not None else fields
                verdict = judge_body(exchange, faults, self._contract)
        if isinstance(verdict, Stop):
            return verdict
        cut = fields.cut(shape, exchange.principal)
        if cut is None:
            return verdict
        try:
            made = projected(body, content_type, cut)
        except Unprojectable:
            return self._unread(exchange, "unreadable-response")
        if made is None:
            return verdict
        found = (_STRIPPED,) if fields is self._stripping else (_WITHHELD,)
        return Pass((*verdict.findings, *found), edits=Edits((), _OF_THE_OLD_BODY, body=made))

    def _answer(self, exchange: Exchange, response: Response) -> Answer | None:
        if self._promises is None:
            return None
        promised = self._promises.find(exchange.request.method, exchange.request.path)
        return promised.answer(response.status) if promised is not None else None

    def _shape(self, answer: Answer | None, response: Response) -> Shape | None:
        return answer.shape(response.headers.get("content-type")) if answer is not None else None

    def _unread(self, exchange: Exchange, rule: str) -> Verdict:
        """Nobody knows what it holds."""
        finding = Finding(rule, where="response:body")
        if self._contract == "monitor" and not len(self._fields):
            return Pass((finding,))
        return Stop(exchange.problem(502, "The answer of the service could not be checked."), (finding,))
