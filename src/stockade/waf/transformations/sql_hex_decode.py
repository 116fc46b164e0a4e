"""sqlHexDecode: `0x` and pairs of hexadecimal digits become the bytes they stand for: `0x616263` is "abc"."""

from __future__ import annotations

import re
from binascii import unhexlify

_LITERAL = re.compile(rb"0[xX]((?:[0-9A-Fa-f]{2})++)")

TOUCHES = frozenset(b"xX")


def sql_hex_decode(value: bytes) -> bytes:
    return _LITERAL.sub(_decoded, value)


def _decoded(literal: re.Match[bytes]) -> bytes:
    return unhexlify(literal[1])
