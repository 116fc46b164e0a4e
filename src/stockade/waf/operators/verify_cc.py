r"""verifyCC: a match of the pattern passes the Luhn check (ISO/IEC 7812-1), as numbers of payment cards do.

    SecRule RESPONSE_BODY "@verifyCC \d{13,16}" …

Bytes of the match that are no digits are passed over. TX:0 is the match.
"""

from __future__ import annotations

from stockade.waf.operators.base import Files, Test
from stockade.waf.operators.candidates import digits_of, in_order

_TO_NUMBERS = bytes(byte - 48 if 48 <= byte < 58 else 0 for byte in range(256))
_DOUBLED = bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)) + bytes(246)  # the sum of the digits of twice a digit


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return in_order(argument, 1, _passes)


def _passes(text: bytes) -> bool:
    numbers = digits_of(text).translate(_TO_NUMBERS)[::-1]
    return bool(numbers) and (sum(numbers[::2]) + sum(numbers[1::2].translate(_DOUBLED))) % 10 == 0
