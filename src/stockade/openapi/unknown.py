"""Arguments of a valid request that its description does not name: what a server may read that nobody has thought of.

An object without `properties` and a schema without any demand describe all that may stand there; an object that lists
its members does not describe others, unless `additionalProperties` or `patternProperties` says what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from stockade.openapi.faults import escaped
from stockade.openapi.schemas.keywords import Reached

_BRANCHES = ("anyOf", "oneOf")
_CONDITIONS = ("if", "then", "else")
_REST = ("additionalProperties", "unevaluatedProperties", "patternProperties", "dependentSchemas")
_DEEPEST = 12
_MOST = 10_000  # schemas of one body


class Known(Struct, frozen=True):
    """What is described of a value. open: whatever stands there is. items: of a list."""

    open: bool = False
    members: dict[str, Known] = {}
    items: Known | None = None


ANYTHING = Known(open=True)


class Describer:
    """What the schemas of one document describe."""

    def __init__(self, document: Any) -> None:
        self._reached = Reached(document)
        self._left = 0

    def known(self, schemas: Iterable[Any]) -> Known:
        """Of a value that meets one of the schemas: what any of them describes."""
        self._left = _MOST
        return self._joined(list(schemas), 0)

    def _joined(self, schemas: list[Any], depth: int) -> Known:
        parts = [part for schema in schemas for part in self._parts(schema, depth)]
        if depth > _DEEPEST or self._left < 0:
            return ANYTHING
        members: dict[str, list[Any]] = {}
        items: list[Any] = []
        for part in parts:
            if any(isinstance(part.get(key), dict) and part[key] for key in _REST):
                return ANYTHING
            for name, schema in _object(part.get("properties")).items():
                members.setdefault(str(name), []).append(schema)
            items += [part["items"]] if "items" in part else []
            items += part["prefixItems"] if isinstance(part.get("prefixItems"), list) else []
        if not members and not items:
            return ANYTHING
        known = {name: self._joined(found, depth + 1) for name, found in members.items()}
        if not items and all(map(self._is_closed, schemas)) and all(one.open for one in known.values()):
            return ANYTHING  # what is not described is refused, so there is nothing to look for
        each = self._joined(items, depth + 1) if items else None
        if each is not None and each.open and not members and all(map(self._is_list, schemas)):
            return ANYTHING
        return Known(members=known, items=each)

    def _is_list(self, schema: Any) -> bool:
        return any(part.get("type") == "array" for part in self._reached.together(schema))

    def _is_closed(self, schema: Any) -> bool:
        parts = list(self._reached.together(schema))
        is_object = any(part.get("type") == "object" for part in parts)
        return is_object and any(part.get("additionalProperties") is False for part in parts)

    def _parts(self, schema: Any, depth: int) -> Iterator[dict[str, Any]]:
        """All schema objects that say something of the value itself, in whatever case."""
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            return
        for part in self._reached.together(schema):
            yield part
            others = [part[key] for key in _CONDITIONS if key in part]
            others += [one for key in _BRANCHES if isinstance(part.get(key), list) for one in part[key]]
            for other in others:
                yield from self._parts(other, depth + 1)


def undescribed(value: Any, known: Known, pointer: str = "") -> Iterator[tuple[str, str]]:
    """JSON pointer and text of every simple value that stands where nothing is described."""
    if known.open:
        return
    if isinstance(value, dict):
        for name, member in value.items():
            place = f"{pointer}/{escaped(name)}"
            inner = known.members.get(name)
            yield from _leaves(member, place) if inner is None else undescribed(member, inner, place)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            place = f"{pointer}/{index}"
            yield from _leaves(item, place) if known.items is None else undescribed(item, known.items, place)


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, f"{pointer}/{escaped(name)}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{pointer}/{index}")
    elif isinstance(value, dict | list):
        yield pointer, ""
    else:
        yield pointer, _text(value)


def _text(value: str | float | bool | None) -> str:
    """As the WAF writes it: null is the empty text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
