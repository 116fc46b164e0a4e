"""validateByteRange: the value holds a byte outside the ranges: `@validateByteRange 9,10,13,32-126`.

Numbers are decimal, from 0 to 255. ModSecurity ignores a part that it cannot read; here it is refused.
"""

from __future__ import annotations

import re

from stockade.waf.operators.base import BadArgument, Files, Hit, Test

_RANGE = re.compile(rb"\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?")


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    good = allowed(argument)

    def test(value: bytes) -> Hit | None:
        outside = value.translate(None, good)
        return Hit(value.index(outside[0]), 1) if outside else None

    return test


def allowed(argument: bytes) -> bytes:
    """The bytes within the ranges. Raises BadArgument."""
    return bytes(sorted({byte for part in argument.split(b",") for byte in _range(part)}))


def _range(part: bytes) -> range:
    found = _RANGE.fullmatch(part)
    if found is None:
        raise BadArgument(f"{part.decode(errors='replace')!r} is no range of bytes: write 10 or 32-126")
    first = int(found[1])
    last = int(found[2] or found[1])
    if not first <= last <= 255:
        raise BadArgument(f"{part.decode()!r} is no range of bytes: they go from 0 to 255")
    return range(first, last + 1)
