"""What the readers of JSON and YAML share: their error, their bounds, and how lines are kept."""

from __future__ import annotations

from typing import TypeAlias

Lines: TypeAlias = dict[str, tuple[int, "Lines | None"]]
"""Of one mapping or list: the line of each key (or index, as text), and the same of what stands there."""

MOST_DEPTH = 128
MOST_VALUES = 4_000_000  # in one text; what YAML's aliases stand for counts each time


class BadText(Exception):
    """The text cannot be read. `line` counts from 1; 0: unknown."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


def line_of(lines: Lines, tokens: tuple[str, ...]) -> int:
    """The line of the place, or of the nearest that is written around it."""
    line, here = 1, lines
    for token in tokens:
        found = here.get(token)
        if found is None:
            break
        line = found[0]
        if found[1] is None:
            break
        here = found[1]
    return line
