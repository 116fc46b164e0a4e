"""`Spots`: where ids stand in the requests to which paths."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from msgspec import Struct

from stockade.access import Templates, readings
from stockade.ownership import Place

_MOST_QUICK = 6  # templates that are tried one by one
_SEGMENT = "[A-Za-z0-9_-]+"  # as in a path that has one reading, which is itself
_is_plain = re.compile(f"(?:/{_SEGMENT})+").fullmatch


class Spot(Struct, frozen=True):
    """An id's place in requests to a path. position: among the template's parameters, for a place in the path."""

    place: Place
    position: int = 0
    method: str = "*"  # of the operation that was stated


class Way(NamedTuple):
    """What a template says, in the order in which it is asked. names: of parameters of the query that hold ids: also
    those of the path, for some servers read both alike."""

    match: Callable[[str], re.Match[str] | None]
    spots: list[Spot]
    positions: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    def with_spot(self, spot: Spot) -> Way:
        source, name = spot.place.source, spot.place.name
        return Way(
            self.match,
            [*self.spots, spot],
            (*self.positions, spot.position) if source == "path" else self.positions,
            (*self.headers, name) if source == "header" else self.headers,
            self.names | {name.casefold()} if source in ("path", "query") else self.names,
        )


def _anything(path: str) -> None:  # noqa: ARG001 - a match that is never asked
    return None


class Spots:
    """Paths are matched in every reading and whatever the method: who may not read an object may not delete it."""

    def __init__(self) -> None:
        self._templates = Templates[Spot]()
        self._quick: dict[str, Way] | None = {}
        self._ways: list[Way] = []

    def insert(self, segments: list[str], spot: Spot) -> None:
        self._templates.insert("*", segments, spot)
        if self._quick is None:
            return
        pattern = _pattern(segments)
        if pattern is None or (pattern not in self._quick and len(self._quick) == _MOST_QUICK):
            self._quick, self._ways = None, []
            return
        way = self._quick.get(pattern) or Way(re.compile(pattern, re.ASCII | re.IGNORECASE).fullmatch, [])
        self._quick[pattern] = way.with_spot(spot)
        self._ways = list(self._quick.values())

    def ways(self, path: str) -> list[tuple[Way, tuple[str, ...]]]:
        """What is said of a path, with what stands for the template's parameters. Raises Ambiguous."""
        if self._quick is not None:
            found = [(way, match.groups()) for way in self._ways if (match := way[0](path)) is not None]
            if found or _is_plain(path):
                return found
        spelled = readings(path)
        said = [each for reading in spelled for each in self._templates.anywhere(reading)]
        return [(Way(_anything, []).with_spot(spot), captured) for spot, captured in said]

    def at(self, path: str) -> list[Spot]:
        """The spots of a path. Raises Ambiguous."""
        return [spot for way, _ in self.ways(path) for spot in way.spots]


def _pattern(segments: list[str]) -> str | None:
    """Of the plain paths that the template names; None for one that no such pattern can say."""
    parts = []
    for segment in filter(None, segments):
        if segment == "*":
            return None
        text = unquote(segment)
        if not text.isascii():
            return None
        parts.append(f"/({_SEGMENT})" if segment.startswith("{") else f"/{re.escape(text)}")
    return "".join(parts) or None
