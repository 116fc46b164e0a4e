"""Percent escapes, as ModSecurity v3 decodes them before any rule sees a value.

`unescape` is for paths: `%41` becomes A, a broken escape stays as it is. It is linear.
"""

from __future__ import annotations

import codecs
import re

_HEX = "0123456789abcdefABCDEF"
_BYTES = {(high + low).encode(): bytes((int(high + low, 16),)) for high in _HEX for low in _HEX}
_broken = re.compile(rb"%(?![0-9a-fA-F]{2})")
is_broken = _broken.search
_FEW = 16


def unescape(value: bytes) -> bytes:
    """Decode percent escapes.

    >>> unescape(b"/a%2fb%zz+%4")
    b'/a/b%zz+%4'
    """
    head, *rest = value.split(b"%", _FEW)
    if not rest:
        return value
    if len(rest) == _FEW:
        return _unescape_many(value)
    pieces = [head]
    known = _BYTES
    for piece in rest:
        byte = known.get(piece[:2])
        if byte is None:
            pieces += (b"%", piece)
        else:
            pieces += (byte, piece[2:])
    return b"".join(pieces)


def _unescape_many(value: bytes) -> bytes:
    """The same at C speed, by way of the escapes of Python's own literals."""
    literal = _broken.sub(b"%25", value).replace(b"\\", b"\\\\").replace(b"%", b"\\x")
    return codecs.escape_decode(literal)[0]
