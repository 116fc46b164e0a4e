"""Percent-decoding (RFC 3986, section 2.1) without guesses: what two servers could decode differently is refused."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from stockade.openapi.faults import Unreadable

_is_broken = re.compile(r"%(?![0-9A-Fa-f]{2})").search


def decoded(text: str, *, plus: bool = False) -> str:
    """The text that was encoded. plus: "+" means a space, as in queries and forms.

    Raises Unreadable on a broken escape, on bytes that are not UTF-8, on NUL.
    """
    if plus and "+" in text:
        text = text.replace("+", " ")
    if "%" in text:
        if _is_broken(text) is not None:
            raise Unreadable("encoding", "holds a broken percent escape")
        text = _utf8(unquote_to_bytes(text))
    elif not text.isascii():
        text = _utf8(text.encode("latin-1", "replace"))
    if "\0" in text:
        raise Unreadable("encoding", "holds a NUL character")
    return text


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Unreadable("encoding", "is not UTF-8") from None
