"""contains, and strmatch, which ModSecurity v3 makes the same: the argument stands somewhere in the value.

Byte for byte. The empty argument stands in every value.
"""

from __future__ import annotations

from stockade.waf.operators.base import Files, Hit, Test


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    length = len(argument)

    def test(value: bytes) -> Hit | None:
        offset = value.find(argument)
        return None if offset < 0 else Hit(offset, length)

    return test
