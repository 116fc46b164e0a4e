"""`Detector`: one kind of thing that should not leave, as triggers for Hyperscan and exact confirmation.

A trigger is a short expression that says, by its end, where to look. It must match in at most `REACH` bytes, so that a
stream can be searched in pieces; what it finds is then confirmed exactly: by RE2, by check digits, by a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import re2
from msgspec import Struct

REACH = 320  # bytes: how far left of a trigger's end anything may begin, or be looked at
LONGEST = 16 << 10  # bytes: how far right of it anything may go

Severity: TypeAlias = Literal["low", "medium", "high", "critical"]
Action: TypeAlias = Literal["report", "mask", "remove", "block"]


class Window(NamedTuple):
    """What a confirmation may look at: `data[low:stop]`, which is all of it. `at` is where the trigger ended.

    It is cut from the body at distances that the trigger fixes, so that what is confirmed does not depend on pieces.
    """

    data: bytes
    low: int
    at: int
    stop: int


Span: TypeAlias = tuple[int, int]
Confirm: TypeAlias = Callable[[Window], Span | None]


class Trigger(Struct, frozen=True):
    """expression: for Hyperscan, of bytes. after: how far right of its end `confirm` looks, bytes."""

    expression: bytes
    confirm: Confirm
    after: int = 256
    caseless: bool = False


class Detector(Struct, frozen=True):
    """action: what is done about it unless the policy says otherwise."""

    name: str
    triggers: tuple[Trigger, ...]
    severity: Severity
    action: Action
    about: str  # a few words for lists


def pattern(source: bytes) -> Any:
    """An RE2 pattern of bytes, case-sensitive, `.` without line feeds."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(source, options)


def shape(source: bytes) -> re.Pattern[bytes]:
    """A pattern for what is short, by the standard library: several times quicker than RE2 there.

    Only for patterns that cannot backtrack far by their very form; `test_detector_shapes` tries each at its worst.
    """
    return re.compile(source)


ALNUM = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
WORD = ALNUM | {0x5F}


def follows_word(data: bytes, start: int, low: int) -> bool:
    """Whether what begins there is the rest of a longer word. An escape of JSON is none: `\\nfoo`, `\\u003cfoo`."""
    if start <= low or data[start - 1] not in WORD:
        return False
    if start - 2 >= low and data[start - 2] == 0x5C and data[start - 1] in b"nrtbf":
        return False
    return not (start - 6 >= low and data[start - 6 : start - 4] == b"\\u")


def precedes_word(data: bytes, end: int, stop: int) -> bool:
    """Whether what ends at `end` is but the beginning of a longer word."""
    return end < stop and data[end] in WORD


def start_at(window: Window, text: bytes) -> int:
    """Where the trigger began, that begins with `text`; -1: out of reach."""
    return window.data.rfind(text, window.low, window.at)


def line_span(window: Window, start: int, most: int) -> Span:
    """From `start` to the end of the line or of the element, `most` bytes at most. Masking sees to strings."""
    stop = min(window.stop, window.at + most)
    found = _LINE_END.search(window.data, max(start, window.at - 2), stop)
    return start, found.start() if found is not None else stop


_LINE_END = pattern(rb"\\[nr]|[\r\n]|</")
