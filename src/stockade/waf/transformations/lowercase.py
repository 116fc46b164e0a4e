"""lowercase: A to Z become a to z. No other byte changes, so UTF-8 stays whole."""

from __future__ import annotations

TOUCHES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def lowercase(value: bytes) -> bytes:
    return value.lower()
