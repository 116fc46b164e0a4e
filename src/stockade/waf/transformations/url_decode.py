"""urlDecode: `%HH` is a byte and `+` a space (application/x-www-form-urlencoded). What is no such escape stays.

Runs at C speed whatever the input: the escapes are rewritten to quoted-printable (RFC 2045, section 6.7), for which
the standard library has a decoder in C.
"""

from __future__ import annotations

import re
from binascii import a2b_qp

_STRAY = re.compile(rb"%(?![0-9A-Fa-f]{2})")

TOUCHES = frozenset(b"%+")


def url_decode(value: bytes) -> bytes:
    if b"+" in value:
        value = value.replace(b"+", b" ")
    if b"%" not in value:
        return value
    return from_printable(value.replace(b"=", b"=3D"))


def from_printable(value: bytes) -> bytes:
    """Decodes `%HH` and `=HH` alike. Every "=" in the value begins an escape."""
    return a2b_qp(_STRAY.sub(b"=25", value).replace(b"%", b"="))
