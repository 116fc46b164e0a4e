r"""cmdLine: undoes what shells ignore, so that `c^m"d" ,/c` reads `cmd/c`.

Deletes `\`, `"`, `'` and `^`; turns commas, semicolons and white space (not \v and \f) into one space; deletes the
space before `/` and `(`; lowers the case of A to Z.
"""

from __future__ import annotations

import re

_DELETED = b"\\\"'^"
_SPACES = b" ,;\t\r\n"
_TABLE = bytes(ord(" ") if byte in _SPACES else byte for byte in range(256))
_RUN = re.compile(rb"  +")

TOUCHES_IN_ANY_CASE = frozenset(_DELETED + _SPACES)
TOUCHES = TOUCHES_IN_ANY_CASE | frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def cmd_line(value: bytes) -> bytes:
    return cmd_line_in_any_case(value.lower())


def cmd_line_in_any_case(value: bytes) -> bytes:
    """The same with letters as they were, for a search that ignores case."""
    value = value.translate(_TABLE, _DELETED)
    if b" " not in value:
        return value
    if b"  " in value:
        value = _RUN.sub(b" ", value)
    return value.replace(b" /", b"/").replace(b" (", b"(")
