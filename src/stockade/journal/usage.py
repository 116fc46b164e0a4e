"""`Usage`: who has used which operation by which rule, read from decision logs of any size in bounded memory.

Counts are kept in a temporary SQLite file; only a few thousand of them are in memory at a time.
"""

from __future__ import annotations

import gzip
import io
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

_MOST_HELD = 20_000  # counts in memory
_LONGEST_LINE = 1 << 20  # bytes
_LONGEST_NAME = 1000  # characters of a principal or operation
_SCHEMA = """
CREATE TABLE used (api TEXT, principal TEXT, operation TEXT, rule TEXT, count INTEGER, last TEXT,
    PRIMARY KEY (api, principal, operation, rule)) WITHOUT ROWID
"""
_ADD = """
INSERT INTO used VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    count = count + excluded.count, last = max(last, excluded.last)
"""


class UnreadableLog(ValueError):
    """A log that cannot be read; the message says which and why."""


class Used(Struct, frozen=True):
    """principal: None of callers who proved nothing. rule: as the record's `decided` has it. last: RFC 3339."""

    api: str
    principal: str | None
    operation: str
    rules: tuple[str, ...]
    count: int
    last: str


class _Line(Struct):
    """The members of a record that count here; see `vocabulary.Record`."""

    time: str
    api: str
    operation: str
    action: str
    principal: str | None = None
    decided: str = ""


class Usage:
    """A context manager. lines, bad: how many were read, and how many are no records."""

    def __init__(self) -> None:
        self.lines = 0
        self.bad = 0
        self._held: dict[tuple[str, str, str, str], tuple[int, str]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="stockade-usage-")
        self._database = sqlite3.connect(Path(self._folder.name) / "used.db", isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;{_SCHEMA}")

    def __enter__(self) -> Usage:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def read(self, path: Path, since: str) -> None:
        """Count what was allowed from that moment on (RFC 3339, UTC). `.gz` is unpacked. Raises UnreadableLog."""
        decode = msgspec.json.Decoder(_Line).decode
        try:
            with _opened(path) as file:
                for line in _lines(file):
                    self.lines += 1
                    try:
                        record = decode(line)
                    except msgspec.MsgspecError:
                        self.bad += 1
                        continue
                    if record.action == "allow" and record.api and record.time >= since:
                        self._add(record)
        except (OSError, EOFError) as error:
            raise UnreadableLog(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
        self._flush()

    def _add(self, record: _Line) -> None:
        # A principal is never the empty text.
        key = (record.api, (record.principal or "")[:_LONGEST_NAME], record.operation[:_LONGEST_NAME], record.decided)
        count, last = self._held.get(key, (0, ""))
        self._held[key] = (count + 1, max(last, record.time))
        if len(self._held) >= _MOST_HELD:
            self._flush()

    def _flush(self) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(_ADD, ((*key, *told) for key, told in sorted(self._held.items())))
        self._database.execute("COMMIT")
        self._held.clear()

    def principals(self, api: str) -> Iterator[str | None]:
        """Whoever used the API, in order; first those who proved nothing."""
        for (name,) in self._rows("SELECT DISTINCT principal FROM used WHERE api = ? ORDER BY principal", api):
            yield name or None

    def of(self, api: str, principal: str | None) -> list[Used]:
        """What a principal used, by operation."""
        sql = "SELECT operation, rule, count, last FROM used WHERE api = ? AND principal = ? ORDER BY operation, rule"
        found: dict[str, Used] = {}
        for operation, rule, count, last in self._rows(sql, api, principal or ""):
            before = found.get(operation, Used(api, principal, operation, (), 0, ""))
            rules = tuple(dict.fromkeys((*before.rules, *rule.split())))
            found[operation] = Used(api, principal, operation, rules, before.count + count, max(before.last, last))
        return list(found.values())

    def _rows(self, sql: str, *values: str) -> Iterable[tuple[Any, ...]]:
        return self._database.execute(sql, values)


def _opened(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(path))
    return path.open("rb")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines; what is too long for one is cut to pieces, which are no records."""
    while line := file.readline(_LONGEST_LINE):
        if line.strip():
            yield line
