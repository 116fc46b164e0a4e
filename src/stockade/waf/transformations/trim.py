"""trim, trimLeft, trimRight: drop white space at both ends, at the start, at the end."""

from __future__ import annotations

from stockade.waf.transformations.base import SPACES

TOUCHES = frozenset(SPACES)


def trim(value: bytes) -> bytes:
    return value.strip(SPACES)


def trim_left(value: bytes) -> bytes:
    return value.lstrip(SPACES)


def trim_right(value: bytes) -> bytes:
    return value.rstrip(SPACES)
