"""hexEncode: each byte as two hexadecimal digits, in lower case."""

from __future__ import annotations

from binascii import hexlify

TOUCHES = None


def hex_encode(value: bytes) -> bytes:
    return hexlify(value)
