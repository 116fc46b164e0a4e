"""Percent escapes, as ModSecurity v3 decodes them before any rule sees a value.

`unescape` is for paths: `%41` becomes A, a broken escape stays as it is. `unescape_form` is for
application/x-www-form-urlencoded: a plus sign becomes a space as well. Both are linear.
"""

from __future__ import annotations

import re

_HEX = "0123456789abcdefABCDEF"
_BYTES = {(high + low).encode(): bytes((int(high + low, 16),)) for high in _HEX for low in _HEX}
is_broken = re.compile(rb"%(?![0-9a-fA-F]{2})").search


def unescape(value: bytes) -> bytes:
    """Decode percent escapes.

    >>> unescape(b"/a%2fb%zz+%4")
    b'/a/b%zz+%4'
    """
    head, *rest = value.split(b"%")
    if not rest:
        return value
    pieces = [head]
    known = _BYTES
    for piece in rest:
        byte = known.get(piece[:2])
        if byte is None:
            pieces += (b"%", piece)
        else:
            pieces += (byte, piece[2:])
    return b"".join(pieces)


def unescape_form(value: bytes) -> bytes:
    """Decode plus signs and percent escapes.

    >>> unescape_form(b"a+%2B")
    b'a +'
    """
    return unescape(value.replace(b"+", b" "))
