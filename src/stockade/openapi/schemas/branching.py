"""Alternatives that hold themselves again: the one thing that can make a value's validation grow exponentially.

Where two branches of an `anyOf` or `oneOf` both lead back to it, each level of a value may be judged twice as often as
the one around it. What such a value would cost is estimated before it is judged; what costs too much is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stockade.openapi.schemas.keywords import BASE

MOST = 200_000  # judgements of containers within one value: some tenths of a second
FEW = 1_000  # so few that all errors can be told
_COMPONENTS = f"{BASE}#/components/"
_ALTERNATIVES = ("anyOf", "oneOf")


class Branching:
    """Over the components of a document as they are enforced."""

    def __init__(self, components: dict[str, Any]) -> None:
        self._schemas = {
            f"{_COMPONENTS}{section}/{name}": schema
            for section in ("schemas", "x-closed")
            for name, schema in (components.get(section) or {}).items()
        }
        self._direct = {name: frozenset(_references(schema)) for name, schema in self._schemas.items()}
        self._factors: dict[str, int] = {}

    def factor(self, schema: Any) -> int:
        """How many times as often a level may be judged as the one around it; 1 where there is no such danger."""
        return max((self._own(name) for name in self._reach(frozenset(_references(schema)))), default=1)

    def _own(self, owner: str) -> int:
        """Of the alternatives that stand in one component."""
        if owner not in self._factors:
            counts = [
                sum(owner in self._reach(frozenset(_references(branch))) for branch in branches)
                for branches in _alternatives(self._schemas[owner])
            ]
            self._factors[owner] = max(counts, default=1)
        return max(self._factors[owner], 1)

    def _reach(self, start: frozenset[str]) -> set[str]:
        seen: set[str] = set()
        waiting = list(start)
        while waiting:
            name = waiting.pop()
            if name not in seen and name in self._direct:
                seen.add(name)
                waiting.extend(self._direct[name])
        return seen


def _walk(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _references(schema: Any) -> Iterator[str]:
    return (part["$ref"] for part in _walk(schema) if isinstance(part.get("$ref"), str))


def _alternatives(schema: Any) -> Iterator[list[Any]]:
    return (part[key] for part in _walk(schema) for key in _ALTERNATIVES if isinstance(part.get(key), list))


def cost(value: Any, factor: int) -> int:
    """How many judgements of containers the value may take at most; more than MOST is not counted further."""
    total, each, level = 0, 1, [value]
    while level and total <= MOST:
        level = [item for item in level if isinstance(item, dict | list)]
        total += each * len(level)
        each *= factor
        level = [item for part in level for item in (part.values() if isinstance(part, dict) else part)]
    return total
