r"""cssDecode: the escapes of CSS 2 (section 4.1.3): `ja\vascript` and `j\61 vascript` are "javascript".

`\` and one to six hexadecimal digits is the byte of the last two of them, a full-width character (FF01 to FF5E) its
ASCII twin; one white space after it belongs to it. `\` and a line feed is nothing, `\` and any other byte that byte,
and a last `\` nothing.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:([0-9A-Fa-f]{1,6})[ \t\n\v\f\r]?|\n|(.)|\Z)", re.DOTALL)

TOUCHES = frozenset(b"\\")


def css_decode(value: bytes) -> bytes:
    return _ESCAPE.sub(_decoded, value) if b"\\" in value else value


def _decoded(escape: re.Match[bytes]) -> bytes:
    digits = escape[1]
    if digits is None:
        return escape[2] or b""
    code = int(digits[-2:], 16)
    if 0 < code < 0x5F and digits[-4:-2] in _FULL_WIDTH and not digits[:-4].strip(b"0"):
        code += 0x20
    return b"%c" % code


_FULL_WIDTH = (b"ff", b"fF", b"Ff", b"FF")
