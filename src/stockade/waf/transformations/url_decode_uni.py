"""urlDecodeUni: urlDecode that knows Microsoft's `%uHHHH` as well.

Of `%uHHHH` the low byte is kept, and a full-width character (FF01 to FF5E) becomes its ASCII twin; with a map of
Unicode to a code page (SecUnicodeMapFile) the map comes first. An incomplete `%u` stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from stockade.waf.transformations.url_decode import from_printable

_UNICODE = re.compile(rb"%[uU](?![fF]{2})[0-9A-Fa-f]{2}(?=[0-9A-Fa-f]{2})")
_FULL_WIDTH = re.compile(rb"%[uU][fF]{2}([0-9A-Fa-f]{2})")
_ANY = re.compile(rb"%[uU]([0-9A-Fa-f]{4})")

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


def with_map(table: Mapping[int, int]) -> Callable[[bytes], bytes]:
    """urlDecodeUni by a map from code points to bytes; a code point it lacks is decoded as without a map."""

    def mapped(escape: re.Match[bytes]) -> bytes:
        byte = table.get(int(escape[1], 16))
        return escape[0] if byte is None else b"=%02X" % (byte & 0xFF)

    def url_decode_mapped(value: bytes) -> bytes:
        value = value.replace(b"+", b" ").replace(b"=", b"=3D")
        if b"%u" in value or b"%U" in value:
            value = _ANY.sub(mapped, value)
            value = _UNICODE.sub(b"=", value)
            value = _FULL_WIDTH.sub(_narrowed, value)
        return from_printable(value)

    return url_decode_mapped


def read_map(text: str, code_page: int) -> dict[int, int]:
    """The map of one code page from a SecUnicodeMapFile: a line that begins with the page's number, then a line of
    `code point:byte` pairs in hexadecimal. Raises ValueError where the page is missing or a pair is malformed."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.split("(")[0].strip() == str(code_page):
            pairs = next(lines, "").split()
            return {int(point, 16): int(byte, 16) for point, _, byte in (pair.partition(":") for pair in pairs)}
    raise ValueError(f"no code page {code_page} in the Unicode map")
