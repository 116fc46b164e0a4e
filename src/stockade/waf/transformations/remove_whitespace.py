"""removeWhitespace: drops white space, and the bytes A0 and C2 that make up a no-break space in Latin-1 and UTF-8."""

from __future__ import annotations

from stockade.waf.transformations.base import SPACES

_DELETED = SPACES + b"\xa0\xc2"

TOUCHES = frozenset(_DELETED)


def remove_whitespace(value: bytes) -> bytes:
    return value.translate(None, _DELETED)
