"""What is wrong with a file that somebody wrote: all of it at once, each with its file and line."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

_MOST_SHOWN = 100


class Problem(Struct, frozen=True, order=True):
    """One thing that is wrong. `line` counts from 1; 0 when it is about the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class Problems(Exception):
    """A file that cannot be used. `problems` holds every reason that could be found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        lines = [str(problem) for problem in self.problems[:_MOST_SHOWN]]
        if len(self.problems) > _MOST_SHOWN:
            lines.append(f"… and {len(self.problems) - _MOST_SHOWN} more")
        super().__init__("\n".join(lines))
