"""Errors that teach: where, what, and how to mend it, all at once."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from stockade.problems import Problem, Problems

__all__ = ["BadConfig", "Problem", "did_you_mean", "written"]

_LONGEST = 120


class BadConfig(Problems):
    """The policy cannot be used."""


def written(value: object) -> str:
    """A value as it stands in the policy, cut short; what came from the environment as its `${NAME}`."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint " (did you mean …?)", or nothing when no known word is near."""
    by_lower = {text.lower(): text for text in known}
    near = get_close_matches(word[:64].lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""
