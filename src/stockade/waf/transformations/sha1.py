"""sha1: the SHA-1 digest of the value, as 20 raw bytes. Rules usually put hexEncode after it."""

from __future__ import annotations

import hashlib

TOUCHES = None


def sha1(value: bytes) -> bytes:
    return hashlib.sha1(value, usedforsecurity=False).digest()
