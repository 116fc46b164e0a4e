"""Who was handed what, in a table of fixed size: any buffer, so that processes can share it and a file keep it.

    header │ statistics of up to 64 kinds of objects │ buckets of 16 edges
    an edge: 32 bits of the object's hash, 32 of the owner's │ hour of first and last handing, 24 bits each, and a count

The first owners of an object stand in its bucket, others where object and owner together lead, and a mark in the
bucket says so. A full bucket gives up its oldest edge. Hashes are keyed (BLAKE2b, RFC 7693), so that
nobody can choose an id that falls on another's. Words are read and written whole; who adds or removes holds a lock.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any, NamedTuple

_MAGIC = 0x53544B4F574E3031
_HEADER = 8  # words: magic, buckets, key (2), evicted, edges
_KINDS, _KIND = 64, 4  # of words: hash, hour of the first handing, owners, others
_START = _HEADER + _KINDS * _KIND
_SLOTS = 16
_WORDS = 2 * _SLOTS
_MARK = 0xFFFFFFFF  # in place of an owner: there are more elsewhere
_COUNT = (1 << 16) - 1
_HOURS = (1 << 24) - 1
_OWNERS, _OTHERS = "\0owners", "\0others"  # objects of our own, by which principals are counted once
_HOUR = 3600.0
_two = Struct("<QQ").unpack


class Confidence(NamedTuple):
    """When what was learned is certain enough to refuse by.

    after: seconds since the first handing. owners: principals that used what is theirs, at least. others: principals
    that were found at what is not theirs, at most, as a share of those. All zero: at once.
    """

    after: float = 86400.0
    owners: int = 20
    others: float = 0.05


class Found(NamedTuple):
    """What is known of one object. own: whether it is the asker's. owners: how many it has."""

    own: bool
    owners: int


class Key(NamedTuple):
    base: int  # word at which the bucket begins
    print: int  # in the upper half of a word


def table_words(objects: int) -> int:
    """Words of a table in which that many edges fill half the room."""
    buckets = 1 << max(4, (max(objects, 1) * 2 // _SLOTS - 1).bit_length())
    return _START + buckets * _WORDS


class Table:
    """words: a `memoryview` of native 64-bit words. Raises ValueError when they hold no table."""

    def __init__(self, words: memoryview) -> None:
        self._words = words
        if len(words) < _START + _WORDS or words[0] != _MAGIC or len(words) != _START + words[1] * _WORDS:
            raise ValueError("no table of owners, or one of another size")
        self._mask = words[1] - 1
        self._hash = blake2b(key=bytes(words[2:4]), digest_size=16)
        self._kinds: dict[str, int] = {}
        self._bases: dict[str, Any] = {}  # hashes that have read the kind; kinds are few, and the policy's
        self.owner = lru_cache(maxsize=65536)(self._owner)

    @classmethod
    def new(cls, words: memoryview, key: bytes) -> Table:
        """A table in words that are zero. key: 16 random bytes."""
        words[1] = (len(words) - _START) // _WORDS
        words[2], words[3] = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")
        words[0] = _MAGIC
        return cls(words)

    @property
    def evicted(self) -> int:
        """Live edges that gave way."""
        return int(self._words[4])

    @property
    def edges(self) -> int:
        """Edges that were made, less those that went."""
        return int(self._words[5])

    def _owner(self, name: str) -> int:
        hashed = self._hash.copy()
        hashed.update(b"owner\0" + name.encode("utf-8", "surrogatepass"))
        number = int.from_bytes(hashed.digest()[:4], "little")
        return number if 0 < number < _MARK else 1

    def key(self, kind: str, id_: str, more: int = 0) -> Key:
        base = self._bases.get(kind)
        if base is None:
            base = self._bases[kind] = self._hash.copy()
            base.update(f"{kind}\0".encode("utf-8", "surrogatepass"))
        hashed = base.copy()
        hashed.update((f"{id_}\0{more}" if more else id_).encode("utf-8", "surrogatepass"))
        bucket, mark = _two(hashed.digest())
        return Key(_START + (bucket & self._mask) * _WORDS, (mark >> 32 or 1) << 32)

    # Asking.

    def find(self, kind: str, id_: str, owners: tuple[int, ...], at: float, keep: float) -> Found:
        """at: epoch seconds. keep: seconds that an edge lasts since the last handing."""
        base, mark = self.key(kind, id_)
        oldest = int((at - keep) / _HOUR)
        count, own, more = 0, False, False
        words, last = self._words, mark | _MARK
        slots = words[base : base + _SLOTS].tolist()
        for word in [word for word in slots if mark < word <= last]:
            if (words[base + _SLOTS + slots.index(word)] >> 16) & _HOURS >= oldest:
                owner = word & _MARK
                if owner == _MARK:
                    more = True
                else:
                    count += 1
                    own = own or owner in owners
        if more and not own:
            count += 1
            own = any(self._elsewhere(kind, id_, owner, oldest) for owner in owners)
        return Found(own, count)

    def _elsewhere(self, kind: str, id_: str, owner: int, oldest: int) -> bool:
        key = self.key(kind, id_, owner)
        place = self._place(key, key.print | owner)
        return place is not None and (self._words[place + _SLOTS] >> 16) & _HOURS >= oldest

    def _place(self, key: Key, word: int) -> int | None:
        try:
            return key.base + self._words[key.base : key.base + _SLOTS].tolist().index(word)
        except ValueError:
            return None

    # Changing; one process and thread at a time.

    def hold(self, kind: str, id_: str, owner: int, at: float, keep: float) -> bool:
        """It is (also) the owner's from now on. Gives whether that is new."""
        hour = int(at / _HOUR) & _HOURS
        key = self.key(kind, id_)
        if self._refresh(key, owner, hour):
            return False
        other = self.key(kind, id_, owner)
        if self._refresh(other, owner, hour):
            self._refresh(key, _MARK, hour)
            return False
        if kind[:1] != "\0" and self._put(key, owner, hour, keep, first=True):
            return True
        if not self._refresh(key, _MARK, hour):
            self._put(key, _MARK, hour, keep)
        self._put(other, owner, hour, keep)
        return True

    def _refresh(self, key: Key, owner: int, hour: int) -> bool:
        place = self._place(key, key.print | owner)
        if place is None:
            return False
        data = self._words[place + _SLOTS]
        count = min((data & _COUNT) + 1, _COUNT)
        self._words[place + _SLOTS] = (data >> 40 << 40) | hour << 16 | count
        return True

    def _put(self, key: Key, owner: int, hour: int, keep: float, *, first: bool = False) -> bool:
        """Into the first free or forgotten slot, else into that of the oldest. first: in the object's own bucket, of
        which one object may have half; then the owner must go elsewhere."""
        words, base = self._words, key.base
        slots = words[base : base + _SLOTS].tolist()
        if first and sum(word >> 32 << 32 == key.print for word in slots) >= _SLOTS // 2:
            return False
        ages = [(data >> 16) & _HOURS for data in words[base + _SLOTS : base + _WORDS].tolist()]
        oldest = hour - int(keep / _HOUR)
        free = [place for place in range(_SLOTS) if slots[place] == 0 or ages[place] < oldest]
        if not free:  # a mark stands for many edges
            free = [min(range(_SLOTS), key=lambda place: (slots[place] & _MARK == _MARK, ages[place]))]
            words[4] += 1
        place = base + free[0]
        words[5] += int(slots[free[0]] == 0)
        words[place + _SLOTS] = hour << 40 | hour << 16 | 1
        words[place] = key.print | owner
        return True

    def drop(self, kind: str, id_: str, owner: int) -> bool:
        """It is no longer the owner's."""
        dropped = False
        for key in (self.key(kind, id_), self.key(kind, id_, owner)):
            place = self._place(key, key.print | owner)
            if place is not None:
                self._words[place] = 0
                self._words[5] -= 1
                dropped = True
        return dropped

    def forget(self, kind: str, id_: str) -> int:
        """It is nobody's: how many edges went. Those elsewhere are out of reach from now on, and fade."""
        base, mark = self.key(kind, id_)
        gone = 0
        for place, word in enumerate(self._words[base : base + _SLOTS].tolist()):
            if word >> 32 << 32 == mark:
                self._words[base + place] = 0
                gone += 1
        self._words[5] -= gone
        return gone

    # Statistics of a kind.

    def _row(self, kind: str) -> int:
        row = self._kinds.get(kind)
        if row is None:
            hashed = self._hash.copy()
            hashed.update(b"kind\0" + kind.encode())
            number = int.from_bytes(hashed.digest()[:8], "little") or 1
            rows = range(_HEADER, _START, _KIND)
            row = next((row for row in rows if self._words[row] in (0, number)), _HEADER + _KIND * (_KINDS - 1))
            self._words[row] = number
            self._kinds[kind] = row
        return row

    def note_first(self, kind: str, at: float) -> None:
        row = self._row(kind)
        if not self._words[row + 1]:
            self._words[row + 1] = int(at)

    def note_use(self, kind: str, owner: int, at: float, keep: float, *, own: bool) -> None:
        """A principal used an object that is known; each counts once."""
        if self.hold("\0" + kind, _OWNERS if own else _OTHERS, owner, at, keep):
            self._words[self._row(kind) + (2 if own else 3)] += 1

    def learned(self, kind: str) -> tuple[int, int, int]:
        """Since when (epoch seconds, 0: nothing yet), and the principals counted as owners and as others."""
        row = self._row(kind)
        return int(self._words[row + 1]), int(self._words[row + 2]), int(self._words[row + 3])

    def confident(self, kind: str, wanted: Confidence, at: float) -> bool:
        if not wanted.after and not wanted.owners:
            return True
        since, owners, others = self.learned(kind)
        return (
            bool(since) and at - since >= wanted.after and owners >= wanted.owners and others <= wanted.others * owners
        )
