"""What the client is told when its request breaks the contract: problem details (RFC 9457) that list every fault."""

from __future__ import annotations

from collections.abc import Iterable

from stockade.openapi.faults import Fault
from stockade.openapi.operations import Operation
from stockade.redaction import excerpt
from stockade.vocabulary import Exchange, Finding, Stop

_ACCEPTED = {"POST": "accept-post", "PATCH": "accept-patch"}  # W3C LDP 1.0, section 7.1; RFC 5789, section 3.1


def invalid(exchange: Exchange, faults: Iterable[Fault], status: int) -> Stop:
    """The request is not what its operation takes."""
    told = tuple(faults)
    errors = [
        {"in": fault.where, "pointer": fault.pointer, "rule": fault.rule, "detail": fault.message} for fault in told
    ]
    findings = tuple(Finding(fault.rule, where=_place(fault), severity="low", message=fault.message) for fault in told)
    detail = "The request does not fit what this operation takes."
    return Stop(exchange.problem(status, detail, errors=errors), findings)


def _place(fault: Fault) -> str:
    return excerpt(f"{fault.where}{fault.pointer}")


def unknown_path(exchange: Exchange) -> Stop:
    finding = Finding("unknown-path", where="path", severity="low")
    return Stop(exchange.problem(404, "There is nothing here."), (finding,))


def wrong_method(exchange: Exchange, allow: str) -> Stop:
    finding = Finding("wrong-method", where="method", evidence=excerpt(exchange.request.method), severity="low")
    return Stop(exchange.problem(405, "This method is not allowed here.", ("allow", allow)), (finding,))


def wrong_media_type(exchange: Exchange, rule: str, accepted: tuple[str, ...]) -> Stop:
    """rule: "media-type", "charset" or "content-encoding" (RFC 9110, section 15.5.16)."""
    request = exchange.request
    if rule == "content-encoding":
        finding = Finding(rule, where="header:content-encoding", severity="low")
        answer = exchange.problem(415, "The body must not be compressed.", ("accept-encoding", "identity"))
        return Stop(answer, (finding,))
    sent = excerpt(request.headers.get("content-type") or "none")
    finding = Finding(rule, where="header:content-type", evidence=sent, severity="low")
    field = _ACCEPTED.get(request.method, "accept")
    detail = "This media type is not accepted here."
    return Stop(exchange.problem(415, detail, (field, ", ".join(accepted))), (finding,))


def refused(exchange: Exchange, operation: Operation) -> Stop:
    """The principal lacks a scope. The scopes of the first requirement are told (RFC 6750, section 3.1)."""
    wanted = " ".join(sorted({scope for _, scopes in operation.security[0] for scope in scopes}))
    finding = Finding("insufficient-scope", where="principal", evidence=excerpt(wanted), severity="medium")
    challenge = f'Bearer error="insufficient_scope", scope="{_quotable(wanted)}"'
    detail = "Your credential does not allow this operation."
    return Stop(exchange.problem(403, detail, ("www-authenticate", challenge)), (finding,))


def _quotable(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isprintable() and char not in '"\\')
