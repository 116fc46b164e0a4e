r"""rx: a regular expression matches somewhere in the value. TX:0 is the match, TX:1 to TX:9 its groups.

    SecRule ARGS "@rx (?i)\bselect\b.+\bfrom\b" …

Patterns mean what PCRE2 takes them for under the options that ModSecurity v3 sets: a dot matches newlines, `^` and `$`
hold at each line, letters are case-sensitive unless `(?i)` says otherwise, values are bytes. The empty pattern matches
every value. RE2 matches them, in time linear in the value. What RE2 cannot express (back-references, lookarounds,
some possessive repeats) is matched by the `regex` package once a simpler superset has matched, and for 50 ms at most;
a value that takes longer counts as a match.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

import re2  # type: ignore[import-not-found,import-untyped,unused-ignore]
import regex  # type: ignore[import-not-found,import-untyped,unused-ignore]

from stockade.waf.operators.base import SOMEWHERE, Files, Hit, Test
from stockade.waf.operators.patterns import Pattern

_TIME = 0.05  # seconds
_MEMORY = 1 << 25  # bytes that RE2 may use for one pattern's states
_Spans: TypeAlias = list[tuple[int, int]]
Buffer: TypeAlias = bytes | memoryview
Search: TypeAlias = Callable[[Buffer, int], _Spans | None]
"""Spans of the match and its groups, from a place in the value on; (-1, -1) for a group that took no part; None for
no match. Raises TimeoutError."""

_log = logging.getLogger(__name__)


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    if not argument:
        return lambda value: SOMEWHERE  # noqa: ARG005
    pattern = Pattern.compile(argument)
    search: Search | None = None

    def test(value: bytes) -> Hit | None:
        nonlocal search
        if search is None:
            search = searcher(pattern)  # when the first value comes: most rules of a large set are never asked
        try:
            spans = search(value, 0)
        except TimeoutError:
            return overrun(pattern, value)
        return None if spans is None else _hit(value, spans)

    return test


def _hit(value: bytes, spans: _Spans) -> Hit:
    start, end = spans[0]
    return Hit(start, end - start, tuple([None if first < 0 else value[first:last] for first, last in spans]))


def overrun(pattern: Pattern, value: bytes) -> Hit:
    _log.warning("a value of %d bytes took the pattern %.60r longer than %g s", len(value), pattern.source, _TIME)
    return Hit(0, len(value), (value,), overrun=True)


def searcher(pattern: Pattern) -> Search:
    """The fastest way to find the pattern that is exact."""
    linear = _linear(pattern.re2)
    if linear is None:
        return _guarded(pattern)
    if not pattern.newline:
        return linear
    careful: Search | None = None

    def search(value: Buffer, start: int) -> _Spans | None:
        nonlocal careful
        if value[-1:] != b"\n":
            return linear(value, start)
        if careful is None:
            careful = _guarded(pattern)
        return careful(value, start)

    return search


def anchored(pattern: Pattern) -> Search:
    """The match that begins where the search does, if there is one."""
    return _linear(pattern.re2, anchored=True) or _deadlined(pattern, anchored=True)


def _linear(source: bytes | None, *, anchored: bool = False) -> Search | None:
    if source is None:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(source, options)
    except re2.error:  # too large
        return None
    # The method under the wrapper's generator, which takes as long again.
    match: Callable[[Any, Buffer, int, int], _Spans] = compiled._regexp.Match
    anchor = re2._Anchor.ANCHOR_START if anchored else re2._Anchor.UNANCHORED

    def search(value: Buffer, start: int) -> _Spans | None:
        spans = match(anchor, value, start, len(value))
        return None if spans[0][0] < 0 else spans

    return search


def _deadlined(pattern: Pattern, *, anchored: bool = False) -> Search:
    compiled = regex.compile(pattern.bounded, regex.VERSION0)
    find = compiled.match if anchored else compiled.search
    groups = range(pattern.groups + 1)

    def search(value: Buffer, start: int) -> _Spans | None:
        found = find(value, start, timeout=_TIME)
        return None if found is None else [found.span(group) for group in groups]

    return search


def _guarded(pattern: Pattern) -> Search:
    """The bounded engine, asked where a superset of the pattern matches."""
    guard, search = _linear(pattern.guard), _deadlined(pattern)
    if guard is None:
        return search
    return lambda value, start: None if guard(value, start) is None else search(value, start)
