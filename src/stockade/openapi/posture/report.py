"""All rules over one description."""

from __future__ import annotations

from collections.abc import Iterator

from stockade.openapi.pointers import pointer
from stockade.openapi.posture import callers, requests, responses, servers
from stockade.openapi.posture.looking import Found, Json, Weakness, operations
from stockade.openapi.posture.rules import RULES
from stockade.openapi.reading import Description

_ORDER = {"high": 0, "medium": 1, "low": 2, "info": 3}


def posture(description: Description) -> tuple[Weakness, ...]:
    """What is weak, the worst first; a component that several operations share is told once, with the first of them."""
    made = [_weakness(description, found) for found in dict.fromkeys(_found(description.document))]
    return tuple(sorted(made, key=lambda part: (_ORDER[part.severity], part.id, part.file, part.line, part.pointer)))


def _weakness(description: Description, found: Found) -> Weakness:
    rule = RULES[found.rule]
    file, line = description.places.where(found.place)
    where = pointer(found.place)
    return Weakness(rule.id, rule.severity, rule.owasp, file, line, where, found.operation, found.text, rule.mend)


def _found(document: Json) -> Iterator[Found]:
    sent: set[str] = set()
    answered: set[str] = set()
    yield from servers.servers(document)
    yield from callers.schemes(document)
    for operation in operations(document):
        yield from callers.calls(document, operation)
        yield from callers.parameters(operation)
        yield from requests.media_types(document, operation)
        yield from requests.limits(document, operation, sent)
        yield from responses.described(operation)
        yield from responses.secrets(document, operation, answered)
        yield from servers.deprecated(operation)
