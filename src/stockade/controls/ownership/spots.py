"""`Spots`: where ids stand in the requests to which paths."""

from __future__ import annotations

import re
from collections.abc import Callable
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


class Spots:
    """Paths are matched in every reading and whatever the method: who may not read an object may not delete it."""

    def __init__(self) -> None:
        self._templates = Templates[Spot]()
        self._quick: dict[str, tuple[Callable[[str], re.Match[str] | None], list[Spot]]] | None = {}
        self._ways: list[tuple[Callable[[str], re.Match[str] | None], list[Spot]]] = []

    def insert(self, segments: list[str], spot: Spot) -> None:
        self._templates.insert("*", segments, spot)
        if self._quick is None:
            return
        pattern = _pattern(segments)
        if pattern is None or (pattern not in self._quick and len(self._quick) == _MOST_QUICK):
            self._quick, self._ways = None, []
            return
        self._quick.setdefault(pattern, (re.compile(pattern, re.ASCII | re.IGNORECASE).fullmatch, []))[1].append(spot)
        self._ways = list(self._quick.values())

    def at(self, path: str) -> list[tuple[Spot, tuple[str, ...]]]:
        """The spots of a path, with what stands for the template's parameters. Raises Ambiguous."""
        if self._quick is not None:
            found = []
            for match, spots in self._ways:
                matched = match(path)
                if matched is not None:
                    captured = matched.groups()
                    found += [(spot, captured) for spot in spots]
            if found or _is_plain(path):
                return found
        spelled = readings(path)
        if len(spelled) == 1:
            return self._templates.anywhere(spelled[0])
        return [each for reading in spelled for each in self._templates.anywhere(reading)]


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
