"""Persistent collections: what rules remember of an address, a session, a user between requests."""

from __future__ import annotations

from typing import Protocol

Variables = dict[str, bytes]
_MOST = 50_000  # records; about 20 MB where each has a few short variables
_MOST_VARIABLES = 200  # in one record


class Record:
    """The variables of one address, session, … and when each of them, and all of it, is over (epoch seconds)."""

    __slots__ = ("ends", "expires", "variables")

    def __init__(self) -> None:
        self.variables: Variables = {}
        self.expires: dict[str, float] = {}
        self.ends = 0.0

    def forget_expired(self, at: float) -> None:
        for name in [name for name, end in self.expires.items() if end <= at]:
            del self.expires[name]
            self.variables.pop(name, None)


class Collections(Protocol):
    """Where they are kept."""

    def open(self, collection: str, key: bytes, at: float) -> Record:
        """The record of that key; a new one where there is none, or none that is not over."""

    def keep(self, collection: str, key: bytes, record: Record, ends: float) -> None:
        """Keep it until `ends`."""


class MemoryCollections:
    """In this process's memory, bounded: when it is full, the record unused for longest goes."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._records: dict[tuple[str, bytes], Record] = {}

    def open(self, collection: str, key: bytes, at: float) -> Record:
        record = self._records.get((collection, key))
        if record is None or record.ends <= at:
            return Record()
        record.forget_expired(at)
        return record

    def keep(self, collection: str, key: bytes, record: Record, ends: float) -> None:
        while len(record.variables) > _MOST_VARIABLES:
            record.variables.pop(next(iter(record.variables)))
        record.ends = ends
        self._records.pop((collection, key), None)
        while len(self._records) >= self._most:
            self._records.pop(next(iter(self._records)))
        self._records[collection, key] = record
