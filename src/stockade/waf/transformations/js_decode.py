r"""jsDecode: the escapes of JavaScript: `\uHHHH`, `\xHH`, up to three octal digits, and `\a \b \f \n \r \t \v`.

Of `\uHHHH` the low byte is kept, and a full-width character (FF01 to FF5E) becomes its ASCII twin. An octal escape
ends before it would exceed `\377`. Of any other escape the backslash is dropped; a last, lone backslash stays.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    rb"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-3][0-7]{0,2}|[4-7][0-7]?)|(.))",
    re.DOTALL,
)
_NAMED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

TOUCHES = frozenset(b"\\")


def js_decode(value: bytes) -> bytes:
    return _ESCAPE.sub(_decoded, value) if b"\\" in value else value


def _decoded(escape: re.Match[bytes]) -> bytes:
    kind = escape.lastindex
    text = escape[kind]  # type: ignore[index]  # one of the four groups always matches
    if kind == 4:
        return _NAMED.get(text, text)
    if kind == 3:
        return b"%c" % int(text, 8)
    code = int(text, 16)
    if 0xFF00 < code < 0xFF5F:
        code += 0x20
    return b"%c" % (code & 0xFF)
