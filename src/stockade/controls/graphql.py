"""GraphQL: what a request would run, within bounds, against the schema, and for whom.

Findings: the rules of `stockade.graphql` (syntax, depth, complexity, validation, …), and `scope` (403) where a field
needs scopes that the caller lacks, `websocket` (403) where operations would come as messages that nobody reads here.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from stockade.graphql import Checked, Endpoint, Fault, Message, Part, Refused, most_calls
from stockade.graphql.paths import Place
from stockade.payloads import BadPayload, read_multipart
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Control, Exchange, Finding, Pass, Proofs, Severity, Stop, Verdict
from stockade.wire import Request

_SEVERITIES: dict[str, Severity] = {
    "repeats": "high",
    "circle": "high",
    "scope": "high",
    "unknown-document": "info",  # how clients of automatic persisted queries begin
    "introspection": "low",
    "validation": "low",
}
# Rules that are called as the key of the policy that made them.
_LIMITS = ("tokens", "depth", "fields", "aliases", "directives", "roots", "repeats", "complexity", "batch", "values")
_NAMED_ALIKE = (*_LIMITS, "introspection", "websocket")


_IN_QUERY = Proofs(query=("query", "variables", "extensions"))  # of a GET; what they hold are the texts


class GraphQL(Control):
    """place: which paths are the endpoint's. websocket: whether handshakes pass, whose messages are not seen here."""

    name = "graphql"
    rules: ClassVar = {
        "document-size": "size",
        "validation": "schema",
        "method": "get",
        "scope": "scopes",
        "not-persisted": "persisted",
        "unknown-document": "persisted",
        "upload": "multipart",
        **{name: name for name in _NAMED_ALIKE},
    }

    def __init__(self, endpoint: Endpoint, place: Place, *, title: str, websocket: bool = False) -> None:
        self._endpoint = endpoint
        self._place = place
        self._title = title
        self._websocket = websocket
        self._allow = ("allow", ", ".join((*endpoint.methods, "OPTIONS")))

    def describe(self) -> str:
        return self._title

    def on_request_body(self, exchange: Exchange) -> Verdict:
        """A request without a body is judged here too, as soon as its head is there."""
        request = exchange.request
        if request.method == "OPTIONS" or not self._place(request.path):
            return PASS
        try:
            if request.is_upgrade and self._handshake(request):
                return PASS
            checked = self._endpoint.check(_message(exchange))
        except Refused as error:
            return self._refuse(exchange, error)
        name = self._endpoint.name(checked)
        fault = _forbidden(exchange, checked)
        if fault is not None:
            return self._refuse(exchange, Refused((fault,), 403), name)
        if (request.headers.get("content-type") or "").lower().startswith("multipart/"):
            return Pass(operation=name, calls=most_calls(checked))  # there are files besides
        return Pass(operation=name, calls=most_calls(checked), proofs=_IN_QUERY, texts=partial(_texts, checked))

    def _handshake(self, request: Request) -> bool:
        """Whether it is one that may pass. A server that does not know WebSocket takes it for an ordinary GET."""
        if request.query:
            return False
        if self._websocket:
            return True
        raise Refused((Fault("websocket", "GraphQL over WebSocket is not taken here."),), 403)

    def _refuse(self, exchange: Exchange, error: Refused, operation: str | None = None) -> Stop:
        headers = (self._allow,) if error.status == 405 else ()
        errors = [fault.error() for fault in error.faults]
        response = exchange.problem(error.status, "The GraphQL request was refused.", *headers, errors=errors)
        return Stop(response, tuple(map(_finding, error.faults)), operation=operation)


def read_parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a multipart body, for endpoints that take files. Raises Refused."""
    try:
        parts = read_multipart(body, content_type)
    except BadPayload as error:
        faults = [Fault("upload", fault.message, pointer=fault.pointer) for fault in error.faults]
        raise Refused(faults) from None
    return [Part(part.name, part.filename is not None, part.content) for part in parts]


def _message(exchange: Exchange) -> Message:
    request = exchange.request
    return Message(
        request.method,
        request.headers.get("content-type") or "",
        request.headers.get("content-encoding") or "",
        request.query,
        exchange.request_body,
    )


def _texts(checked: tuple[Checked, ...]) -> list[tuple[str, str]]:
    return [(text.place, text.value) for each in checked for text in each.texts()]


def _forbidden(exchange: Exchange, checked: tuple[Checked, ...]) -> Fault | None:
    """What the caller may not ask for. Which fields need a scope is told; which scope is the operator's affair."""
    has = exchange.principal.scopes if exchange.principal is not None else frozenset()
    for each in checked:
        if not each.operation.scopes <= has:
            fields = ", ".join(each.operation.guarded)
            text = f"You lack a scope for one of these fields: {fields}."
            return Fault("scope", text[:256], pointer=each.pointer)
    return None


def _finding(fault: Fault) -> Finding:
    where = f"body:{fault.pointer}" if fault.pointer else f"document:{fault.line}:{fault.column}"
    return Finding(fault.rule, excerpt(where), severity=_SEVERITIES.get(fault.rule, "medium"), message=fault.message)
