"""eq, ge, gt, le, lt: compare numbers. What does not begin with one is 0, so "12abc" is 12 and "" is 0.

As in ModSecurity, eq reads 32 bits and takes what does not fit for 0; the others read 64 and stop at the limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stockade.waf.operators.base import SOMEWHERE, Files, Make, Test

_NUMBER = re.compile(rb"[ \t\n\v\f\r]*+([+-]?)0*+([0-9]*+)")
_SMALL = {b"%d" % number: number for number in range(1000)}
_MOST = 2**63 - 1
_DIGITS = 19  # those of _MOST


def number(value: bytes) -> int:
    """As C's atoll(): white space, a sign, digits, and anything after them; held to 64 bits."""
    small = _SMALL.get(value)
    if small is not None:
        return small
    found = _NUMBER.match(value)
    assert found is not None
    sign, digits = found.groups()
    size = min(int(digits or b"0"), _MOST + 1) if len(digits) <= _DIGITS else _MOST + 1
    return -size if sign == b"-" else min(size, _MOST)


def number32(value: bytes) -> int:
    """As C++'s stoi(), where 0 stands for its exceptions."""
    found = number(value)
    return found if -(2**31) <= found < 2**31 else 0


def _maker(read: Callable[[bytes], int], holds: Callable[[int, int], bool]) -> Make:
    def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
        limit = read(argument)
        return lambda value: SOMEWHERE if holds(read(value), limit) else None

    return make


make_eq = _maker(number32, int.__eq__)
make_ge = _maker(number, int.__ge__)
make_gt = _maker(number, int.__gt__)
make_le = _maker(number, int.__le__)
make_lt = _maker(number, int.__lt__)
