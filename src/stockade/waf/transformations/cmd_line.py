r"""cmdLine: undoes what shells ignore, so that `c^m"d" ,/c` reads `cmd/c`.

Deletes `\`, `"`, `'` and `^`; turns commas, semicolons and white space (not \v and \f) into one space; deletes the
space before `/` and `(`; lowers the case of A to Z.
"""

from __future__ import annotations

import re

_DELETED = b"\\\"'^"
_SPACES = b" ,;\t\r\n"
_TABLE = bytes(ord(" ") if byte in _SPACES else byte for byte in range(256)).lower()
_RUN = re.compile(rb"  +")

TOUCHES = frozenset(_DELETED + _SPACES + b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def cmd_line(value: bytes) -> bytes:
    value = value.translate(_TABLE, _DELETED)
    if b" " not in value:
        return value
    if b"  " in value:
        value = _RUN.sub(b" ", value)
    return value.replace(b" /", b"/").replace(b" (", b"(")
