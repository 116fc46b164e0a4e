"""Owners of objects: a table in a file that all workers map, and beside it SQLite with ids and owners in words.

The table decides, in a microsecond and for all workers at once; a worker that is killed takes nothing of it along.
SQLite is for people (`stockade ownership`) and for making a lost table anew; it is written off the request path.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import sqlite3
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stockade.ownership import MINE, Edges, is_confident, table_size
from stockade.stores.backend import unopened
from stockade.stores.owner_names import Change, Edge, OwnerNames
from stockade.vocabulary import FindOwners, Owned, StoreError, Teach

__all__ = ["Edge", "Owners"]
_MOST_PENDING = 200_000
_FOREVER = float(1 << 40)
_EMPTY = bytes(8)
_MINE = Owned((MINE,), True)  # what is one's own asks for no confidence


class Owners:
    """Answers FindOwners and Teach. path: of the table; None for one in memory, of this process alone.

    objects: how many there is room for, where the table is new or nobody else has it open; else it stays as it is.
    passive: look, and change nothing. at: the time, for what a larger table need not take over. Raises StoreError.
    """

    def __init__(
        self, path: Path | None = None, objects: int = 100_000, *, passive: bool = False, at: float = 0.0
    ) -> None:
        self.path = path
        self.dropped = 0  # changes that SQLite will not hear of
        self._passive = passive
        self._lock = threading.Lock()
        self._pending: list[Change] = []
        self._names = OwnerNames(path.with_name(path.name + ".db"), passive=passive) if path is not None else None
        size = table_size(objects)
        self._file = -1
        try:
            if path is None or (passive and not (path.exists() and path.stat().st_size)):
                self._map, self.edges = _in_memory(size, self.all() if passive else (), passive)
            else:
                self._open(path, size, at)
        except (OSError, ValueError, StoreError) as error:
            if self._file >= 0:
                os.close(self._file)
            raise StoreError(f"{path}: the table of owners cannot be opened: {error}") from error

    # Its file. Who has it open shares a lock on it; who alone has it may make it anew, or larger.

    def _open(self, path: Path, size: int, at: float) -> None:
        alone = self._lock_file(path)
        found = os.fstat(self._file)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise ValueError("it is no file that its owner alone may use; mend that with chmod 600")
        if alone and not self._passive:
            self._make(path, size, at)
        fcntl.flock(self._file, fcntl.LOCK_SH)
        self._map = mmap.mmap(self._file, 0)
        self.edges = Edges(self._map, passive=self._passive)

    def _lock_file(self, path: Path) -> bool:
        """Open it; whether nobody else has."""
        while True:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            alone = True
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                alone = False
                fcntl.flock(self._file, fcntl.LOCK_SH)  # once whoever makes it is done
            with suppress(FileNotFoundError):
                here = os.fstat(self._file)
                if os.path.samestat(here, path.stat()) and (alone or here.st_size):
                    return alone
            os.close(self._file)  # another has put a larger one in its place, or died as it made it
            self._file = -1

    def _make(self, path: Path, size: int, at: float) -> None:
        """What stands in the file is what was asked for, when this is done."""
        old = self._present(path)
        if old is not None and os.fstat(self._file).st_size == size:
            old[0].close()
            old[1].close()
            return
        name = path.with_name(path.name + ".new")
        with suppress(FileNotFoundError):
            name.unlink()
        new = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.posix_fallocate(new, 0, size)  # a full disk is found out here, not as the memory is written
        fcntl.flock(new, fcntl.LOCK_EX)
        memory = mmap.mmap(new, size)
        edges = Edges(memory, old[0].key if old is not None else secrets.token_bytes(16))
        if old is not None:
            edges.adopt(old[0], at)
            old[0].close()
            old[1].close()
        else:
            _learn(edges, self.all())
        edges.close()
        memory.close()
        name.rename(path)
        os.close(self._file)
        self._file = new

    def _present(self, path: Path) -> tuple[Edges, mmap.mmap] | None:
        """The table that is there, if it is sound. What was never one is not written over."""
        size = os.fstat(self._file).st_size
        if size == 0:
            return None
        if os.pread(self._file, 8, 0) not in (b"stkowner", _EMPTY):
            raise ValueError(f"{path.name} holds something else; give another path, or move it away")
        memory = mmap.mmap(self._file, 0)
        try:
            return Edges(memory), memory
        except ValueError:
            memory.close()
            return None

    # Asked by controls.

    def find(self, ask: FindOwners) -> Owned:
        found = self.edges.find(ask.kind, ask.ids, ask.names, ask.at, ask.keep)
        if found == (MINE,):
            return _MINE
        return Owned(found, is_confident(self.edges, ask.kind, ask.wanted, ask.at))

    def teach(self, ask: Teach) -> tuple[str, ...]:
        """The ids that were another's, and so were not taught where the ask is exclusive."""
        if self._passive:
            return ()
        self.edges.note_first(ask.kind, ask.at)
        exclusive = ask.exclusive == "always" or (
            ask.exclusive == "confident" and is_confident(self.edges, ask.kind, ask.wanted, ask.at)
        )
        return tuple([each for each in ask.ids if not self._apply(ask, each, exclusive)])

    def _apply(self, ask: Teach, id_: str, exclusive: bool) -> bool:
        """Whether it could be taught."""
        edges, first = self.edges, True
        if ask.how == "forget" or (ask.how == "move" and ask.names):
            if ask.how == "forget":
                edges.forget(ask.kind, id_)
            self._tell(Change(False, ask.kind, id_, "", ask.at, ask.source))
        for name in ask.names if ask.how != "forget" else ():
            done = 1
            if ask.how == "drop":
                edges.drop(ask.kind, id_, name)
            elif ask.how == "move" and first:
                edges.move(ask.kind, id_, name, ask.at, ask.keep)
            else:
                done = edges.hold(ask.kind, id_, name, ask.at, ask.keep, exclusive and ask.how == "hold" and first)
            if done < 0:
                return False
            if done:
                self._tell(Change(ask.how != "drop", ask.kind, id_, name, ask.at, ask.source))
            first = False
        return True

    def _tell(self, change: Change) -> None:
        if self._names is None:
            return
        with self._lock:
            if len(self._pending) < _MOST_PENDING:
                self._pending.append(change)
            else:
                self.dropped += 1

    # For people.

    def keep(self) -> None:
        """Write down what was learned since the last call. Not for the request path. Raises StoreError."""
        if not self._pending or self._names is None:
            return
        with self._lock:
            pending, self._pending = self._pending, []
        try:
            self._names.write(pending, self.edges)
        except (OSError, sqlite3.Error) as error:
            with self._lock:
                self._pending = (pending + self._pending)[:_MOST_PENDING]
            raise StoreError(f"{self._names.path}: {error}") from error

    def all(self, kind: str | None = None, id_: str | None = None, owner: str | None = None) -> Iterator[Edge]:
        """Edges in words, all or those that are asked for. Raises StoreError."""
        if self._names is not None:
            with self._telling(self._names):
                yield from self._names.all(kind, id_, owner)

    def kinds(self) -> list[tuple[str, int]]:
        """Each kind of which there are edges in words, and how many. Raises StoreError."""
        if self._names is None:
            return []
        with self._telling(self._names):
            return self._names.kinds()

    @contextmanager
    def _telling(self, names: OwnerNames) -> Iterator[None]:
        """What SQLite raises, as StoreError."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise unopened(str(names.path), error) from error

    def load(self, edges: Iterable[Edge]) -> int:
        """Add edges, each as of its own time; gives how many are new."""
        count = 0
        for edge in edges:
            count += _hold(self.edges, edge)
            self._tell(Change(True, edge.kind, edge.id, edge.owner, edge.last, edge.source))
            if len(self._pending) >= _MOST_PENDING // 2:
                self.keep()
        self.keep()
        return count

    def forget(self, kind: str, id_: str, owner: str | None, at: float) -> bool:
        """Correct what was learned, in all workers at once; whether there was anything."""
        gone = self.edges.forget(kind, id_) if owner is None else self.edges.drop(kind, id_, owner)
        self._tell(Change(False, kind, id_, owner or "", at, "forget"))
        self.keep()
        return gone

    def close(self) -> None:
        try:
            self.keep()
        finally:
            self.edges.close()
            self._map.close()
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


def _in_memory(size: int, known: Iterable[Edge], passive: bool) -> tuple[mmap.mmap, Edges]:
    memory = mmap.mmap(-1, size)
    edges = Edges(memory, secrets.token_bytes(16))
    _learn(edges, known)
    edges.close()
    return memory, Edges(memory, passive=passive)


def _hold(edges: Edges, edge: Edge) -> int:
    edges.note_first(edge.kind, edge.first)
    return edges.hold(edge.kind, edge.id, edge.owner, edge.last, _FOREVER, False)


def _learn(edges: Edges, known: Iterable[Edge]) -> None:
    for edge in known:
        _hold(edges, edge)
