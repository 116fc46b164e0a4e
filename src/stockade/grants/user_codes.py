"""User codes of the device flow (RFC 8628, section 6.1): eight letters that spell nothing and are not mistaken."""

from __future__ import annotations

from typing import Final

_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH: Final = 8  # of 20 letters: 34.6 bits, for a code that lives minutes and may be tried a few times


def make_user_code(random: bytes) -> str:
    """From 16 random bytes: 128 bits into 34.6 leave no bias worth naming."""
    number, letters = int.from_bytes(random, "big"), []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def show_user_code(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"


def read_user_code(text: str) -> str | None:
    """As people type it: any case, with or without blanks and hyphens. None when it cannot be one."""
    code = "".join(text.split()).replace("-", "").upper() if len(text) <= 64 else ""
    return code if len(code) == _LENGTH and all(letter in _ALPHABET for letter in code) else None
