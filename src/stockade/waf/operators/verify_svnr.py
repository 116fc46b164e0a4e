r"""verifySVNR: a match of the pattern is an Austrian social security number, by its check digit.

    SecRule RESPONSE_BODY "@verifySVNR \d{4} ?\d{6}" …

The first ten digits of the match count; the fourth is the check digit. TX:0 is the match.
"""

from __future__ import annotations

from stockade.waf.operators.base import Files, Test
from stockade.waf.operators.candidates import digits_of, in_suffixes

_SIZE = 10
_WEIGHTS = (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)
# ModSecurity lists those of eight and nine as well, but does not look so far.
_BAD = frozenset((b"0123456789", b"1234567890", *(b"%d" % digit * _SIZE for digit in range(8))))


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return in_suffixes(argument, _SIZE, _valid)


def _valid(text: bytes) -> bool:
    digits = digits_of(text.partition(b"\0")[0])[:_SIZE]
    if len(digits) != _SIZE or digits in _BAD:
        return False
    check = sum((digit - 48) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
    return check % 10 == digits[3] - 48
