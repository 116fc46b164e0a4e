"""The control: find the operation, check the head, then the body.

Findings: `unknown-path` (404), `wrong-method` (405), `media-type` and `content-encoding` (415), `insufficient-scope`
(403), and one for each fault, named by its rule ("type", "required", "unknown-parameter", …), answered with 400 or 422.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, TypeAlias

from stockade.controls.schema.documents import Documents
from stockade.controls.schema.learned import Lessons
from stockade.controls.schema.refusals import invalid, refused, unknown_path, wrong_media_type, wrong_method
from stockade.controls.schema.soap import SoapEndpoint
from stockade.openapi.bodies.compiling import Body
from stockade.openapi.bodies.contents import Structure, of_payload
from stockade.openapi.contract import Contract, Match, Outcome, WrongMethod
from stockade.openapi.faults import Fault
from stockade.payloads import BadPayload, Limits
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Verdict
from stockade.wire import Request

Undocumented: TypeAlias = Literal["block", "monitor", "allow"]
_PREFLIGHT = frozenset({"origin", "access-control-request-method"})


class Schema(Control):
    """contract: None where there is neither description nor schema: then bodies have limits of structure alone.

    status: of a request that breaks its contract, 400 or 422. scopes: refuse a principal who lacks those that the
    operation's security requirements name. preflight: let the preflight requests of CORS pass on paths that are known.
    elsewhere: which paths another control describes (GraphQL): they pass where the contract does not know them.
    soap: the endpoint that has one path, and all under it, to itself. documents: XML Schemas of operations.
    """

    name = "schema"
    rules: ClassVar = {
        "unknown-path": "undocumented",
        "wrong-method": "undocumented",
        "unknown-parameter": "strict",
        "unknown-property": "strict",
        "unknown-body": "strict",
    }

    def __init__(
        self,
        contract: Contract | None,
        *,
        limits: Limits,
        status: int = 400,
        undocumented: Undocumented = "block",
        strict: bool = False,
        scopes: bool = False,
        preflight: bool = False,
        elsewhere: Callable[[str], bool] = lambda _: False,
        soap: SoapEndpoint | None = None,
        documents: Documents | None = None,
    ) -> None:
        self._contract = contract
        self._structure = Structure(limits)
        self._status = status
        self._undocumented = undocumented
        self._strict = strict
        self._scopes = scopes
        self._preflight = preflight
        self._elsewhere = elsewhere
        self._soap = soap
        self._documents = documents
        self._lessons = Lessons(contract.operations if contract is not None else (), limits)

    def describe(self) -> str:
        soap = f"{self._soap.describe()}; " if self._soap is not None else ""
        return soap + self._describe_contract()

    def _describe_contract(self) -> str:
        if self._contract is None:
            return "limits of structure for bodies"
        parts = [f"{len(self._contract.operations)} operation(s), {'strict' if self._strict else 'not strict'}"]
        parts.append(f"others: {self._undocumented}")
        if self._scopes:
            scoped = sum(
                any(scopes for one in item.security for _, scopes in one) for item in self._contract.operations
            )
            parts += [f"scopes of {scoped} operation(s)"] if scoped else []
        if self._contract.partial:
            parts.append(f"{len(self._contract.partial)} demand(s) not enforced")
        return "; ".join(parts)

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if self._soap is not None and self._soap.owns(request.path):
            return self._soap.on_request(exchange)
        if self._contract is None:
            return PASS
        found = self._contract.match(request.method, request.path)
        if type(found) is not Match:
            return self._not_described(exchange, found)
        principal = exchange.principal
        if self._scopes and principal is not None and not found.operation.permits(principal.scopes):
            return refused(exchange, found.operation)
        body = found.operation.body
        wrong = _wrong_type(request, body) if request.has_body and body is not None and not request.is_upgrade else ""
        if wrong and body is not None:
            return wrong_media_type(exchange, wrong, body.accepted)
        faults = found.check_head(request.query, request.headers)
        return invalid(exchange, faults, self._status) if faults else self._lessons.of_head(found.operation)

    def on_request_body(self, exchange: Exchange) -> Verdict:
        request, body = exchange.request, exchange.request_body
        if self._soap is not None and self._soap.owns(request.path):
            return self._soap.on_request_body(exchange)
        found = self._contract.match(request.method, request.path) if self._contract is not None else None
        operation = found.operation if type(found) is Match else None
        if operation is not None and (operation.body is not None or operation.strict):
            content_type = request.headers.get("content-type")
            if body and operation.body is not None and content_type is None:
                return wrong_media_type(exchange, "media-type", operation.body.accepted)
            faults = operation.check_body(content_type, body) if not request.is_upgrade else ()
            if self._documents is not None and body and not faults:
                faults = self._documents.faults(operation.name, content_type, body)
        else:
            faults = self._structure_faults(request, body) if body else ()
        if faults:
            return invalid(exchange, faults, self._status)
        return self._lessons.of_body(operation, exchange) if operation is not None else PASS

    def _structure_faults(self, request: Request, body: bytes) -> tuple[Fault, ...]:
        """What no body may be, whoever describes it. One that is compressed is left to others."""
        if (request.headers.get("content-encoding") or "identity").strip().lower() != "identity":
            return ()
        try:
            return self._structure.faults(body, request.headers.get("content-type") or "")
        except BadPayload as error:
            return of_payload(error)

    def _not_described(self, exchange: Exchange, found: Outcome) -> Verdict:
        request = exchange.request
        if self._elsewhere(request.path):
            return PASS
        wrong = type(found) is WrongMethod
        if wrong and self._preflight and request.method == "OPTIONS" and request.headers.names() >= _PREFLIGHT:
            return PASS
        if self._undocumented == "block":
            return wrong_method(exchange, found.allow) if isinstance(found, WrongMethod) else unknown_path(exchange)
        if self._undocumented == "monitor":
            rule = "wrong-method" if wrong else "unknown-path"
            return Pass((Finding(rule, where="method" if wrong else "path", severity="low"),))
        return PASS


def _wrong_type(request: Request, body: Body) -> str:
    """The rule that what the body says of itself breaks; "" for none."""
    headers = request.headers
    if (headers.get("content-encoding") or "identity").strip().lower() != "identity":
        return "content-encoding"
    if "content-type" in headers and request.content_length != 0 and not body.accepts(headers.get("content-type")):
        return "media-type"
    return ""


class DeprecatingSchema(Schema):
    """The same where operations are deprecated: their responses say so (RFC 9745, RFC 8594)."""

    def on_response(self, exchange: Exchange) -> Verdict:
        request, response = exchange.request, exchange.response
        if self._contract is None or response is None:
            return PASS
        found = self._contract.match(request.method, request.path)
        if type(found) is not Match or not found.operation.lifetime:
            return PASS
        present = response.headers.names()
        return Pass(edits=Edits(tuple(pair for pair in found.operation.lifetime if pair[0] not in present)))
