"""`Templates`: what is said of which operations, found by method and reading of a path.

The most specific statement decides: a static segment before a parameter, both before a `*` at the end, and a named
method before `*`. Statements on the same operation stand beside one another.
"""

from __future__ import annotations

from typing import Generic, TypeVar
from urllib.parse import unquote

from stockade.access.readings import Reading, folded

T = TypeVar("T")
_MOST_SEGMENTS = 32


class Templates(Generic[T]):
    """
    >>> templates = Templates[str]()
    >>> templates.insert("GET", ["orders", "{id}"], "one")
    >>> templates.find("GET", ("Orders", "7"))
    (['one'], ('7',))
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self.count = 0

    def insert(self, method: str, segments: list[str], said: T) -> None:
        """segments: of the template; `{name}` for any one, `*` as the last for all that follow. An empty one at the
        end is none."""
        node = self._root
        self.count += 1
        for segment in segments:
            if segment == "*":
                node.rest.setdefault(method, []).append(said)
                return
            if segment.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            elif segment:
                node = node.static.setdefault(folded(unquote(segment)), _Node())
        node.here.setdefault(method, []).append(said)

    def find(self, method: str, reading: Reading) -> tuple[list[T], tuple[str, ...]] | None:
        """What is said, and the segments that stand for the parameters; None where nothing is said."""
        return self._root.find(method, reading, 0, ())

    def anywhere(self, reading: Reading) -> list[tuple[T, tuple[str, ...]]]:
        """All that is said of the path, whatever the method."""
        found: list[tuple[T, tuple[str, ...]]] = []
        self._root.collect(reading, 0, (), found)
        return found


class _Node(Generic[T]):
    __slots__ = ("here", "rest", "static", "variable")

    def __init__(self) -> None:
        self.static: dict[str, _Node[T]] = {}
        self.variable: _Node[T] | None = None
        self.here: dict[str, list[T]] = {}  # by method
        self.rest: dict[str, list[T]] = {}

    def find(
        self, method: str, reading: Reading, start: int, captured: tuple[str, ...]
    ) -> tuple[list[T], tuple[str, ...]] | None:
        said = None
        if start == len(reading):
            said = self.here.get(method) or self.here.get("*")
        elif start <= _MOST_SEGMENTS:
            segment = reading[start]
            static = (self.static.get(segment) or self.static.get(folded(segment))) if self.static else None
            if static is not None and (found := static.find(method, reading, start + 1, captured)) is not None:
                return found
            if self.variable is not None:
                found = self.variable.find(method, reading, start + 1, (*captured, segment))
                if found is not None:
                    return found
        said = said or self.rest.get(method) or self.rest.get("*")
        return (said, captured) if said else None

    def collect(
        self, reading: Reading, start: int, captured: tuple[str, ...], found: list[tuple[T, tuple[str, ...]]]
    ) -> None:
        if start == len(reading):
            found += [(said, captured) for saids in self.here.values() for said in saids]
        elif start <= _MOST_SEGMENTS:
            static = self.static.get(folded(reading[start]))
            if static is not None:
                static.collect(reading, start + 1, captured, found)
            if self.variable is not None:
                self.variable.collect(reading, start + 1, (*captured, reading[start]), found)
        if self.rest:
            found += [(said, captured) for saids in self.rest.values() for said in saids]
