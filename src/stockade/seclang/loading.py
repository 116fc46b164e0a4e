"""From files to statements: patterns, Include, and the bytes of a file as text.

Rule files are bytes. They are read as UTF-8 with `surrogateescape`, so that every byte that is not UTF-8 (Windows-1252
comments, binary patterns) comes back exactly with `to_bytes`, and what people write in UTF-8 stays readable.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from stockade.seclang.assembly import Assembly, Parsed
from stockade.seclang.parser import Parser
from stockade.seclang.problems import shown
from stockade.seclang.tree import Place

_DEEPEST = 16  # files that include one another
_MOST_FILES = 10_000


def load(paths: Iterable[str | Path]) -> Parsed:
    """The statements of files, in order. Paths may be patterns; what a pattern finds is sorted by name."""
    loader = _Loader()
    for path in paths:
        loader.top(str(path))
    return loader.assembly.done()


def to_bytes(text: str) -> bytes:
    """The bytes of a piece of a rule, exactly as they stand in its file."""
    return text.encode("utf-8", "surrogateescape")


class _Loader:
    def __init__(self) -> None:
        self.assembly = Assembly()
        self._open: list[str] = []  # real paths of the files that are being read
        self._files = 0

    def top(self, path: str) -> None:
        place = Place(path, 1)
        found = _matches(path)
        if not found:
            self.assembly.wrong(place, "no such file" if not _is_pattern(path) else "no file matches this pattern")
        for file in found:
            self._read(file, place)
        self.assembly.end_of_chain("the files end")

    def _include(self, place: Place, pattern: str, optional: bool) -> None:
        path = os.path.join(os.path.dirname(place.file), pattern)
        found = _matches(path)
        if not found and not optional and not _is_pattern(path):
            self.assembly.wrong(place, f"Include: there is no file {shown(path)}")
        elif not found and not optional:
            self.assembly.wrong(place, f"Include: no file matches {shown(path)}; IncludeOptional may find none")
        for file in found:
            self._read(file, place)

    def _read(self, file: str, place: Place) -> None:
        real = os.path.realpath(file)
        if real in self._open:
            self.assembly.wrong(place, f"{file} includes itself")
            return
        if len(self._open) >= _DEEPEST or self._files >= _MOST_FILES:
            self.assembly.wrong(place, f"more than {_DEEPEST} files within one another, or {_MOST_FILES} in all")
            return
        try:
            text = Path(file).read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            self.assembly.wrong(place, f"{file} cannot be read: {error.strerror}")
            return
        self._files += 1
        self._open.append(real)
        Parser(self.assembly, file, self._include).read(text)
        self._open.pop()
        self.assembly.end_of_chain(f"the file {file} ends")


def _is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[")


def _matches(path: str) -> list[str]:
    if os.path.isfile(path) or not _is_pattern(path):
        return [path] if os.path.exists(path) else []
    return [found for found in sorted(glob.glob(path)) if os.path.isfile(found)]
