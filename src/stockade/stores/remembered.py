"""Rows that are remembered for as long as nobody changed the database, and for ten seconds at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from stockade.engine import NotNow
from stockade.stores.database import Database

_REMEMBERED = 10_000
_FRESH = 10.0  # seconds, so that a database which is gone or unreadable is noticed
R = TypeVar("R")


class _Known(NamedTuple, Generic[R]):
    row: R
    revision: int  # of the database, read before the row was
    at: float  # monotonic seconds


class Remembered(Generic[R]):
    """What `look` says of a key. That there is nothing is remembered too: most principals are no partners."""

    def __init__(self, database: Database, look: Callable[[str], R]) -> None:
        self._database = database
        self._ask = look
        self._known: dict[str, _Known[R]] = {}
        self._looking: dict[str, asyncio.Task[R]] = {}

    def find(self, key: str) -> R:
        """Raises NotNow when a server must be asked, StoreError when the database cannot answer."""
        revision = self._database.revision.read()
        known = self._known.get(key)
        if known is not None and known.revision == revision and time.monotonic() - known.at < _FRESH:
            return known.row
        if self._database.remote:
            raise NotNow
        return self._look(key, revision)

    async def find_later(self, key: str) -> R:
        """Those who ask for one key at once share one look."""
        task = self._looking.get(key)
        if task is None:
            revision = self._database.revision.read()
            task = asyncio.ensure_future(self._database.later(lambda: self._look(key, revision)))
            self._looking[key] = task
            task.add_done_callback(lambda task: self._looked(key, task))
        return await asyncio.shield(task)

    def _looked(self, key: str, task: asyncio.Task[R]) -> None:
        self._looking.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; when all have gone it is nobody's

    def _look(self, key: str, revision: int) -> R:
        now = time.monotonic()
        row = self._ask(key)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = _Known(row, revision, now)
        return row
