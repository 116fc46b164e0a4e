"""What is wrong with rules: errors that teach. All are collected, each with file and line."""

from __future__ import annotations

from difflib import get_close_matches

from msgspec import Struct

from stockade.seclang.tree import Place

_LONGEST = 60
MOST_FAULTS = 100
"""In one list of actions or variables; who made so many will not read more."""
_MOST_HINTS = 200  # words for which a near one is looked up; a file of 10⁵ mistakes must not cost minutes


class Problem(Struct, frozen=True):
    """One thing wrong with the rules."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class BadSyntax(ValueError):
    """A text that is handed over alone (a list of actions or of targets, a text with macros) is not SecLang."""


class Fault(Struct, frozen=True):
    """Something wrong at an offset into the text that is being read."""

    offset: int
    text: str


def shown(text: str) -> str:
    """A piece of a rule, quoted for a message and cut short."""
    return repr(text) if len(text) <= _LONGEST else f"{text[:_LONGEST]!r}…"


class Hints:
    """Finds what may have been meant, with a bound on the work."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[str, ...]], str] = {}

    def did_you_mean(self, word: str, known: tuple[str, ...]) -> str:
        """The hint " (did you mean …?)", or nothing when no known word is near."""
        key = (word[:64].lower(), known)
        if key not in self._known:
            if len(self._known) >= _MOST_HINTS:
                return ""
            by_lower = {text.lower(): text for text in known}
            near = get_close_matches(key[0], by_lower, n=1, cutoff=0.7)
            self._known[key] = f" (did you mean {by_lower[near[0]]!r}?)" if near else ""
        return self._known[key]
