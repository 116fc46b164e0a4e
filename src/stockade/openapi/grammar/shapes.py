"""Kinds of value. Each copies what it is given, as far as that is what it must be, and reports the rest.

A wrong value is replaced by an empty one of the right kind, so that whoever reads the copy finds what the specification
promises, apart from keys that are missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from stockade.openapi.problems import shown


class Walk(Protocol):
    """What shapes need of the one who walks. `path` leads from what is being read to the value in hand."""

    path: list[str]

    def problem(self, text: str) -> None: ...
    def remark(self, text: str) -> None: ...
    def count(self) -> None: ...
    def near(self, word: str, known: Iterable[str]) -> str: ...
    def refer(self, value: dict[str, Any], shape: Object) -> Any: ...
    def splice(self, value: dict[str, Any], shape: Shape) -> Any: ...
    def mapping_target(self, text: str) -> str: ...
    def enter_id(self, text: str) -> None: ...
    def leave_id(self) -> None: ...
    def finish_schema(self, schema: dict[str, Any]) -> None: ...


class Shape:
    """`words`: what it must be, as in "must be …"."""

    words = "anything"

    def copy(self, value: Any, walk: Walk) -> Any:  # noqa: ARG002 - others need it
        return value

    def empty(self) -> Any:
        return None

    def wrong(self, value: Any, walk: Walk) -> Any:
        walk.problem(f"{_name(walk)}must be {self.words}, not {shown(value)}")
        return self.empty()


def _name(walk: Walk) -> str:
    """The key in hand, or the list and the index, as messages begin."""
    if not walk.path:
        return ""
    inner = walk.path[-1][:60]
    return f"{walk.path[-2][:60]}[{inner}]: " if inner.isdigit() and len(walk.path) > 1 else f"{inner}: "


class Leaf(Shape):
    """A single value, checked by a function."""

    def __init__(self, words: str, fits: Callable[[Any], bool], empty: Any = None) -> None:
        self.words = words
        self._fits = fits
        self._empty = empty

    def empty(self) -> Any:
        return self._empty

    def copy(self, value: Any, walk: Walk) -> Any:
        return value if self._fits(value) else self.wrong(value, walk)


class Choice(Shape):
    """One of a few words. old: one more, which nobody should be told of."""

    def __init__(self, *known: str, old: str = "") -> None:
        self._known = (*known, old) if old else known
        self.words = f"one of {', '.join(known)}" if len(known) > 1 else known[0]

    def copy(self, value: Any, walk: Walk) -> Any:
        if isinstance(value, str) and value in self._known:
            return value
        hint = walk.near(value, self._known) if isinstance(value, str) else ""
        walk.problem(f"{_name(walk)}{shown(value)} is not {self.words}{hint}")
        return None


class Listed(Shape):
    """A list. least, most: how many entries it must and may have; most 0: any number."""

    words = "a list"

    def __init__(self, item: Shape, *, least: int = 0, most: int = 0, distinct: bool = False) -> None:
        self._item = item
        self._least = least
        self._most = most
        self._distinct = distinct

    def empty(self) -> Any:
        return []

    def copy(self, value: Any, walk: Walk) -> Any:
        if not isinstance(value, list):
            if isinstance(value, dict) and isinstance(value.get("$ref"), str):
                return walk.splice(value, self)
            return self.wrong(value, walk)
        name = walk.path[-1][:60] if walk.path else "the list"
        if len(value) < self._least:
            walk.problem(f"{name}: must have {self._least} entry at least")
        if self._most and len(value) > self._most:
            walk.problem(f"{name}: must have {self._most} entries at most")
            return self.empty()
        if self._distinct and len(set(map(str, value))) != len(value):
            walk.problem(f"{name}: an entry is written twice")
        made = []
        for index, item in enumerate(value):
            walk.path.append(str(index))
            made.append(self._item.copy(item, walk))
            walk.path.pop()
        return made


class Mapped(Shape):
    """A mapping with keys of the author's choice. key: what they must look like, and in words.

    extensible: there may be extensions among them (`x-…`), which are left out, so that all values are of one kind.
    """

    words = "a mapping"

    def __init__(self, item: Shape, key: tuple[str, str] | None = None, *, extensible: bool = False) -> None:
        self._item = item
        self._key = (re.compile(key[0]), key[1]) if key is not None else None
        self._extensible = extensible

    def empty(self) -> Any:
        return {}

    def copy(self, value: Any, walk: Walk) -> Any:
        if not isinstance(value, dict):
            return self.wrong(value, walk)
        if isinstance(value.get("$ref"), str):
            return walk.splice(value, self)
        walk.count()
        made = {}
        for key, item in value.items():
            if self._extensible and key.startswith("x-"):
                continue
            walk.path.append(key)
            if self._key is not None and not self._key[0].fullmatch(key):
                walk.problem(f"{key[:60]!r} is not {self._key[1]}")
            elif item is None:
                walk.problem(f"{key[:60]} is empty: give it a value, or remove the line")
            else:
                made[key] = self._item.copy(item, walk)
            walk.path.pop()
        return made


class Object(Shape):
    """An object of the specification. `fields` is filled after making, for objects hold one another.

    section: the part of `components` that holds such objects, which may then be named by reference.
    """

    def __init__(self, words: str, section: str = "", *, required: Iterable[str] = ()) -> None:
        self.words = words
        self.section = section
        self.fields: dict[str, Shape] = {}
        self._required = tuple(required)

    def empty(self) -> Any:
        return {}

    def copy(self, value: Any, walk: Walk) -> Any:
        if not isinstance(value, dict):
            return self.wrong(value, walk)
        if isinstance(value.get("$ref"), str):
            return walk.refer(value, self) if self.section else walk.splice(value, self)
        made = self.members(value, walk)
        for key in self._required:
            if value.get(key) is None:
                walk.problem(f"{key} is missing: {self.words} must have it")
        return made

    def wrong(self, value: Any, walk: Walk) -> Any:
        walk.problem(f"{_name(walk)}must be a mapping ({self.words}), not {shown(value)}")
        return self.empty()

    def members(self, value: dict[str, Any], walk: Walk) -> dict[str, Any]:
        """Its known keys copied, the others as they are. A known key that is empty is not there."""
        walk.count()
        made, fields, path = {}, self.fields, walk.path
        for key, item in value.items():
            shape = fields.get(key)
            if key == "$ref":  # a text would have been followed
                walk.problem(f"$ref must be text, not {shown(item)}")
            elif shape is None:
                if not key.startswith("x-"):
                    path.append(key)
                    self.unknown(key, walk)
                    path.pop()
                made[key] = item
            elif item is not None or shape is ANY:
                path.append(key)
                made[key] = shape.copy(item, walk)
                path.pop()
        return made

    def unknown(self, key: str, walk: Walk) -> None:
        hint = walk.near(key, self.fields)
        walk.remark(f"{key[:60]!r} is nothing that {self.words} may have, and is ignored{hint}")


class _Ignored(Shape):
    """Documentation: of no weight for what is enforced, so nothing is said of it."""


_LARGEST = 1 << 63


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


ANY = Shape()
DOCUMENTATION = _Ignored()
TEXT = Leaf("text", lambda value: isinstance(value, str), "")
FLAG = Leaf("true or false", lambda value: isinstance(value, bool), False)
NUMBER = Leaf("a number", _is_number, 0)
POSITIVE = Leaf("a number above 0", lambda value: _is_number(value) and value > 0, 1)
COUNT = Leaf(
    "a whole number, 0 or more", lambda value: _is_number(value) and 0 <= value < _LARGEST and value == int(value), 0
)
