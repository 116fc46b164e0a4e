"""Owners in words, for people: SQLite beside the table, written in batches, swept of what the table has forgotten."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from stockade.ownership import Edges
from stockade.stores.sqlite_files import in_memory, look_into

_PATIENCE = 5.0
_SWEPT = 2000  # rows at a time, at least
_OLD = 86400.0  # seconds by which a row may lag behind the table
_SCHEMA = """
CREATE TABLE IF NOT EXISTS edges (
  kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL,
  first REAL NOT NULL, last REAL NOT NULL, source TEXT NOT NULL,
  PRIMARY KEY (kind, id, owner)
) WITHOUT ROWID
"""


class Edge(NamedTuple):
    """One object and one of its owners. source: the operation that handed it over, or "import"."""

    kind: str
    id: str
    owner: str
    first: float
    last: float
    source: str


class Change(NamedTuple):
    """What SQLite is still to be told. owner: "" for all."""

    held: bool
    kind: str
    id: str
    owner: str
    at: float
    source: str


class OwnerNames:
    """passive: it is only looked at. The methods raise OSError and sqlite3.Error."""

    def __init__(self, path: Path, *, passive: bool = False) -> None:
        self.path = path
        self._passive = passive
        self._swept = ("", "", "")  # the row up to which the table was asked

    def _open(self) -> sqlite3.Connection:
        if not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(self.path, timeout=_PATIENCE)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_SCHEMA)
        return connection

    def _look(self) -> sqlite3.Connection:
        """The same for who only looks: where there are no edges yet, there are none."""
        if not self._passive:
            return self._open()
        connection = look_into(self.path)
        try:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'edges'").fetchone() is not None:
                return connection
        except sqlite3.Error:
            connection.close()
            raise
        connection.close()
        none = in_memory()
        none.execute(_SCHEMA)
        return none

    def write(self, changes: Iterable[Change], edges: Edges) -> None:
        """All or none; and look after twice as many rows, so that there are never many more than the table knows."""
        with closing(self._open()) as database, database:
            count = 0
            for change in changes:
                _write(database, change)
                count += 1
            self._sweep(database, edges, max(_SWEPT, 2 * count))

    def _sweep(self, database: sqlite3.Connection, edges: Edges, most: int) -> None:
        query = "SELECT kind, id, owner, last FROM edges WHERE (kind, id, owner) > (?, ?, ?) ORDER BY 1, 2, 3 LIMIT ?"
        rows = database.execute(query, (*self._swept, most)).fetchall()
        self._swept = rows[-1][:3] if len(rows) == most else ("", "", "")
        gone, late = [], []
        for kind, id_, owner, last in rows:
            known = edges.last(kind, id_, owner)
            if not known:
                gone.append((kind, id_, owner))
            elif known > last + _OLD:
                late.append((known, kind, id_, owner))
        database.executemany("DELETE FROM edges WHERE kind = ? AND id = ? AND owner = ?", gone)
        database.executemany("UPDATE edges SET last = ? WHERE kind = ? AND id = ? AND owner = ?", late)

    def all(self, kind: str | None = None, id_: str | None = None, owner: str | None = None) -> Iterator[Edge]:
        """All edges, or those that are asked for."""
        wanted = {"kind": kind, "id": id_, "owner": owner}
        given = {name: value for name, value in wanted.items() if value is not None}
        clause = " AND ".join(f"{name} = :{name}" for name in given) or "1"
        query = f"SELECT kind, id, owner, first, last, source FROM edges WHERE {clause}"  # noqa: S608 - our own names
        with closing(self._look()) as database:
            for row in database.execute(f"{query} ORDER BY kind, id, owner", given):
                yield Edge(*row)

    def kinds(self) -> list[tuple[str, int]]:
        """Each kind, and how many edges it has."""
        with closing(self._look()) as database:
            return database.execute("SELECT kind, count(*) FROM edges GROUP BY kind ORDER BY kind").fetchall()


def _write(database: sqlite3.Connection, change: Change) -> None:
    if change.held:
        database.execute(
            "INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
            (change.kind, change.id, change.owner, change.at, change.at, change.source),
        )
    elif change.owner:
        place = (change.kind, change.id, change.owner)
        database.execute("DELETE FROM edges WHERE kind = ? AND id = ? AND owner = ?", place)
    else:
        database.execute("DELETE FROM edges WHERE kind = ? AND id = ?", (change.kind, change.id))
