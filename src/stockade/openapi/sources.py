"""The files a description is made of: each loaded and parsed once, within bounds on how much they are together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockade.openapi.json_text import json_lines, read_json
from stockade.openapi.pointers import Tokens
from stockade.openapi.problems import Problem
from stockade.openapi.references import BadReference, Reach
from stockade.openapi.text import MOST_DEPTH, MOST_VALUES, BadText, Lines, line_of
from stockade.openapi.yaml_text import read_yaml

_MOST_BYTES = 64 << 20  # of all files together
_MOST_FILES = 2000
_MOST_VALUES = 2 * MOST_VALUES
_JSON_NAMES = (".json", ".json5")


class Unreadable(Exception):
    """A file cannot be had or cannot be read. `problem`: what is wrong with the file itself, if it is the file."""

    def __init__(self, text: str, problem: Problem | None = None) -> None:
        super().__init__(text)
        self.problem = problem


class Source:
    """One file. The lines of a JSON text are looked for when they are first needed: most are never."""

    def __init__(self, file: str, data: bytes) -> None:
        """Raises BadText."""
        self.file = file
        self._text = ""
        self._lines: Lines | None = None
        self.anchors: dict[str, Tokens] = {}
        self.ids: dict[str, Tokens] = {}
        self.value: Any = self._read(_decode(data))
        self.size = _size(self.value)
        if b"$anchor" in data or b"$id" in data or b"$dynamicAnchor" in data:
            self._index(self.value, ())

    def _read(self, text: str) -> Any:
        begins = text.lstrip()[:1]
        if begins not in ("{", "[") and not self.file.lower().endswith(_JSON_NAMES):
            value, self._lines = read_yaml(text)
            return value
        try:
            value = read_json(text)
        except BadText:
            if self.file.lower().endswith(_JSON_NAMES) or text.lstrip()[1:].lstrip()[:1] == '"':
                raise
            value, self._lines = read_yaml(text)  # {a: b} is YAML as well
        else:
            self._text = text
        return value

    def line(self, tokens: Tokens) -> int:
        if self._lines is None:
            self._lines, self._text = json_lines(self._text), ""
        return line_of(self._lines, tokens)

    def _index(self, value: Any, tokens: Tokens) -> None:
        """Find what schemas call themselves: `$anchor`, `$dynamicAnchor` and absolute `$id`s."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                self._index(item, (*tokens, str(index)))
        elif isinstance(value, dict):
            for key in ("$anchor", "$dynamicAnchor"):
                if isinstance(value.get(key), str):
                    self.anchors.setdefault(value[key], tokens)
            if isinstance(value.get("$id"), str):
                self.ids.setdefault(value["$id"].rstrip("#"), tokens)
            for key, item in value.items():
                self._index(item, (*tokens, key))


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadText(data.count(b"\n", 0, error.start) + 1, "not UTF-8; save the file in that encoding") from None


def _size(value: Any) -> int:
    """How many values it has. Refuses what is too deep for those who walk over it."""
    count, level = 1, [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_DEPTH + 1):
        items = [item for part in level for item in (part.values() if isinstance(part, dict) else part)]
        level = [item for item in items if isinstance(item, dict | list)]
        count += len(items)
        if count > MOST_VALUES:
            raise BadText(0, f"more than {MOST_VALUES} values")
        if not level:
            return count
    raise BadText(0, f"more than {MOST_DEPTH} levels deep")


class Library:
    """All that has been read. load: the bytes of a file by its name; raises OSError."""

    def __init__(self, load: Callable[[str], bytes], reach: Reach) -> None:
        self._load = load
        self._reach = reach
        self._read: dict[str, Source | Unreadable] = {}
        self._bytes = self._values = 0

    @property
    def files(self) -> frozenset[str]:
        """Everything that was asked for, read or not."""
        return frozenset(self._read)

    def root(self, name: str) -> Source:
        """Raises Unreadable."""
        return self._once(name)

    def get(self, name: str) -> Source:
        """A file that a reference leads to. Raises BadReference when it must not be read, else Unreadable."""
        if name not in self._read:
            self._reach.check(name)
        return self._once(name)

    def by_id(self, uri: str) -> tuple[Source, Tokens] | None:
        """The schema whose `$id` that is, among the files read so far."""
        for source in self._read.values():
            if isinstance(source, Source) and uri in source.ids:
                return source, source.ids[uri]
        return None

    def _once(self, name: str) -> Source:
        if name not in self._read:
            self._read[name] = self._fetch(name)
        found = self._read[name]
        if isinstance(found, Unreadable):
            raise found
        return found

    def _fetch(self, name: str) -> Source | Unreadable:
        if len(self._read) >= _MOST_FILES:
            return Unreadable(f"is one of more than {_MOST_FILES} files")
        try:
            data = self._load(name)
        except (OSError, ValueError) as error:
            return Unreadable(f"cannot be read: {getattr(error, 'strerror', None) or error}")
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            return Unreadable(f"is too much: more than {_MOST_BYTES >> 20} MiB in all")
        try:
            source = Source(name, data)
        except BadText as error:
            return Unreadable(error.text, Problem(name, error.line, error.text))
        self._values += source.size
        if self._values > _MOST_VALUES:
            return Unreadable(f"is too much: more than {_MOST_VALUES} values in all")
        return source


__all__ = ["BadReference", "Library", "Source", "Unreadable"]
