"""What has been found to say of a description so far: problems, which refuse it, and what is not enforced of it."""

from __future__ import annotations

from stockade.openapi.problems import Problem

_MOST = 1000  # of each kind; who made so many mistakes mends the first ones first


class Report:
    """`partial`: what the description asks for and cannot have."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.partial: list[Problem] = []

    @property
    def full(self) -> bool:
        return len(self.problems) >= _MOST

    def problem(self, place: tuple[str, int], text: str) -> None:
        if not self.full:
            self.problems.append(Problem(*place, _printable(text)))

    def remark(self, place: tuple[str, int], text: str) -> None:
        if len(self.partial) < _MOST:
            self.partial.append(Problem(*place, _printable(text)))


def _printable(text: str) -> str:
    """Keys are another's words: nothing in them may steer a terminal, or begin a line of a log."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)
