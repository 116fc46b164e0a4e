"""base64Encode: the value in Base64 (RFC 4648, section 4), padded, in one line."""

from __future__ import annotations

from binascii import b2a_base64

TOUCHES = None


def base64_encode(value: bytes) -> bytes:
    return b2a_base64(value, newline=False)
