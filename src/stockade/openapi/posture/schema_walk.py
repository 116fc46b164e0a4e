"""All schemas that describe one value and what is in it; components that were seen before are not seen again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.openapi.document import component
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "then", "else")
_WITHIN = ("prefixItems", "items", "additionalProperties", "unevaluatedProperties", "contains")
_MAPS = ("properties", "patternProperties")


class Seen(Struct, frozen=True):
    """One schema. name: of the property that it describes, or "". closed: a schema around it closes the object."""

    schema: Any
    place: Tokens
    name: str = ""
    closed: bool = False


def walk(document: Json, schema: Any, place: Tokens, name: str, known: set[str]) -> Iterator[Seen]:
    """known: the components seen so far; it grows."""
    waiting = [Seen(schema, place, name)]
    while waiting:
        seen = waiting.pop()
        here = seen.schema
        if not isinstance(here, dict):
            yield seen
            continue
        reference = here.get("$ref")
        if isinstance(reference, str) and reference not in known:
            known.add(reference)
            target = component(document, reference)
            waiting.append(Seen(target, tuple(reference.split("/")[1:]), seen.name, seen.closed))
        if not isinstance(reference, str) or len(here) > 1:
            yield seen
        waiting += _inner(seen)


def _inner(seen: Seen) -> Iterator[Seen]:
    here, place = seen.schema, seen.place
    closed = seen.closed or here.get("unevaluatedProperties") is False
    for key in _SAME_VALUE:
        for part, where in _parts(here.get(key), (*place, key)):
            yield Seen(part, where, seen.name, closed)
    for key in _WITHIN:
        for part, where in _parts(here.get(key), (*place, key)):
            yield Seen(part, where, seen.name)
    for key in _MAPS:
        for name, part in here.get(key, {}).items():
            yield Seen(part, (*place, key, name), name)


def _parts(value: Any, place: Tokens) -> Iterator[tuple[Any, Tokens]]:
    """The schemas of a keyword that has one or a list of them; `additionalProperties: true` is judged where it is."""
    if isinstance(value, list):
        yield from ((part, (*place, str(index))) for index, part in enumerate(value))
    elif isinstance(value, dict):
        yield value, place
