"""What schemas declare of a value, for projections: names, members, what may come besides, and what must not leave.

Of alternatives (`anyOf`, `oneOf`, `then`, `else`) whatever one of them declares is declared. `patternProperties` admit
any further name: a pattern is the checker's work, not the projection's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from stockade.openapi.schemas.keywords import Reached, looked_up

_KINDS: Final = frozenset({"object", "array"})
_COMPONENTS = ("allOf", "anyOf", "oneOf")
_FURTHER = ("additionalProperties", "unevaluatedProperties")
_MOST = 1000  # schemas that hold for one value
_DEEPEST = 32


class Shapes:
    """The shapes of one document; equal ones are the same."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.reached = Reached(document)
        components = document.get("components")
        named = components.get("schemas") if isinstance(components, dict) else None
        self.names = {id(schema): name for name, schema in (named if isinstance(named, dict) else {}).items()}
        self._document = document
        self._made: dict[frozenset[int], Shape] = {}
        self.anything = Shape(self, [])

    def shape(self, schemas: Iterable[Any]) -> Shape:
        """Of a value for which these hold, one or the other."""
        parts = self._parts(schemas)
        if parts is None:
            return self.anything
        key = frozenset(map(id, parts))
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = Shape(self, parts)
        return made

    def _parts(self, schemas: Iterable[Any]) -> list[dict[str, Any]] | None:
        """Every schema object that may hold; None where one of them lets anything pass."""
        found: dict[int, dict[str, Any]] = {}
        waiting = list(schemas)
        while waiting:
            part = waiting.pop()
            if part is True or part == {} or len(found) > _MOST:
                return None
            if not isinstance(part, dict) or id(part) in found:
                continue
            found[id(part)] = part
            waiting += self.within(part)
        return list(found.values())

    def within(self, part: dict[str, Any]) -> Iterator[Any]:
        for key in _COMPONENTS:
            if isinstance(part.get(key), list):
                # `allOf: [{}, …]` lets nothing more pass than the others do.
                yield from (inner for inner in part[key] if key != "allOf" or (inner is not True and inner != {}))
        yield from (part[key] for key in ("then", "else") if isinstance(part.get(key), dict) and part[key])
        if isinstance(part.get("dependentSchemas"), dict):
            yield from (inner for inner in part["dependentSchemas"].values() if isinstance(inner, dict) and inner)
        if isinstance(part.get("$ref"), str):
            yield looked_up(self._document, part["$ref"])

    def kinds(self, schema: Any, depth: int = 0) -> frozenset[str]:
        """Which containers the value may be."""
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return _KINDS
        types = schema.get("type")
        stated = [types] if isinstance(types, str) else types
        kinds = _KINDS & frozenset(stated) if isinstance(stated, list) else _KINDS
        if isinstance(schema.get("$ref"), str):
            kinds &= self.kinds(looked_up(self._document, schema["$ref"]), depth + 1)
        for part in schema["allOf"] if isinstance(schema.get("allOf"), list) else ():
            kinds &= self.kinds(part, depth + 1)
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list) and schema[key]:
                kinds &= frozenset().union(*(self.kinds(part, depth + 1) for part in schema[key]))
        return kinds

    def is_write_only(self, schema: Any) -> bool:
        return any(part.get("writeOnly") is True for part in self.reached.together(schema))


class Shape:
    """See `projections.Declared`. Without parts it is anything."""

    def __init__(self, shapes: Shapes, parts: list[dict[str, Any]]) -> None:
        self._shapes = shapes
        self._parts = parts
        self.key = frozenset(map(id, parts))
        self.names = frozenset(shapes.names[id(part)] for part in parts if id(part) in shapes.names)

    @cached_property
    def is_described(self) -> bool:
        return bool(self._properties) or any("items" in part or "prefixItems" in part for part in self._parts)

    @cached_property
    def _kinds(self) -> frozenset[str]:
        inner = {id(part) for whole in self._parts for part in self._shapes.within(whole)}
        tops = [part for part in self._parts if id(part) not in inner] or self._parts
        return frozenset().union(*map(self._shapes.kinds, tops)) if tops else _KINDS

    @cached_property
    def _properties(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for part in self._parts:
            stated = part.get("properties")
            for name, schema in (stated if isinstance(stated, dict) else {}).items():
                found.setdefault(str(name), []).append(schema)
        return found

    @cached_property
    def hidden(self) -> frozenset[str]:
        return frozenset(
            name for name, schemas in self._properties.items() if any(map(self._shapes.is_write_only, schemas))
        )

    @cached_property
    def members(self) -> dict[str, Shape]:
        return {
            name: self._shapes.shape(schemas)
            for name, schemas in self._properties.items()
            if name not in self.hidden and any(schema is not False for schema in schemas)
        }

    @cached_property
    def others(self) -> Shape | None:
        further: list[Any] = [
            part[key] for part in self._parts for key in _FURTHER if part.get(key) not in (None, False)
        ]
        for part in self._parts:
            if isinstance(part.get("patternProperties"), dict):
                further += part["patternProperties"].values()
        if further:
            return self._shapes.shape(further)
        closed = any(part.get(key) is False for part in self._parts for key in _FURTHER)
        return None if self._properties or closed else self._shapes.anything

    @cached_property
    def items(self) -> Shape | None:
        if "array" not in self._kinds:
            return None
        stated: list[Any] = [part[key] for part in self._parts for key in ("items", "unevaluatedItems") if key in part]
        for part in self._parts:
            if isinstance(part.get("prefixItems"), list):
                stated += part["prefixItems"]
        stated = [schema for schema in stated if schema is not False]
        return self._shapes.shape(stated) if stated else self._shapes.anything

    @property
    def is_object(self) -> bool:
        return "object" in self._kinds
