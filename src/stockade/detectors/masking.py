"""How a span is masked without harm to what is around it: JSON stays JSON, UTF-8 stays UTF-8, and the length stays.

A mask is an asterisk for each byte. In JSON it never begins or ends within an escape, never covers the quotation mark
that ends a string, and a bare number becomes one of nines.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stockade.detectors.detector import REACH, Action

_NINES = bytes(0x39 if char in b"0123456789" else char for char in range(256))
_BETWEEN = frozenset(b'"{}[]:, \t\r\n')
_NUMBER = b"0123456789.eE+-"


class Mark(NamedTuple):
    """From where to where, and what is done there. bare: it is a number of JSON, outside of strings."""

    start: int
    end: int
    action: Action
    bare: bool = False


def mark(data: bytes, start: int, end: int, stop: int, action: Action, place: Place | None = None) -> Mark | None:
    """The span, trimmed so that it can be masked or removed; None when nothing of it is left.

    What is looked at lies within REACH left of `start`, and right of `end` before `stop`.
    place: of JSON, whether `start` lies in a string; None: it is no JSON.
    """
    bare = False
    if place is not None and place.in_string:
        start = _past_escape(data, start)
        end = _before_quote(data, start, end)
    elif place is not None:
        bare = not data[start:end].strip(_NUMBER)
        quote = data.find(b'"', start, end) if data[start] in _BETWEEN else -1
        if quote >= 0:  # the string that is meant begins within the span
            start, end = quote + 1, _before_quote(data, quote + 1, end)
        # Any other text outside of strings is no JSON, and need not be spared.
    while start < end and data[start] & 0xC0 == 0x80:
        start += 1
    while start < end < stop and data[end] & 0xC0 == 0x80:
        end -= 1
    return Mark(start, end, action, bare) if start < end else None


class Place(NamedTuple):
    """Where in JSON a byte is: whether in a string, and right behind a backslash."""

    in_string: bool = False
    escaped: bool = False

    def after(self, passed: bytes) -> Place:
        """The place behind these bytes."""
        if not passed:
            return self
        if not self.escaped and b"\\" not in passed:
            return Place(True) if self.in_string != bool(passed.count(b'"') & 1) else _OUTSIDE
        escaped = False
        if self.escaped:
            passed = passed[1:]
        if b"\\" in passed:
            passed = _ESCAPE.sub(b"", passed)
            escaped = passed[-1:] == b"\\"
        return Place(self.in_string != bool(passed.count(b'"') & 1), escaped)


_OUTSIDE = Place()
_ESCAPE = re.compile(rb"\\[\s\S]")


def _escaping(data: bytes, at: int) -> bool:
    """Whether the backslash at `at` begins an escape: it is no escaped one itself. Of a very long run: maybe."""
    first = at
    while first > 0 and data[first - 1] == 0x5C:
        first -= 1
        if at - first >= REACH // 2:
            return True
    return (at - first) % 2 == 0


def _past_escape(data: bytes, start: int) -> int:
    """The first place from `start` on that is not within an escape."""
    if data.find(b"\\", max(0, start - 5), start) < 0:
        return start
    for back in range(1, 6):
        at = start - back
        if at < 0:
            break
        if data[at] == 0x5C and _escaping(data, at):
            size = 6 if data[at + 1 : at + 2] == b"u" else 2
            return max(start, at + size)
    return start


def _before_quote(data: bytes, start: int, end: int) -> int:
    """Where the string ends, if that is before `end`, and never behind a backslash that begins an escape."""
    if start >= end or (data.find(b'"', start, end) < 0 and data[end - 1] != 0x5C):
        return end
    at = start
    while at < end:
        if data[at] == 0x5C:
            if at + 1 >= end:
                return at
            at += 2
        elif data[at] == 0x22:
            return at
        else:
            at += 1
    return end


def rendered(data: bytes, start: int, end: int, marks: list[Mark]) -> bytes:
    """`data[start:end]` with what is marked masked or removed. Where marks overlap the stronger action holds."""
    out = bytearray(data[start:end])
    removed: list[tuple[int, int]] = []
    for each in sorted(marks, key=lambda one: one.bare):  # numbers last, for they must stay numbers
        first, last = max(each.start, start) - start, min(each.end, end) - start
        if first >= last or each.action == "report":
            continue
        if each.bare:
            out[first:last] = data[start + first : start + last].translate(_NINES)
        elif each.action == "remove":
            removed.append((first, last))
        else:
            out[first:last] = b"*" * (last - first)
    kept = len(out)
    for first, last in sorted(removed, reverse=True):
        if first < kept:
            del out[first : min(last, kept)]
            kept = first
    return bytes(out)
