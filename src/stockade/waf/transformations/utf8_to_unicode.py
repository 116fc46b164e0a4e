"""utf8toUnicode: characters beyond ASCII become `%uhhhh`, for urlDecodeUni to read: "é" is `%u00e9`.

Valid UTF-8 goes at C speed. In the rest, as in ModSecurity: a lead byte without its continuation is dropped (F5 to F7
are kept), a stray continuation byte stays, an overlong form or a surrogate is followed by its lead byte. NUL bytes are
dropped, except one at the end.
"""

from __future__ import annotations

import re

_GUARD = "\U0010ffff"  # stands for a backslash while the codec writes backslashes; a noncharacter
_GUARDED = b"\\U0010ffff"
_SEQUENCE = re.compile(
    rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}|[\xc0-\xf7]",
)

TOUCHES = frozenset(range(0xC0, 0xF8)) | {0}  # lead bytes; without one, continuation bytes stay


def utf8_to_unicode(value: bytes) -> bytes:
    if b"\0" in value:
        value = value[:-1].replace(b"\0", b"") + value[-1:]
    if value.isascii():
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return _SEQUENCE.sub(_escaped, value)
    if _GUARD in text:
        return _SEQUENCE.sub(_escaped, value)
    return _codec_escaped(text)


def _codec_escaped(text: str) -> bytes:
    r"""By the codec's own escapes, `\xe9`, `\u20ac` and `\U0001f600`, which differ in form only."""
    guarded = "\\" in text
    if guarded:
        text = text.replace("\\", _GUARD)
    out = text.encode("ascii", "backslashreplace")
    if guarded:
        out = out.replace(_GUARDED, b"\xff")
    out = out.replace(b"\\x", b"%u00").replace(b"\\u", b"%u")
    if b"\\U" in out:
        out = out.replace(b"\\U000", b"%u").replace(b"\\U00", b"%u")
    return out.replace(b"\xff", b"\\") if guarded else out


_LOWEST = {2: 0x80, 3: 0x800, 4: 0x10000}


def _escaped(sequence: re.Match[bytes]) -> bytes:
    octets = sequence[0]
    lead, size = octets[0], len(octets)
    restricted = octets[:1] if lead >= 0xF5 else b""
    if size == 1:
        return restricted
    code = lead & (0x7F >> size)
    for octet in octets[1:]:
        code = code << 6 | octet & 0x3F
    odd = code < _LOWEST[size] or 0xD800 <= code <= 0xDFFF
    return restricted + b"%%u%04x" % code + (octets[:1] if odd else b"")
