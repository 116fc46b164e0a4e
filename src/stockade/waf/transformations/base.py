"""What a transformation is, and the sets of bytes that several of them name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SPACES = b" \t\n\v\f\r"
"""What C's isspace() takes for white space in the "C" locale, which is ModSecurity's."""


class Transformation(NamedTuple):
    """One `t:` action. A value that holds none of the bytes in `touches` comes back unchanged, so that the engine may
    skip the call; None says that any value may change."""

    name: str  # as the reference manual writes it
    apply: Callable[[bytes], bytes]
    touches: frozenset[int] | None


def changed_by(table: bytes) -> frozenset[int]:
    """The bytes that `bytes.translate(table)` changes."""
    return frozenset(byte for byte, image in enumerate(table) if byte != image)
