"""The one form of a password: the same text however a keyboard or system writes it (NIST SP 800-63B-4, 3.1.1.2)."""

from __future__ import annotations

import unicodedata
from typing import Final

MOST_CHARACTERS: Final = 1024  # that anybody may make us look at
_LINE_BREAKS = frozenset({"Cc", "Cs"})


class BadPassword(ValueError):
    """A text that can be nobody's password. The message never shows it."""


def normalised(password: str) -> str:
    """NFKC, as the standard has it; blanks stay where they are, for they are part of it. Never cut short.

    Raises BadPassword on control characters, lone surrogates and more than 1024 characters.
    """
    if len(password) > MOST_CHARACTERS:
        raise BadPassword(f"a password has {MOST_CHARACTERS} characters at most")
    if not password.isascii():
        password = unicodedata.normalize("NFKC", password)
    if len(password) > MOST_CHARACTERS:
        raise BadPassword(f"a password has {MOST_CHARACTERS} characters at most")
    if any(unicodedata.category(char) in _LINE_BREAKS for char in password if not " " <= char <= "~"):
        raise BadPassword("a password has no control characters")
    return password
