"""base64Decode: strict Base64 (RFC 4648, section 4), as Mbed TLS decodes it for ModSecurity.

What follows a NUL byte is ignored. Line ends, and spaces before them or at the end, are passed over. A value that is
not Base64 then, or not whole groups of four, stays as it is.
"""

from __future__ import annotations

import re
from binascii import a2b_base64

TOUCHES = None

_BREAKS = re.compile(rb"(?<! ) *+\r?\n")  # the look-behind keeps long runs of spaces linear
_STRICT = re.compile(rb"[A-Za-z0-9+/]*+={0,2}")


def base64_decode(value: bytes) -> bytes:
    text = value.partition(b"\0")[0]
    if not _STRICT.fullmatch(text):
        text = text.rstrip(b" ")
        if b"\n" in text:
            text = _BREAKS.sub(b"", text)
        if not _STRICT.fullmatch(text):
            return value
    return value if len(text) & 3 else a2b_base64(text)
