"""From method and path to what a description says of them, at a cost that does not grow with their number.

Static segments win over templated ones, and those with more literal text over those with less (OpenAPI 3.1, section
4.8.8.2). A template may stand within a segment: `/reports/{id}.json`, `/{latitude},{longitude}`. Where the most
concrete path lacks the method, the next that has it is taken: frameworks do so too.
"""

from __future__ import annotations

import re
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote

from msgspec import Struct

T = TypeVar("T")
_pieces = re.compile(r"\{([^{}]*)\}").split
_SAFE = "!$&'()*+,;=:@-._~%"  # what stands in a segment as it is (RFC 3986, section 3.3), and escapes as written


class BadTemplate(ValueError):
    """A path that cannot be a template; the message says why."""


class Found(NamedTuple, Generic[T]):
    """What was stored, and what the template's parameters hold, in their order, as sent (percent-encoded)."""

    value: T
    captured: tuple[str, ...]


class PathTable(Generic[T]):
    """>>> table = PathTable()
    >>> names = table.add("GET", "/reports/{id}.json", 1)
    >>> table.find("GET", "/reports/7.json"), table.methods("/reports/7.json")
    (Found(value=1, captured=('7',)), {'GET'})
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, template: str, value: T) -> tuple[str, ...]:
        """Store under method and template; the names of its parameters, in order. Raises BadTemplate."""
        if not template.startswith("/"):
            raise BadTemplate("a path begins with /")
        segments = [_segment(text) for text in template[1:].split("/")]
        names = tuple(name for segment in segments for name in segment.names)
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise BadTemplate(f"the parameter {{{twice.pop()}}} stands in the path twice")
        node = self._root
        for segment in segments:
            node = node.child(segment)
        if method in node.methods:
            raise BadTemplate(f"{method} of this path is described twice, under other names for its parameters")
        node.methods[method] = value
        return names

    def find(self, method: str, path: str) -> Found[T] | None:
        """The value that fits best; None when none fits. `path` is normal (`stockade.wire.parse_target`)."""
        return self._root.find(method, path[1:].split("/"), 0, ())

    def methods(self, path: str) -> set[str]:
        """The methods of all templates that fit; empty when the path is unknown."""
        found: set[str] = set()
        self._root.collect(path[1:].split("/"), 0, found)
        return found


class _Segment(Struct, frozen=True):
    """`literals` stand around and between the parameters: one more than there are names."""

    literals: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return self.literals == ("", "")


def _segment(text: str) -> _Segment:
    pieces = _pieces(text)
    literals, names = pieces[::2], pieces[1::2]
    if any("{" in literal or "}" in literal for literal in literals) or not all(names):
        raise BadTemplate(f"{text!r} has a brace without its partner, or nothing between braces")
    if not all(literals[1:-1]):
        raise BadTemplate(f"in {text!r} two parameters touch: nothing says where one ends")
    return _Segment(tuple(quote(literal, safe=_SAFE) for literal in literals), tuple(names))


class _Node(Generic[T]):
    """A tree by segment. `partial` groups templates within a segment by the literals at its ends."""

    __slots__ = ("methods", "partial", "partial_sizes", "static", "whole")

    def __init__(self) -> None:
        self.static: dict[str, _Node[T]] = {}
        self.whole: _Node[T] | None = None
        self.partial: dict[tuple[str, str], list[tuple[_Segment, _Node[T]]]] = {}
        self.partial_sizes: list[tuple[int, int]] = []  # lengths of those literals, most literal text first
        self.methods: dict[str, T] = {}

    def child(self, segment: _Segment) -> _Node[T]:
        if not segment.names:
            return self.static.setdefault(unquote(segment.literals[0]), _Node())
        if segment.is_whole:
            self.whole = self.whole or _Node()
            return self.whole
        first, last = segment.literals[0], segment.literals[-1]
        group = self.partial.setdefault((first, last), [])
        for known, node in group:
            if known.literals == segment.literals:
                return node
        node = _Node()
        group.append((segment, node))
        group.sort(key=lambda entry: -sum(map(len, entry[0].literals)))
        self.partial_sizes = sorted(
            {(len(one), len(other)) for one, other in self.partial}, key=lambda sizes: (-sum(sizes), sizes)
        )
        return node

    def branches(self, text: str) -> list[tuple[_Node[T], tuple[str, ...]]]:
        """The templated children that a segment fits, the most concrete first, and what they capture."""
        found: list[tuple[_Node[T], tuple[str, ...]]] = []
        for before, after in self.partial_sizes:
            group = self.partial.get((text[:before], text[len(text) - after :]))
            for segment, node in group or ():
                captured = _captured(segment.literals, text)
                if captured is not None:
                    found.append((node, captured))
        if self.whole is not None and text:
            found.append((self.whole, (text,)))
        return found

    def find(self, method: str, segments: list[str], at: int, captured: tuple[str, ...]) -> Found[T] | None:
        if at == len(segments):
            value = self.methods.get(method)
            return None if value is None else Found(value, captured)
        text = segments[at]
        static = self.static.get(unquote(text) if "%" in text else text)
        if static is not None:
            found = static.find(method, segments, at + 1, captured)
            if found is not None:
                return found
        if not self.partial:
            return self.whole.find(method, segments, at + 1, (*captured, text)) if self.whole and text else None
        for node, more in self.branches(text):
            found = node.find(method, segments, at + 1, captured + more)
            if found is not None:
                return found
        return None

    def collect(self, segments: list[str], at: int, found: set[str]) -> None:
        if at == len(segments):
            found.update(self.methods)
            return
        text = segments[at]
        static = self.static.get(unquote(text) if "%" in text else text)
        for node in ([static] if static is not None else []) + [node for node, _ in self.branches(text)]:
            node.collect(segments, at + 1, found)


def _captured(literals: tuple[str, ...], text: str) -> tuple[str, ...] | None:
    """What stands between the literals, each at least a character and as short as can be; None when it does not fit.

    The first place of each literal is the only one that need be tried, so the cost is linear.
    """
    end = len(text) - len(literals[-1])
    start = len(literals[0])
    captured = []
    for literal in literals[1:-1]:
        place = text.find(literal, start + 1, end)
        if place < 0:
            return None
        captured.append(text[start:place])
        start = place + len(literal)
    return (*captured, text[start:end]) if start < end else None
