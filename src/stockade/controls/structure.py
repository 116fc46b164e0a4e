"""Structure: what no body may be, where nobody describes the API.

Findings: one for each fault, named by its rule ("depth", "duplicate-name", "document-type", …), answered with 400.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stockade.payloads import BadPayload, Limits, check_structure, structure_of
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Control, Exchange, Finding, Stop, Verdict

_PLAIN = ("", "identity")


class Structure(Control):
    """JSON, forms, multipart and XML within limits, and none that two readers could take for different things.

    files: whether the files of multipart bodies are looked into. elsewhere: paths whose bodies another control reads as
    strictly (GraphQL), and refuses in their own language.

    Bodies of other types, and those that are compressed, pass as they come: nobody waits for their end.
    """

    name = "schema"
    rules: ClassVar = {}
    bodies_alone = True

    def __init__(
        self, limits: Limits, *, files: bool = True, elsewhere: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._limits = limits
        self._files = files
        self._elsewhere = elsewhere

    def describe(self) -> str:
        return "limits of structure for bodies"

    def wants_request_body(self, exchange: Exchange) -> bool:
        headers = exchange.request.headers
        encoding = headers.get("content-encoding")
        if encoding is not None and encoding.strip().lower() not in _PLAIN:
            return False
        return structure_of(headers.get("content-type") or "") != "" and not self._elsewhere(exchange.request.path)

    def on_request_body(self, exchange: Exchange) -> Verdict:
        body = exchange.request_body
        if not body or not self.wants_request_body(exchange):
            return PASS
        try:
            content_type = exchange.request.headers.get("content-type") or ""
            check_structure(body, content_type, self._limits, files=self._files)
        except BadPayload as error:
            return _refusal(exchange, error)
        return PASS


def _refusal(exchange: Exchange, error: BadPayload) -> Stop:
    errors = [
        {"in": "body", "pointer": fault.pointer, "rule": fault.rule, "detail": fault.message} for fault in error.faults
    ]
    findings = tuple(
        Finding(fault.rule, where=excerpt(f"body{fault.pointer}"), severity="low", message=fault.message)
        for fault in error.faults
    )
    return Stop(exchange.problem(400, "The body cannot be read in one way alone.", errors=errors), findings)
