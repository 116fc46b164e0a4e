"""What an operation answers: errors that are described, and nothing that must stay inside (API3, API8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stockade.openapi.posture.looking import WRITING, Found, Json, Operation, content_schemas, resolved
from stockade.openapi.posture.schema_walk import walk
from stockade.secret_names import names_kept_secret

_SENSITIVE = re.compile(
    r"(?:log[_-]?in|sign[_-]?in|sign[_-]?up|register|password|otp|verif|sms|token|checkout|coupon|redeem|gift|invite)",
    re.IGNORECASE,
)


def described(operation: Operation) -> Iterator[Found]:
    """Which answers are described at all."""
    codes = {code.upper() for code in operation.body.get("responses", {})}
    if not codes:
        yield operation.says("no-responses", "no response is described")
        return
    if not any(code.startswith("4") for code in codes) and "DEFAULT" not in codes:
        yield operation.says("no-error-response", "no error response is described", "responses")
    anywhere = {"4XX", "DEFAULT"} & codes
    if operation.security and not anywhere and "401" not in codes:
        yield operation.says("no-401", "it asks who is calling, and does not say what strangers are told", "responses")
    if "429" not in codes and not anywhere:
        if operation.method in WRITING and _SENSITIVE.search(operation.path):
            yield operation.says("sensitive-flow", "it is worth automating, and no limit is described", "responses")
        else:
            yield operation.says("no-429", "no limit is described", "responses")


def secrets(document: Json, operation: Operation, known: set[str]) -> Iterator[Found]:
    """Properties of responses that look like secrets. known: the components that were looked at before."""
    for code, written in operation.body.get("responses", {}).items():
        response, place = resolved(document, written, (*operation.place, "responses", code))
        for schema, where in content_schemas(response, place):
            for seen in walk(document, schema, where, "", known):
                hidden = isinstance(seen.schema, dict) and seen.schema.get("writeOnly") is True
                if names_kept_secret(seen.name) and not hidden:
                    yield Found("secret-in-response", seen.place, f"{seen.name[:60]!r} is sent out", operation.name)
