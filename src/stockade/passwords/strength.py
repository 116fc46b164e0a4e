"""How hard a password is to guess, by zxcvbn: 0 (at once) to 4 (not within any attacker's life)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_LOOKED_AT = 72  # characters: its work grows with the square, and so many good ones are enough


class Strength(NamedTuple):
    score: int
    warning: str  # what is wrong with it, in zxcvbn's words; often empty


def strength_of(password: str, words: Sequence[str] = ()) -> Strength:
    """words: what an attacker tries first: the user's name, the service's."""
    from zxcvbn import zxcvbn

    if not password:
        return Strength(0, "")
    found = zxcvbn(password[:_LOOKED_AT], user_inputs=[word[:_LOOKED_AT] for word in words if word])
    return Strength(int(found["score"]), str(found["feedback"]["warning"] or "").rstrip("."))
