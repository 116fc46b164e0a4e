"""rxGlobal: rx, but TX holds every match and its groups, one after the other: TX:0 the first match, TX:1 its first
group, and so on through all matches. The first thousand are kept."""

from __future__ import annotations

from stockade.waf.operators.base import SOMEWHERE, Files, Hit, Test
from stockade.waf.operators.patterns import Pattern
from stockade.waf.operators.rx import Search, overrun, searcher

_MOST_CAPTURES = 1000


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    if not argument:
        return lambda value: SOMEWHERE  # noqa: ARG005
    pattern = Pattern.compile(argument)
    search: Search | None = None

    def test(value: bytes) -> Hit | None:
        nonlocal search
        if search is None:
            search = searcher(pattern)
        try:
            return _all(search, value)
        except TimeoutError:
            return overrun(pattern, value)

    return test


def _all(search: Search, value: bytes) -> Hit | None:
    hit: Hit | None = None
    captures: list[bytes | None] = []
    place = 0
    while place <= len(value) and len(captures) < _MOST_CAPTURES:
        spans = search(value, place)
        if spans is None:
            break
        captures.extend([None if first < 0 else value[first:last] for first, last in spans])
        start, end = spans[0]
        hit = hit or Hit(start, end - start)
        place = end if end > start else end + 1
    return hit and hit._replace(captures=tuple(captures))
