"""`Shape`: which kinds of value a schema admits, as far as one must know it to read text as such a value."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from stockade.openapi.schemas.keywords import Reached

SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})
ALL = SCALARS | {"array", "object"}
_DEEPEST = 2  # lists and objects within others have no written form anyway
_MOST = 64  # alternatives looked at


class Shape(Struct, frozen=True):
    """`items` and `members` tell the shapes within arrays and objects; `others` that of members without a name here.

    `others` is None where the schema refuses such members.
    """

    types: frozenset[str] = ALL
    items: Shape | None = None
    members: dict[str, Shape] = {}
    others: Shape | None = None

    @property
    def scalars(self) -> frozenset[str]:
        return self.types & SCALARS


TEXT = Shape(SCALARS)


def shape_of(reached: Reached, schema: Any, depth: int = 0) -> Shape:
    """The shape of a schema of `reached.document`."""
    if schema is False:
        return Shape(frozenset())
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return TEXT if depth > _DEEPEST else Shape(others=TEXT)
    parts = _Parts(reached, schema)
    items = next((part["items"] for part in parts.all if "items" in part), True)
    members = {
        name: shape_of(reached, value, depth + 1)
        for part in parts.all
        if isinstance(part.get("properties"), dict)
        for name, value in part["properties"].items()
    }
    others = next((part["additionalProperties"] for part in parts.all if "additionalProperties" in part), True)
    return Shape(
        parts.types,
        shape_of(reached, items, depth + 1) if "array" in parts.types else None,
        members if "object" in parts.types else {},
        shape_of(reached, others, depth + 1) if "object" in parts.types and others is not False else None,
    )


class _Parts:
    """A schema and its alternatives: all objects that may speak of the value, and the types that they leave."""

    def __init__(self, reached: Reached, schema: dict[str, Any]) -> None:
        self.all: list[dict[str, Any]] = []
        self._reached = reached
        self.types = self._collect(schema, 0)

    def _collect(self, schema: Any, depth: int) -> frozenset[str]:
        if schema is False:
            return frozenset()
        if depth > _DEEPEST or len(self.all) > _MOST:
            return ALL
        types = ALL
        for part in self._reached.together(schema):
            self.all.append(part)
            types &= own_types(part)
            for key in ("anyOf", "oneOf"):
                if isinstance(part.get(key), list):
                    branches = [self._collect(branch, depth + 1) for branch in part[key]]
                    types &= frozenset().union(*branches)
        return types


def own_types(part: dict[str, Any]) -> frozenset[str]:
    """The types that one schema object leaves by itself."""
    types = part.get("type")
    named = (
        {types} if isinstance(types, str) else {str(name) for name in types} if isinstance(types, list) else set(ALL)
    )
    if "number" in named:
        named.add("integer")
    values = [part["const"]] if "const" in part else part.get("enum")
    if isinstance(values, list):
        named &= {name for value in values for name in _types_of(value)}
    return frozenset(named)


def _types_of(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("boolean",)
    if isinstance(value, int | float):
        return ("integer", "number")
    if value is None:
        return ("null",)
    return ("string",) if isinstance(value, str) else ("array",) if isinstance(value, list) else ("object",)
