r"""verifyCPF: a match of the pattern is a Brazilian taxpayer's number, by its two check digits.

    SecRule RESPONSE_BODY "@verifyCPF \d{3}\.?\d{3}\.?\d{3}-?\d{2}" …

The first eleven digits of the match count. TX:0 is the match.
"""

from __future__ import annotations

from stockade.waf.operators.base import Files, Test
from stockade.waf.operators.candidates import digits_of, in_suffixes

_SIZE = 11
_BAD = frozenset((b"01234567890", *(b"%d" % digit * _SIZE for digit in range(10))))


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return in_suffixes(argument, _SIZE, _valid)


def _valid(text: bytes) -> bool:
    digits = digits_of(text.partition(b"\0")[0])[:_SIZE]
    if len(digits) != _SIZE or digits in _BAD:
        return False
    numbers = [digit - 48 for digit in digits]
    return all(_check(numbers[:place]) == numbers[place] for place in (9, 10))


def _check(numbers: list[int]) -> int:
    rest = sum(number * weight for number, weight in zip(reversed(numbers), range(2, 12), strict=False)) % 11
    return 0 if rest < 2 else 11 - rest
