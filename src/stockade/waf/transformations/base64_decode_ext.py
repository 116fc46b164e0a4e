"""base64DecodeExt: forgiving Base64. Bytes outside the alphabet are passed over, padding may be missing or anywhere.

The result is empty when padding stands where only six bits of a byte have been seen. ModSecurity's code takes a final
"9" (whose value, 61, is the code of "=") for padding too, and so do we: "YWJj9" is "".
"""

from __future__ import annotations

from binascii import a2b_base64

TOUCHES = None

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FOREIGN = bytes(byte for byte in range(256) if byte not in _ALPHABET and byte != ord("="))


def base64_decode_ext(value: bytes) -> bytes:
    digits = value.translate(None, _FOREIGN)
    if b"=" in digits:
        parts = digits.split(b"=")
        if _padded_too_early(parts[:-1]):
            return b""
        digits = b"".join(parts)
    rest = len(digits) & 3
    if rest == 1:
        if value.endswith(b"9"):
            return b""
        digits = digits[:-1]
    return a2b_base64(digits + b"=" * (-len(digits) & 3))


def _padded_too_early(parts: list[bytes]) -> bool:
    seen = 0
    for part in parts:
        seen += len(part)
        if seen & 3 == 1:
            return True
    return False
