"""length: the number of bytes, in decimal."""

from __future__ import annotations

TOUCHES = None


def length(value: bytes) -> bytes:
    return b"%d" % len(value)
