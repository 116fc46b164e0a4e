"""What the verify… operators share: a pattern finds candidates, and arithmetic on their digits decides."""

from __future__ import annotations

import re
from collections.abc import Callable

from stockade.waf.operators.base import BadArgument, Hit, Test
from stockade.waf.operators.patterns import Pattern
from stockade.waf.operators.rx import anchored, overrun, searcher

_NO_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")
_Valid = Callable[[bytes], bool]
_Find = Callable[[bytes], Hit | None]


def digits_of(text: bytes) -> bytes:
    return text.translate(None, _NO_DIGITS)


def in_order(argument: bytes, fewest: int, valid: _Valid) -> Test:
    """The first match that is valid; matches may overlap, each begins after the beginning of the one before."""

    def finder(pattern: Pattern) -> _Find:
        search = searcher(pattern)

        def find(value: bytes) -> Hit | None:
            place = 0
            while place < len(value) and (spans := search(value, place)) is not None:
                start, end = spans[0]
                if valid(found := value[start:end]):
                    return Hit(start, end - start, (found,))
                place = start + 1
            return None

        return find

    return _verifier(argument, fewest, finder)


def in_suffixes(argument: bytes, fewest: int, valid: _Valid) -> Test:
    """The first match or group that is valid, of the value, of the value without its first byte, and so on: `^` and
    `\\b` hold anew at each, so that a number within a longer one is found, too."""

    def finder(pattern: Pattern) -> _Find:
        match = anchored(pattern)
        starts = re.compile(b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(pattern.first)) + b"]")

        def find(value: bytes) -> Hit | None:
            view = memoryview(value)
            for place in map(re.Match[bytes].start, starts.finditer(value)):
                for start, end in match(view[place:], 0) or ():
                    if start >= 0 and valid(found := value[place + start : place + end]):
                        return Hit(place + start, end - start, (found,))
            return None

        return find

    return _verifier(argument, fewest, finder)


def _verifier(argument: bytes, fewest: int, finder: Callable[[Pattern], _Find]) -> Test:
    """`fewest`: how many digits a value must hold to be looked at."""
    if not argument:
        raise BadArgument("a pattern is needed that the numbers to verify match")
    pattern = Pattern.compile(argument)
    find: _Find | None = None

    def test(value: bytes) -> Hit | None:
        nonlocal find
        if len(value) < fewest or len(digits_of(value)) < fewest:
            return None
        if find is None:
            find = finder(pattern)
        try:
            return find(value)
        except TimeoutError:
            return overrun(pattern, value)

    return test
