"""removeNulls: drops NUL bytes."""

from __future__ import annotations

TOUCHES = frozenset(b"\0")


def remove_nulls(value: bytes) -> bytes:
    return value.replace(b"\0", b"")
