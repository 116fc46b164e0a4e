"""urlDecodeUni: urlDecode that knows Microsoft's `%uHHHH` as well.

Of `%uHHHH` the low byte is kept, and a full-width character (FF01 to FF5E) becomes its ASCII twin. An incomplete `%u`
stays as it is.
"""

from __future__ import annotations

import re

from stockade.waf.transformations.url_decode import from_printable

_UNICODE = re.compile(rb"%[uU](?![fF]{2})[0-9A-Fa-f]{2}(?=[0-9A-Fa-f]{2})")
_FULL_WIDTH = re.compile(rb"%[uU][fF]{2}([0-9A-Fa-f]{2})")

TOUCHES = frozenset(b"%+")


def url_decode_uni(value: bytes) -> bytes:
    if b"+" in value:
        value = value.replace(b"+", b" ")
    if b"%" not in value:
        return value
    value = value.replace(b"=", b"=3D")
    if b"%u" in value or b"%U" in value:
        value = _UNICODE.sub(b"=", value)
        value = _FULL_WIDTH.sub(_narrowed, value)
    return from_printable(value)


def _narrowed(escape: re.Match[bytes]) -> bytes:
    code = int(escape[1], 16)
    return b"=%02X" % (code + 0x20 if 0 < code < 0x5F else code)
