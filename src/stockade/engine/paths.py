"""`Paths`: whose path it is, at the same cost for one prefix and for thousands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Paths(Generic[T]):
    """Owners of path prefixes; the longest prefix wins, and of equal ones whoever was added first.

    A prefix owns what lies under it, at a segment's border: /api owns /api and /api/x, not /apix.
    """

    __slots__ = ("_by_prefix", "_lengths", "_single")

    def __init__(self) -> None:
        self._by_prefix: dict[str, T] = {}
        self._single: dict[str, tuple[int, T]] = {}  # whole paths, and how long their owner's prefix is
        self._lengths: list[int] = []

    def add(self, owner: T, prefix: str, also: Iterable[str] = ()) -> None:
        """`also`: single paths elsewhere that belong to the same owner, with the rank of its prefix."""
        self._by_prefix.setdefault(prefix, owner)
        self._lengths = sorted({*self._lengths, len(prefix)}, reverse=True)
        for path in also:
            if path not in self._single or self._single[path][0] < len(prefix):
                self._single[path] = (len(prefix), owner)

    def find(self, path: str) -> T | None:
        """Who owns the path; None where nobody does."""
        rank, owner = self._single.get(path, _NOBODY) if self._single else _NOBODY
        size = len(path)
        for length in self._lengths:
            if length <= rank:
                return owner
            found = self._by_prefix.get(path[:length]) if length <= size else None
            if found is not None and (length == size or path[length] == "/" or path[length - 1] == "/"):
                return found
        return owner


_NOBODY: tuple[int, None] = (-1, None)
