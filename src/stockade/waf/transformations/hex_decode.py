"""hexDecode: two hexadecimal digits a byte. An odd digit at the end is dropped.

What is no digit is not refused but computed with, as ModSecurity's x2c does: letters count on beyond F whatever
their case, and bytes below "A" by their distance from "0".
"""

from __future__ import annotations

from binascii import Error, unhexlify

TOUCHES = None

_LOW = bytes(((byte & 0xDF) - 55 if byte >= ord("A") else byte - 48) & 0xFF for byte in range(256))
_HIGH = bytes(byte << 4 & 0xFF for byte in _LOW)


def hex_decode(value: bytes) -> bytes:
    try:
        return unhexlify(value)
    except Error:
        pairs = zip(value[::2].translate(_HIGH), value[1::2].translate(_LOW), strict=False)
        return bytes([high + low & 0xFF for high, low in pairs])
