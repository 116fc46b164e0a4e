r"""verifySSN: a match of the pattern is a United States social security number, by its form.

    SecRule RESPONSE_BODY "@verifySSN \d{3}-?\d{2}-?\d{4}" …

Nine digits (other bytes are passed over): an area below 740 and not 666, no part all zeros, not all digits the same,
and not each one more than the one before. TX:0 is the match.
"""

from __future__ import annotations

from stockade.waf.operators.base import Files, Test
from stockade.waf.operators.candidates import digits_of, in_suffixes

_AREAS = 740
_SIZE = 9


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return in_suffixes(argument, _SIZE, _valid)


def _valid(text: bytes) -> bool:
    digits = digits_of(text)
    if len(digits) != _SIZE or digits in b"123456789" or digits == digits[:1] * _SIZE:
        return False
    area, group, serial = int(digits[:3]), int(digits[3:5]), int(digits[5:])
    return 0 < area < _AREAS and area != 666 and group > 0 and serial > 0
