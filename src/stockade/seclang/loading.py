"""From files to statements: patterns, Include, and the bytes of a file as text.

Rule files are bytes. They are read as UTF-8 with `surrogateescape`, so that every byte that is not UTF-8 (Windows-1252
comments, binary patterns) comes back exactly with `to_bytes`, and what people write in UTF-8 stays readable.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

from stockade.seclang.assembly import Assembly, Parsed
from stockade.seclang.parser import Parser
from stockade.seclang.tree import Place

_DEEPEST = 16  # files that include one another
_MOST_FILES = 10_000
_SHOWN = 200  # characters of a path
_LARGEST = 64 << 20  # bytes; the Core Rule Set has one million in all


def load(paths: Iterable[str | Path], text: str | None = None) -> Parsed:
    """The statements of files, in order, and of a text after them; ids and chains are checked across all.

    Paths may be patterns; what a pattern finds is sorted by name.
    """
    loader = _Loader()
    for path in paths:
        loader.top(str(path))
    if text is not None:
        loader.text(text, "<text>")
    return loader.assembly.done()


def load_text(text: str, file: str | Path = "<text>") -> Parsed:
    """The statements of a text that is at hand. Include is relative to the folder that `file` would be in."""
    loader = _Loader()
    loader.text(text, str(file))
    return loader.assembly.done()


def to_bytes(text: str) -> bytes:
    """The bytes of a piece of a rule, exactly as they stand in its file."""
    return text.encode("utf-8", "surrogateescape")


class _Loader:
    def __init__(self) -> None:
        self.assembly = Assembly()
        self._open: list[Path] = []  # the files that are being read, without links
        self._files = 0

    def top(self, path: str) -> None:
        """Read what was asked for by name or pattern."""
        place = Place(path, 1)
        found = self._matches(place, path)
        if not found:
            self.assembly.wrong(place, "no file matches this pattern" if _is_pattern(path) else "there is no such file")
        for file in found:
            self._read(place, file)
        self.assembly.end_of_chain("the files end")

    def text(self, text: str, file: str) -> None:
        """Read what was handed over."""
        Parser(self.assembly, file, self.include).read(text)
        self.assembly.end_of_chain("the text ends")

    def include(self, place: Place, pattern: str, optional: bool) -> None:
        """Read what a file includes; `optional`: there may be nothing."""
        path = str(Path(place.file).parent / pattern)
        found = self._matches(place, path)
        if not found and not optional and _is_pattern(path):
            self.assembly.wrong(place, f"Include: no file matches {path[:_SHOWN]!r}; IncludeOptional may find none")
        elif not found and not optional:
            self.assembly.wrong(place, f"Include: there is no file {path[:_SHOWN]!r}")
        for file in found:
            self._read(place, file)

    def _matches(self, place: Place, path: str) -> list[Path]:
        """The files of a path or pattern. A path that cannot be one (a NUL, a name too long) is told."""
        try:
            exact = Path(path)
            if exact.exists() or not _is_pattern(path):
                return [exact] if exact.exists() else []
            return [file for name in sorted(glob.glob(path)) if (file := Path(name)).is_file()]  # noqa: PTH207 absolute too
        except (OSError, ValueError, RecursionError) as error:
            self.assembly.wrong(place, f"{path[:_SHOWN]!r} cannot be a path: {error}")
            return []

    def _read(self, place: Place, file: Path) -> None:
        told = self._cannot(file)
        if told:
            self.assembly.wrong(place, told)
            return
        try:
            text = file.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            self.assembly.wrong(place, f"{file} cannot be read: {error.strerror}")
            return
        self._files += 1
        self._open.append(file.resolve())
        Parser(self.assembly, str(file), self.include).read(text)
        self._open.pop()
        self.assembly.end_of_chain(f"the file {file} ends")

    def _cannot(self, file: Path) -> str:
        """Why a file must not be read, or ""."""
        if file.resolve() in self._open:
            return f"{file} includes itself"
        if len(self._open) >= _DEEPEST:
            return f"more than {_DEEPEST} files include one another"
        if self._files >= _MOST_FILES:
            return f"more than {_MOST_FILES} files"
        if not file.is_file():
            return f"{file} is no file" + ("; include its files with /*.conf" if file.is_dir() else "")
        return f"{file} is larger than {_LARGEST >> 20} MiB" if file.stat().st_size > _LARGEST else ""


def _is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[")
