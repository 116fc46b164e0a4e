"""replaceNulls: NUL bytes become spaces."""

from __future__ import annotations

TOUCHES = frozenset(b"\0")


def replace_nulls(value: bytes) -> bytes:
    return value.replace(b"\0", b" ")
