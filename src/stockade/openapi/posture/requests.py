"""What a request may hold: how much (API4), which properties (API3), and what leads elsewhere (API7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stockade.openapi.posture.looking import Found, Json, Operation, content_schemas, resolved
from stockade.openapi.posture.schema_walk import Seen, walk

_BOUNDED_FORMATS = frozenset(
    {"date", "date-time", "time", "duration", "uuid", "ipv4", "ipv6", "email", "idn-email", "hostname", "idn-hostname"}
)
_BOUNDED_NUMBERS = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"})
_WITHOUT_END = re.compile(r"(?<!\\)(?:[*+]|\{[0-9]+,\})")
_PAGE = re.compile(
    r"^(?:limit|count|per[_-]?page|page[_-]?size|size|top|first|last|max[_-]?results|take|rows)$", re.IGNORECASE
)
_URL = re.compile(r"(?:^|[_-])(?:url|uri|webhook|callback|endpoint)$|(?:Url|URL|Uri|URI|Webhook|Callback)$")
_SAYS_MORE = ("$ref", "allOf", "anyOf", "oneOf", "enum", "const", "not", "if")


def limits(document: Json, operation: Operation, known: set[str]) -> Iterator[Found]:
    """Look at all that a client may send. known: the components that were looked at before."""
    for schema, place, name, is_query in _sent(document, operation):
        for seen in walk(document, schema, place, name, known):
            for rule, text in _judge(seen, is_query):
                yield Found(rule, seen.place, text, operation.name)


def media_types(document: Json, operation: Operation) -> Iterator[Found]:
    body, place = resolved(document, operation.body.get("requestBody", {}), (*operation.place, "requestBody"))
    if any(kind.partition(";")[0].strip() == "*/*" for kind in body.get("content", {})):
        yield Found("any-media-type", place, "a body of any kind is taken", operation.name)


def _sent(document: Json, operation: Operation) -> Iterator[tuple[Any, tuple[str, ...], str, bool]]:
    """The schema of each parameter and of the body, with its place and name, and whether it is in the query."""
    for parameter, place in operation.parameters:
        name = parameter.get("name", "")
        if "schema" in parameter:
            yield parameter["schema"], (*place, "schema"), name, parameter.get("in") == "query"
        for schema, where in content_schemas(parameter, place):
            yield schema, where, name, False
    body, place = resolved(document, operation.body.get("requestBody", {}), (*operation.place, "requestBody"))
    for schema, where in content_schemas(body, place):
        yield schema, where, "", False


def _judge(seen: Seen, is_query: bool) -> Iterator[tuple[str, str]]:
    schema, what = seen.schema, repr(seen.name[:60]) if seen.name else "the value"
    if schema is True or schema == {}:
        yield "untyped-value", f"{what} may be anything"
        return
    if schema is False or schema.get("readOnly") is True or "enum" in schema or "const" in schema:
        return
    kinds = _kinds(schema)
    if not kinds and not any(key in schema for key in _SAYS_MORE):
        yield "untyped-value", f"{what} has no type"
    if "string" in kinds:
        yield from _string(schema, seen.name, what)
    if "array" in kinds and "maxItems" not in schema:
        yield "unbounded-array", f"{what} may have any number of items"
    if kinds & {"integer", "number"} and not _bounded_number(schema):
        paged = is_query and _PAGE.search(seen.name) and not {"maximum", "exclusiveMaximum"} & schema.keys()
        rule, text = ("unbounded-page", "may ask for all") if paged else ("unbounded-number", "may have any size")
        yield rule, f"{what} {text}"
    if "object" in kinds:
        yield from _object(schema, seen, what)


def _kinds(schema: Json) -> set[str]:
    """The types it admits, stated or meant."""
    stated = schema.get("type")
    if stated is not None:
        return {stated} if isinstance(stated, str) else set(stated)
    if "properties" in schema or "additionalProperties" in schema or "patternProperties" in schema:
        return {"object"}
    return {"array"} if "items" in schema or "prefixItems" in schema else set()


def _string(schema: Json, name: str, what: str) -> Iterator[tuple[str, str]]:
    pattern = schema.get("pattern", "")
    bounded = pattern.startswith("^") and pattern.endswith("$") and not _WITHOUT_END.search(pattern)
    if "maxLength" not in schema and schema.get("format") not in _BOUNDED_FORMATS and not bounded:
        yield "unbounded-string", f"{what} may be of any length"
    if "pattern" not in schema and (schema.get("format") in ("uri", "url") or _URL.search(name)):
        yield "url-from-client", f"{what} may lead anywhere, into your own network as well"


def _bounded_number(schema: Json) -> bool:
    below = {"minimum", "exclusiveMinimum"} & schema.keys()
    above = {"maximum", "exclusiveMaximum"} & schema.keys()
    return bool(below and above) or (schema.get("format") in _BOUNDED_NUMBERS and not above and not below)


def _object(schema: Json, seen: Seen, what: str) -> Iterator[tuple[str, str]]:
    additional = schema.get("additionalProperties", schema.get("unevaluatedProperties", True))
    if additional is False or seen.closed:
        return
    if isinstance(additional, dict) and additional:
        if "maxProperties" not in schema:
            yield "unbounded-map", f"{what} may have any number of properties"
    else:
        yield "open-object", f"{what} may have properties that are not described (mass assignment)"
