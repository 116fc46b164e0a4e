"""Compiled Hyperscan databases, kept on disk: compiling all of CRS takes seconds, loading it milliseconds.

A file is named by what went into it: expressions, flags, Hyperscan's version and this machine's features. It begins
with a digest of its content, and is written beside its name and then moved there: no half-written file is ever read.
Hyperscan trusts what it loads, so the folder must be nobody else's: it is made for this user alone, and not used
if it belongs to another or others may write to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import hyperscan
import msgspec

_FORMAT = b"stockade-hs-1\n"
_DIGEST = 32
_FLAGS = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY


class Expression(NamedTuple):
    """A Hyperscan expression that matches wherever the rule does. `approximate`: it needs the PREFILTER flag."""

    source: bytes
    caseless: bool = False
    approximate: bool = False

    @property
    def flags(self) -> int:
        return (
            _FLAGS
            | (hyperscan.HS_FLAG_CASELESS if self.caseless else 0)
            | (hyperscan.HS_FLAG_PREFILTER if self.approximate else 0)
        )


_CANARY = Expression(rb"@.+=\s*\(")
_CANARY_TEXT = b"@" + b"b" * 60 + b"=("


def compiled(expressions: Sequence[Expression]) -> Any:
    """The database of these expressions, numbered from 0. Raises hyperscan.HyperscanError."""
    path = _path(expressions)
    database = _load(path) if path is not None else None
    if database is None:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[expression.source for expression in expressions],
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=[expression.flags for expression in expressions],
        )
        if path is not None:
            _save(path, database)
    database.scratch = hyperscan.Scratch(database)
    return database


@cache
def trouble() -> str:
    """Why no rules may be run with the Hyperscan that is installed; empty where they may.

    Vectorscan 5.4.12, which some wheels carry, misses matches of patterns that begin with a literal and `.+`
    (VectorCamp/vectorscan#325): whoever knows such a pattern walks past it.
    """
    try:
        found: list[int] = []
        database = compiled([_CANARY])
        database.scan(_CANARY_TEXT, lambda *_: found.append(1))
    except hyperscan.HyperscanError as error:
        return f"it does not work on this machine: {error}"
    return "" if found else f"version {version('hyperscan')} misses matches; install hyperscan>=0.7.9,<0.7.21"


def is_accepted(expression: Expression) -> bool:
    try:
        hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(
            expressions=[expression.source], ids=[0], elements=1, flags=[expression.flags]
        )
    except hyperscan.HyperscanError:
        return False
    return True


class Verdicts:
    """Which expressions Hyperscan takes, by their digests, beside the databases on disk."""

    def __init__(self) -> None:
        self._known: dict[str, bool] | None = None
        self._changed = False

    def get(self, expression: Expression) -> bool | None:
        if self._known is None:
            self._known = self._load()
        return self._known.get(_digest([expression]))

    def __setitem__(self, expression: Expression, accepted: bool) -> None:
        if self._known is None:
            self._known = self._load()
        self._known[_digest([expression])] = accepted
        self._changed = True

    def save(self) -> None:
        path = self._path()
        if path is not None and self._changed and self._known is not None:
            _write(path, msgspec.json.encode(self._known))
            self._changed = False

    def _path(self) -> Path | None:
        folder = _folder()
        return folder / "verdicts.json" if folder is not None else None

    def _load(self) -> dict[str, bool]:
        path = self._path()
        content = _read(path) if path is not None else None
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.json.decode(content or b"{}", type=dict[str, bool])
        return {}


verdicts = Verdicts()


def _path(expressions: Sequence[Expression]) -> Path | None:
    folder = _folder()
    if folder is None:
        return None
    return folder / f"{_digest(expressions)}.hs"


def _digest(expressions: Sequence[Expression]) -> str:
    digest = hashlib.sha256(repr((version("hyperscan"), _features())).encode())
    for expression in expressions:
        digest.update(b"%d %d " % (len(expression.source), expression.flags) + expression.source)
    return digest.hexdigest()


@cache
def _features() -> str:
    """What of this machine decides whether a database runs on it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return ""


def _folder() -> Path | None:
    base = os.environ.get("STOCKADE_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "stockade" / "hyperscan"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (OSError, RuntimeError):
        return None
    ours = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return folder if ours else None


def _load(path: Path) -> Any:
    body = _read(path)
    if body is None:
        return None
    try:
        return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
    except hyperscan.HyperscanError:
        return None


def _save(path: Path, database: Any) -> None:
    _write(path, hyperscan.dumpb(database))


def _read(path: Path) -> bytes | None:
    """The content, when it is whole."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body = content[len(_FORMAT) + _DIGEST :]
    return body if content[: len(_FORMAT) + _DIGEST] == _FORMAT + hashlib.sha256(body).digest() else None


def _write(path: Path, body: bytes) -> None:
    """Without it everything works, only later."""
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(_FORMAT + hashlib.sha256(body).digest() + body)
        Path(name).replace(path)
