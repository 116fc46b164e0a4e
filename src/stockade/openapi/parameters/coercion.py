"""Typed values from text, strictly: a number is one by JSON's grammar (RFC 8259, section 6), a boolean true or false.

`1_000`, ` 1`, `+1`, `01`, `1.0` for an integer, `True`, `yes`: some servers take them, others do not; here none is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from stockade.openapi.faults import Unreadable
from stockade.openapi.parameters.shapes import Shape

_is_integer = re.compile(r"-?(?:0|[1-9][0-9]{0,63})", re.ASCII).fullmatch
_is_number = re.compile(r"-?(?:0|[1-9][0-9]{0,63})(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,4})?", re.ASCII).fullmatch
_BOOLEANS = {"true": True, "false": False}


def integer(text: str) -> int:
    if _is_integer(text) is None:
        raise Unreadable("type", "must be an integer, such as 17")
    return int(text)


def number(text: str) -> float | int:
    """An int where the text is one, so that no digit is lost."""
    if _is_integer(text) is not None:
        return int(text)
    if _is_number(text) is None or math.isinf(value := float(text)):
        raise Unreadable("type", "must be a number, such as 17 or 0.5")
    return value


def boolean(text: str) -> bool:
    value = _BOOLEANS.get(text)
    if value is None:
        raise Unreadable("type", "must be true or false")
    return value


def _text(text: str) -> str:
    return text


def _nothing(text: str) -> Any:  # noqa: ARG001 - a reader like the others
    raise Unreadable("type", "must not have a simple value")


Reader = Callable[[str], Any]
# No text is null: RFC 6570, section 3.2.1, leaves what is undefined out.
_STRICT: tuple[tuple[str, Reader], ...] = (("boolean", boolean), ("integer", integer), ("number", number))


def scalar_reader(shape: Shape, *, prefer_text: bool = False) -> Reader:
    """Reads text as one of the shape's simple types: the strictest that it is, text last.

    prefer_text: as text wherever that is a type of the shape, for values that look like something else ("17").
    """
    types = shape.scalars
    if "string" in types and (prefer_text or types == {"string"}):
        return _text
    readers = [read for name, read in _STRICT if name in types]
    if "number" in types and integer in readers:
        readers.remove(integer)  # `number` reads them too
    if "string" in types:
        readers.append(_text)
    if len(readers) == 1:
        return readers[0]
    return _first_of(readers) if readers else _nothing


def _first_of(readers: list[Reader]) -> Reader:
    *tried, last = readers

    def read(text: str) -> Any:
        for reader in tried:
            try:
                return reader(text)
            except Unreadable:
                continue
        return last(text)

    return read
