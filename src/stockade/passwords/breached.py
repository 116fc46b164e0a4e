"""Passwords that are known from breaches: a sorted list of their digests, looked up without reading it whole.

    000000005AD76BD555C1D6D771DE417A4B87E4B4:10      SHA-1 of the password, hex; how often it was seen
    00000000A8DAE4228F821FB418F59826079BF368:4

This is how Have I Been Pwned hands out its list ("ordered by hash"), 40 GB of it, and how its range endpoint answers.
SHA-1 is good enough here: it protects nothing, it is the name under which a password that is public is listed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

_is_line = re.compile(rb"([0-9A-Fa-f]{40})(?::(\d{1,18}))?\r?\n?").fullmatch
_is_suffix = re.compile(rb"([0-9A-Fa-f]{35}):(\d{1,18})").fullmatch
_LONGEST = 64  # bytes of a line
PREFIX: Final = 5  # hex digits that the range endpoint is told
_SAMPLES = 64


class BadBreachList(ValueError):
    """What should be such a list, or a part of one, is none."""


def breach_digest(password: str) -> str:
    """The 40 hex digits under which it is listed."""
    return hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()


class BreachList:
    """read: (offset, length) → bytes, as pread does. size: of the whole, bytes. Raises BadBreachList."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._check()

    def count(self, digest: str) -> int:
        """How often the password was seen; 0: never."""
        wanted = digest.encode()
        low, high = 0, self._size  # the line begins at `low` or later, and before `high`
        while low < high:
            middle = (low + high) // 2
            begin, line = self._line_from(middle, low)
            found, seen = _parsed(line) if begin < high else (b"~", 0)
            if found == wanted:
                return seen
            if found < wanted:
                low = begin + len(line)
            else:
                high = middle
        return 0

    def _line_from(self, offset: int, floor: int) -> tuple[int, bytes]:
        """The first line that begins at `offset` or later: where, and the line; past the end: the size, and none."""
        if offset > floor:  # unless a line begins right there, the rest of one comes first
            ahead = self._read(offset - 1, 2 * _LONGEST)
            end = ahead.find(b"\n")
            if end < 0 or offset + end >= self._size:
                if len(ahead) >= 2 * _LONGEST:
                    raise BadBreachList("it has lines that are too long")
                return self._size, b""
            offset += end
        line, newline, _ = self._read(offset, 2 * _LONGEST).partition(b"\n")
        return offset, line + newline

    def _check(self) -> None:
        """Whether it begins as one, and some of its lines stand in order: not all are read."""
        if self._size == 0:
            raise BadBreachList("it is empty")
        last = b""
        for sample in range(_SAMPLES):
            offset = self._size * sample // _SAMPLES
            begin, line = self._line_from(offset, 0)
            if begin >= self._size:
                break
            digest, _ = _parsed(line)
            if digest < last:
                raise BadBreachList("it is not sorted; `sort` it, or use the download that is ordered by hash")
            last = digest


def _parsed(line: bytes) -> tuple[bytes, int]:
    found = _is_line(line)
    if found is None:
        raise BadBreachList("a line is no SHA-1 digest with a number behind it (5BAA61E4…:3)")
    return found[1].upper(), int(found[2]) if found[2] is not None else 1


def count_in_range(data: bytes, digest: str) -> int:
    """The same from the answer of a range endpoint, to which only the first five digits were told (k-anonymity).

    Lines that it adds to hide how many there are count 0. Raises BadBreachList on what is no such answer.
    """
    wanted, seen = digest[PREFIX:].encode(), 0
    for line in data.split():
        found = _is_suffix(line)
        if found is None:
            raise BadBreachList("the answer is no list of digests")
        if found[1].upper() == wanted:
            seen = int(found[2])
    return seen
