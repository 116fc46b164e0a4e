"""Base64url and JSON objects, read in the one way on which all readers agree.

Lenient readers differ: in what they skip, in which of two equal members they keep. A token that two of them read
differently is how a check made by one is dodged at the other, so whatever is not canonical is refused.
"""

from __future__ import annotations

import json
from binascii import a2b_base64
from typing import Any, Final

import msgspec

# From the URL alphabet to the plain one; the characters that only the plain one has, and padding, become invalid.
_TO_PLAIN: Final = bytes.maketrans(b"-_+/=", b"+/\0\0\0")
_PADDING: Final = (b"", b"", b"==", b"=")
# The last character may not hold bits beyond the last byte, else several texts decode to the same bytes.
_LAST: Final = (None, b"", b"AQgw", b"AEIMQUYcgkosw048")


def decode_base64url(text: bytes) -> bytes:
    """Base64url without padding (RFC 7515, section 2), canonical.

    Raises ValueError on any other character, an impossible length or bits left over.
    """
    rest = len(text) % 4
    allowed = _LAST[rest]
    if allowed is not None and text[-1] not in allowed:
        raise ValueError("not canonical base64url without padding")
    return a2b_base64(text.translate(_TO_PLAIN) + _PADDING[rest], strict_mode=True)


def decode_object(data: bytes, depth: int) -> dict[str, Any]:
    """A JSON object (RFC 8259) in UTF-8, its containers nested at most `depth` deep (the object itself counts).

    Raises ValueError on duplicate members, numbers that are no finite number, lone surrogates, a byte order mark,
    and anything that is not one object. The message holds nothing of the data.
    """
    try:
        value = _decode(data)
        # Decoding drops a repeated member in silence, so a second reader that sees every member looks for one. Text
        # that equals the encoding of what was decoded repeats nothing: that spares most tokens the second reading.
        if _encode(value) != data:
            _find_duplicates(data.decode())
    except (msgspec.MsgspecError, RecursionError, json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("not a valid JSON object") from None
    # Each level costs one bracket: where there are few brackets there is nothing to walk.
    if data.count(b"{") + data.count(b"[") > depth and _deeper(value, depth):
        raise ValueError("a document nested too deeply")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a document with duplicate members")


def _deeper(value: object, depth: int) -> bool:
    """Whether containers nest more than `depth` deep; recursion ends with `depth`."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return depth == 0 or any(_deeper(item, depth - 1) for item in value)


_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder().encode
_find_duplicates: Final = json.JSONDecoder(object_pairs_hook=_distinct).decode
