r"""escapeSeqDecode: the escapes of ANSI C: `\a \b \f \n \r \t \v`, `\xHH`, and `\` with up to three octal digits.

Of any other escape the backslash is dropped; a last, lone backslash stays. `\777` is FF: bits above eight are lost.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:[xX]([0-9A-Fa-f]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_NAMED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

TOUCHES = frozenset(b"\\")


def escape_seq_decode(value: bytes) -> bytes:
    return _ESCAPE.sub(_decoded, value) if b"\\" in value else value


def _decoded(escape: re.Match[bytes]) -> bytes:
    kind = escape.lastindex
    text = escape[kind]  # type: ignore[index]  # one of the three groups always matches
    if kind == 3:
        return _NAMED.get(text, text)
    return b"%c" % (int(text, 16 if kind == 1 else 8) & 0xFF)
