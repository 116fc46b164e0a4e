"""A SOAP endpoint: which operations may be called there, and with what. See `stockade.payloads.soap`.

Refusals are SOAP faults, which clients of SOAP can read, or problem details where the policy prefers them.
"""

from __future__ import annotations

import re

from stockade.controls.schema.refusals import invalid, unknown_path, wrong_media_type, wrong_method
from stockade.graphql.paths import Place
from stockade.openapi.bodies.contents import of_payload
from stockade.payloads import BadPayload, Soap
from stockade.payloads.soap_fault import answer
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Exchange, Finding, Pass, Stop, Verdict
from stockade.wire import Headers, Request, Response

_ACCEPTED = ("text/xml", "application/soap+xml")
_MEDIA = frozenset({"media-type", "charset"})
_is_wsdl = re.compile(r"(?:wsdl|singlewsdl|xsd)(?:=[\w.-]*)?", re.IGNORECASE | re.ASCII).fullmatch
_REASON = "The request does not fit what this service takes."


class SoapEndpoint:
    """What the control of the contract does with the requests of one path.

    wsdl: whether clients may fetch the WSDL (GET ?wsdl). status: of problem details; None: SOAP faults.
    """

    def __init__(self, soap: Soap, path: str, *, wsdl: bool = False, status: int | None = None) -> None:
        self._soap = soap
        self._path = path
        self._wsdl = wsdl
        self._status = status
        self.owns = Place(path)
        """Whether a path is the endpoint's, as generously as routers are."""

    def describe(self) -> str:
        return f"SOAP at {self._path}: {len(self._soap.operations)} operation(s)"

    def on_request(self, exchange: Exchange) -> Verdict:
        """Servers may choose the operation by what follows the path, so nothing may."""
        request = exchange.request
        if request.path != self._path:
            return unknown_path(exchange)
        if self._fetches_wsdl(request):
            return PASS
        if request.method != "POST":
            return wrong_method(exchange, "GET, HEAD, POST" if self._wsdl else "POST")
        if (request.headers.get("content-encoding") or "identity").strip().lower() != "identity":
            return wrong_media_type(exchange, "content-encoding", _ACCEPTED)
        return PASS

    def on_request_body(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if request.method != "POST":
            return PASS
        try:
            call = self._soap.check(request.headers, exchange.request_body)
        except BadPayload as error:
            return self._refuse(exchange, error)
        return Pass(operation=f"soap {call.operation}")

    def _fetches_wsdl(self, request: Request) -> bool:
        return (
            self._wsdl
            and request.method in ("GET", "HEAD")
            and not request.has_body
            and _is_wsdl(request.query) is not None
        )

    def _refuse(self, exchange: Exchange, error: BadPayload) -> Stop:
        first = error.faults[0]
        if first.rule in _MEDIA and not first.pointer:
            return wrong_media_type(exchange, first.rule, _ACCEPTED)
        if self._status is not None:
            return invalid(exchange, of_payload(error), self._status)
        request = exchange.request
        said = answer(request.headers.get("content-type") or "", _REASON, request.id, error.faults)
        headers = Headers.of(
            (
                ("content-type", said.content_type),
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
            )
        )
        findings = tuple(
            Finding(fault.rule, where=excerpt(f"body{fault.pointer}"), severity="low", message=fault.message)
            for fault in error.faults
        )
        return Stop(Response(said.status, headers, said.body), findings)
