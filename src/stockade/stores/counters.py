"""Counters for rates and quotas: a table in memory, of this process alone or shared with others.

Bounded: buckets that are full again (or whose period is over) say nothing and give way; where live ones stand in the
way, the one that is soonest over goes, and `evicted` counts it.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile

from stockade.quotas import SECOND, nanoseconds
from stockade.stores._table import Table
from stockade.vocabulary import GiveBack, TakeAll, TakeQuota, TakeTokens, Tokens

_SETS = 1 << 17  # of five buckets, 128 bytes: 16 MiB, of which only what is used takes memory


class Counters:
    """Answers TakeTokens, TakeQuota, TakeAll and GiveBack, each as one step over all who have that table."""

    def __init__(self, table: Table | None = None) -> None:
        self._table = table or Table(sets=_SETS)

    @classmethod
    def shared(cls, path: str | Path) -> Counters:
        """Count in the table of a file. Raises OSError when it cannot be opened, ValueError when it is no table."""
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            return cls(Table(file))
        finally:
            os.close(file)

    @property
    def evicted(self) -> int:
        """Live buckets that this process has pushed out."""
        return self._table.evicted

    def take_tokens(self, ask: TakeTokens) -> Tokens:
        return _tokens(*self._table.take(ask.bucket, (nanoseconds(ask.interval), ask.burst), ask.at, ask.cost))

    def take_quota(self, ask: TakeQuota) -> Tokens:
        return _tokens(*self._table.take(ask.bucket, (ask.limit, int(ask.start), int(ask.end)), ask.at, ask.cost))

    def take_all(self, ask: TakeAll) -> tuple[int, Tokens] | None:
        refused = self._table.take_all(ask.buckets, ask.measures, ask.at, ask.cost)
        if refused is None:
            return None
        place, remaining, reset, wait = refused
        return place, _tokens(False, remaining, reset, wait)

    def give_back(self, ask: GiveBack) -> None:
        self._table.give_all(ask.buckets, ask.measures, ask.at, ask.cost)


def _tokens(allowed: bool, remaining: int, reset: int, wait: int) -> Tokens:
    return Tokens(allowed, remaining, reset / SECOND, wait / SECOND if wait >= 0 else float("inf"))


class SharedTable:
    """A new table for processes that inherit its descriptor, in a file that has no name and that only we can open.

    It is in memory where the system can do that: a file on a disk would make requests wait while it is written back.
    """

    def __init__(self) -> None:
        """Raises OSError when there is no memory for it."""
        if hasattr(os, "memfd_create"):
            self.file = os.memfd_create("stockade-counters")
        else:
            with TemporaryFile() as stream:
                self.file = os.dup(stream.fileno())
        os.fchmod(self.file, 0o600)
        Table(self.file, _SETS)

    def close(self) -> None:
        """Whoever has it goes on counting in it."""
        os.close(self.file)
