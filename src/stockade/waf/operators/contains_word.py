"""containsWord: the argument stands in the value with no ASCII letter before or after it. Digits and `_` part words.

The empty argument matches every value.
"""

from __future__ import annotations

import re

from stockade.waf.operators.base import SOMEWHERE, Files, Hit, Test


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    if not argument:
        return lambda value: SOMEWHERE  # noqa: ARG005
    search = re.compile(rb"(?<![A-Za-z])" + re.escape(argument) + rb"(?![A-Za-z])").search
    length = len(argument)

    def test(value: bytes) -> Hit | None:
        if argument not in value:
            return None
        found = search(value)
        return None if found is None else Hit(found.start(), length)

    return test
