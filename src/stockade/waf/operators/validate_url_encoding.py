"""validateUrlEncoding: the value holds a "%" that two hexadecimal digits do not follow."""

from __future__ import annotations

import re

from stockade.waf.operators.base import Files, Hit, Test

_STRAY = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    def test(value: bytes) -> Hit | None:
        if b"%" not in value:
            return None
        found = _STRAY.search(value)
        return None if found is None else Hit(found.start(), 1)

    return test
