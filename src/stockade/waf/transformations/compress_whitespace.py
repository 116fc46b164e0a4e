"""compressWhitespace: every run of white space, of whatever kind, becomes one space."""

from __future__ import annotations

import re

from stockade.waf.transformations.base import SPACES

_TABLE = bytes(ord(" ") if byte in SPACES else byte for byte in range(256))
_RUN = re.compile(rb"  +")

TOUCHES = frozenset(SPACES)


def compress_whitespace(value: bytes) -> bytes:
    value = value.translate(_TABLE)
    return _RUN.sub(b" ", value) if b"  " in value else value
