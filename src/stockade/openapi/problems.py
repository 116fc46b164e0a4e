"""What is wrong with a description: errors that teach. All are collected, each with file and line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from stockade.problems import Problem, Problems

__all__ = ["BadDescription", "Hints", "Problem", "shown"]

_LONGEST = 60
_MOST_HINTS = 200  # words for which a near one is looked up; a file of 10⁵ mistakes must not cost minutes


class BadDescription(Problems):
    """The description cannot be used."""


def shown(value: Any) -> str:
    """A value of a description, for a message and cut short."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return "empty" if value is None else str(value).lower()
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class Hints:
    """Finds what may have been meant, with a bound on the work."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[str, ...]], str] = {}

    def near(self, word: str, known: Iterable[str]) -> str:
        """The hint " (did you mean …?)", or nothing when no known word is near."""
        key = (word[:64].lower(), tuple(known))
        if key not in self._known:
            if len(self._known) >= _MOST_HINTS:
                return ""
            by_lower = {text.lower(): text for text in key[1]}
            near = get_close_matches(key[0], by_lower, n=1, cutoff=0.75)
            self._known[key] = f" (did you mean {by_lower[near[0]]!r}?)" if near else ""
        return self._known[key]
