"""uppercase: a to z become A to Z. No other byte changes."""

from __future__ import annotations

TOUCHES = frozenset(b"abcdefghijklmnopqrstuvwxyz")


def uppercase(value: bytes) -> bytes:
    return value.upper()
