"""Errors that teach: where, what, and how to mend it, all at once."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import Struct

_MOST_SHOWN = 100
_LONGEST = 120


class Problem(Struct, frozen=True, order=True):
    """One thing wrong with a policy file. `line` counts from 1; 0 when it is about the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class BadConfig(Exception):
    """The policy cannot be used. `problems` holds every reason that could be found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        lines = [str(problem) for problem in self.problems[:_MOST_SHOWN]]
        if len(self.problems) > _MOST_SHOWN:
            lines.append(f"… and {len(self.problems) - _MOST_SHOWN} more")
        super().__init__("\n".join(lines))


def written(value: object) -> str:
    """A value as it stands in the policy, cut short; what came from the environment as its `${NAME}`."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint " (did you mean …?)", or nothing when no known word is near."""
    by_lower = {text.lower(): text for text in known}
    near = get_close_matches(word[:64].lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""
