"""Who may call: authentication (API2) and what it is good for (API5), and objects that can be guessed (API1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stockade.openapi.posture.looking import WRITING, Found, Json, Operation

_ADMIN = re.compile(
    r"(?:^|[/_-])(?:admin|administration|internal|debug|actuator|management|root)(?:$|[/_-])", re.IGNORECASE
)
_IDENTIFIER = re.compile(r"(?:^|[_-])id$|[a-z]I[dD]$|^id[_-]|(?:^|[_-])(?:number|no|num)$", re.ASCII)
_SECRET = re.compile(
    r"(?:^token|pass(?:word|wd|phrase)|secret|api[_-]?key|access[_-]?token|auth[_-]?token|private[_-]?key)$",
    re.IGNORECASE,
)
_WEAK_FLOWS = ("implicit", "password")
_STRONG_HTTP = ("bearer", "basic", "dpop")  # basic has a rule of its own


def schemes(document: Json) -> Iterator[Found]:
    """What the security schemes themselves are worth."""
    declared = document.get("components", {}).get("securitySchemes", {})
    if not declared:
        yield Found("no-security-scheme", (), "no way to prove who is calling is declared")
    for name, scheme in declared.items():
        place = ("components", "securitySchemes", name)
        match scheme.get("type"), scheme.get("in"), str(scheme.get("scheme", "")).lower():
            case "apiKey", "query", _:
                yield Found("api-key-in-query", place, f"the key of {name!r} is sent in the URL")
            case "apiKey", "cookie", _:
                yield Found("api-key-in-cookie", place, f"the key of {name!r} is sent by browsers unasked")
            case "http", _, "basic":
                yield Found("basic-auth", place, f"{name!r} sends the password itself with each request")
            case "http", _, kind if kind not in _STRONG_HTTP:
                yield Found("weak-http-auth", place, f"{name!r} uses the HTTP scheme {kind[:30]}")
        for flow, details in scheme.get("flows", {}).items():
            yield from _flow(name, flow, details, (*place, "flows", flow))


def _flow(name: str, flow: str, details: Json, place: tuple[str, ...]) -> Iterator[Found]:
    if flow in _WEAK_FLOWS:
        yield Found("weak-oauth-flow", place, f"{name!r} offers the flow {flow}, which OAuth 2.1 drops")
    for key in ("authorizationUrl", "tokenUrl", "refreshUrl"):
        if str(details.get(key, "")).lower().startswith("http://"):
            yield Found("plain-http-oauth", (*place, key), f"{name!r} sends tokens unencrypted")


def calls(document: Json, operation: Operation) -> Iterator[Found]:
    """Whether an operation asks who is calling, and for what right."""
    security = operation.security
    if not security:
        rule = "write-without-auth" if operation.method in WRITING else "read-without-auth"
        yield operation.says(rule, "anyone may call it")
    elif {} in security:
        yield operation.says("optional-auth", "anyone may call it: one of the requirements is empty")
    else:
        yield from _scopes(document, operation, security)


def _scopes(document: Json, operation: Operation, security: list[Json]) -> Iterator[Found]:
    declared = document.get("components", {}).get("securitySchemes", {})
    scoped = [name for requirement in security for name, scopes in requirement.items() if scopes]
    if scoped:
        return
    if _ADMIN.search(operation.path):
        yield operation.says("admin-without-scopes", "it looks administrative, and any caller may use it")
    elif any(declared.get(name, {}).get("type") == "oauth2" for requirement in security for name in requirement):
        yield operation.says("no-scopes", "any token will do: no scope is required")


def parameters(operation: Operation) -> Iterator[Found]:
    """Identifiers that can be counted through, and secrets where they are logged."""
    for parameter, place in operation.parameters:
        name, where = parameter.get("name", ""), parameter.get("in")
        schema = parameter.get("schema", {})
        kind = schema.get("type") if isinstance(schema, dict) else None
        if where == "path" and kind == "integer" and (_IDENTIFIER.search(name) or name.lower() in ("id", "key")):
            text = f"{name!r} is a number: whoever has one object's can try the next"
            yield Found("sequential-id", place, text, operation.name)
        if where in ("query", "path") and _SECRET.search(name):
            yield Found("secret-in-url", place, f"{name!r} is sent in the URL", operation.name)
