"""Owners of objects: a table in a file that all workers map, and beside it SQLite with ids and owners in words.

The table decides, in a microsecond and for all workers at once. SQLite is for people (`stockade ownership`) and for
making the table anew; what it must learn is written down in batches, off the request path.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from stockade.ownership import Table, table_words
from stockade.vocabulary import FindOwners, Owned, StoreError, Teach

_MOST_PENDING = 200_000
_MOST_NOTED = 50_000  # principals per process that are known to be counted
_PATIENCE = 5.0
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


class Owners:
    """Answers FindOwners and Teach. path: of the table; None for one in memory, of this process alone.

    passive: look, and change nothing. Raises StoreError.
    """

    def __init__(self, path: Path | None = None, objects: int = 100_000, *, passive: bool = False) -> None:
        self.path = path
        self._passive = passive
        self._lock = threading.Lock()
        self._pending: list[Change] = []
        self._noted: set[tuple[str, int, bool]] = set()
        self.dropped = 0  # changes that SQLite will not hear of
        size = table_words(objects) * 8
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if path is not None else -1
            with self._locked():
                fresh = self._file < 0 or os.fstat(self._file).st_size != size
                if self._file >= 0 and fresh:
                    os.ftruncate(self._file, 0)
                    os.ftruncate(self._file, size)
                self._map = mmap.mmap(self._file, size)
                self._words = memoryview(self._map).cast("Q")
                self.table = self._open_table(fresh)
        except (OSError, ValueError, sqlite3.Error) as error:
            raise StoreError(f"{path}: the table of owners cannot be opened: {error}") from error

    def _open_table(self, fresh: bool) -> Table:
        if not fresh:
            try:
                return Table(self._words)
            except ValueError:  # a crash in the midst of making it
                self._words[:] = memoryview(bytes(len(self._words) * 8)).cast("Q")
        table = Table.new(self._words, secrets.token_bytes(16))
        if self.path is not None:
            for edge in self.all():
                table.note_first(edge.kind, edge.first)
                table.hold(edge.kind, edge.id, table.owner(edge.owner), edge.last, float(1 << 40))
        return table

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            if self._file >= 0:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                if self._file >= 0:
                    fcntl.flock(self._file, fcntl.LOCK_UN)

    # Asked by controls.

    def find(self, ask: FindOwners) -> Owned:
        table = self.table
        owners = tuple(map(table.owner, ask.names))
        found = tuple([table.find(ask.kind, each, owners, ask.at, ask.keep) for each in ask.ids])
        if owners and not self._passive:
            for each in found:
                if each.owners and (ask.kind, owners[0], each.own) not in self._noted:
                    self._note(ask, owners[0], each.own)
        return Owned(found, table.confident(ask.kind, ask.wanted, ask.at))

    def _note(self, ask: FindOwners, owner: int, own: bool) -> None:
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted.add((ask.kind, owner, own))
        with self._locked():
            self.table.note_use(ask.kind, owner, ask.at, ask.keep, own=own)

    def teach(self, ask: Teach) -> tuple[str, ...]:
        """The ids that were another's, and so were not taught where the ask is exclusive."""
        if self._passive:
            return ()
        table = self.table
        owners = tuple(map(table.owner, ask.names))
        refused: list[str] = []
        with self._locked():
            table.note_first(ask.kind, ask.at)
            exclusive = ask.exclusive == "always" or (
                ask.exclusive == "confident" and table.confident(ask.kind, ask.wanted, ask.at)
            )
            for each in ask.ids:
                if ask.how == "hold" and exclusive:
                    found = table.find(ask.kind, each, owners, ask.at, ask.keep)
                    if found.owners and not found.own:
                        refused.append(each)
                        continue
                elif ask.how in ("move", "forget"):
                    table.forget(ask.kind, each)
                    self._tell(Change(False, ask.kind, each, "", ask.at, ask.source))
                self._apply(ask, each, owners)
        return tuple(refused)

    def _apply(self, ask: Teach, id_: str, owners: tuple[int, ...]) -> None:
        for name, owner in zip(ask.names, owners, strict=True):
            if ask.how == "drop":
                self.table.drop(ask.kind, id_, owner)
                self._tell(Change(False, ask.kind, id_, name, ask.at, ask.source))
            elif ask.how != "forget" and self.table.hold(ask.kind, id_, owner, ask.at, ask.keep):
                self._tell(Change(True, ask.kind, id_, name, ask.at, ask.source))

    def _tell(self, change: Change) -> None:
        if self.path is None or len(self._pending) >= _MOST_PENDING:
            self.dropped += self.path is not None
            return
        self._pending.append(change)

    # For people.

    def _database(self) -> sqlite3.Connection:
        assert self.path is not None
        path = self.path.with_name(self.path.name + ".db")
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, timeout=_PATIENCE)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_SCHEMA)
        return connection

    def keep(self) -> None:
        """Write down what was learned since the last call. Not for the request path. Raises StoreError."""
        if not self._pending or self.path is None:
            self._pending = []
            return
        with self._lock:
            pending, self._pending = self._pending, []
        try:
            with closing(self._database()) as database, database:
                for change in pending:
                    _write(database, change)
        except sqlite3.Error as error:
            with self._lock:
                self._pending = (pending + self._pending)[:_MOST_PENDING]
            raise StoreError(f"{self.path}.db: {error}") from error

    def all(self, kind: str | None = None, id_: str | None = None, owner: str | None = None) -> Iterator[Edge]:
        """Edges in words, all or those that are asked for."""
        if self.path is None:
            return
        wanted = {"kind": kind, "id": id_, "owner": owner}
        given = {name: value for name, value in wanted.items() if value is not None}
        clause = " AND ".join(f"{name} = :{name}" for name in given) or "1"
        query = f"SELECT kind, id, owner, first, last, source FROM edges WHERE {clause}"  # noqa: S608 - our own names
        with closing(self._database()) as database:
            for row in database.execute(f"{query} ORDER BY kind, id, owner", given):
                yield Edge(*row)

    def load(self, edges: Iterable[Edge], keep: float = float(1 << 40)) -> int:
        """Add edges, each as of its own time; gives how many are new."""
        count = 0
        for edge in edges:
            with self._locked():
                self.table.note_first(edge.kind, edge.first)
                count += self.table.hold(edge.kind, edge.id, self.table.owner(edge.owner), edge.last, keep)
            self._pending.append(Change(True, edge.kind, edge.id, edge.owner, edge.last, edge.source))
            if len(self._pending) >= _MOST_PENDING // 2:
                self.keep()
        self.keep()
        return count

    def forget(self, kind: str, id_: str, owner: str | None, at: float) -> None:
        """Correct what was learned, in all workers at once."""
        with self._locked():
            if owner is None:
                self.table.forget(kind, id_)
            else:
                self.table.drop(kind, id_, self.table.owner(owner))
        self._pending.append(Change(False, kind, id_, owner or "", at, "forget"))
        self.keep()

    def close(self) -> None:
        self.keep()
        self._words.release()
        self._map.close()
        if self._file >= 0:
            os.close(self._file)


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
