"""The one form of a user's name: no two that look alike to a computer, none that a header or a log cannot carry."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST: Final = 128  # characters


class BadName(ValueError):
    """A text that can be nobody's name."""


def fold_name(name: str) -> str:
    """NFKC and lower case (after RFC 8265, section 3.3): Alice and alice are one.

    Raises BadName on an empty or long one, on blanks and unprintable characters, and on a colon (RFC 7617, section 2).
    """
    if len(name) > LONGEST:
        raise BadName(f"a user's name has {LONGEST} characters at most")
    folded = (
        name.lower()
        if name.isascii()
        else unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    )
    if not folded or len(folded) > LONGEST:
        raise BadName(f"a user's name has 1 to {LONGEST} characters")
    if ":" in folded or not folded.isprintable() or any(char.isspace() for char in folded):
        raise BadName("a user's name has neither blanks, nor colons, nor characters that cannot be printed")
    return folded
