"""Many patterns, one pass: which of them may match somewhere in a value.

It may say yes too often, never no too often. What it names is then looked at exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stockade.waf.databases import Expression, compiled, is_accepted, verdicts

__all__ = ["Expression", "Scanner", "is_usable"]


def is_usable(expression: Expression) -> bool:
    """Whether Hyperscan takes it, which may take it a second to find out; the answer is kept on disk."""
    known = verdicts.get(expression)
    if known is None:
        known = verdicts[expression] = is_accepted(expression)
    return known


class Scanner:
    """`entries`: expressions with a number each; several may share one. Raises hyperscan.HyperscanError."""

    def __init__(self, entries: Iterable[tuple[int, Expression]]) -> None:
        unique = sorted(set(entries))
        self._masks = [0] * 0
        self._database: Any = None
        if unique:
            groups: dict[Expression, int] = {}
            for number, expression in unique:
                groups[expression] = groups.get(expression, 0) | 1 << number
            self._masks = list(groups.values())
            self._database = compiled(list(groups))

    def scan(self, value: bytes) -> int:
        """The numbers that may match, as bits."""
        if self._database is None:
            return 0
        hits: list[int] = []
        self._database.scan(value, _note, 0, hits)
        found = 0
        for hit in hits:
            found |= self._masks[hit]
        return found


def _note(expression: int, start: int, end: int, flags: int, hits: list[int]) -> None:  # noqa: ARG001 - Hyperscan's
    hits.append(expression)
