"""Patterns of `rx`: what PCRE2 under ModSecurity's options would match, by engines that cannot be made slow.

source ──parse──► tree ──► exact       RE2: linear time, captures
                     ├───► bounded     `regex`, under a deadline, for back-references and lookarounds only
                     └───► prefilter   Hyperscan: a superset, many patterns in one pass over joined values
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import chain

from stockade.waf.operators.patterns import bounded, exact, parser, prefilter, relaxing, splitting
from stockade.waf.operators.patterns.tree import ALL, Rest, may_be_empty
from stockade.waf.scanner import Expression, is_usable

__all__ = ["Pattern"]


class Pattern:
    """A pattern in the words of three engines, each found when asked for. Raises BadArgument where it is none."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.tree, self.groups = parser.parse(source)  # groups: how many capture

    @staticmethod
    def compile(source: bytes) -> Pattern:
        """The same object for the same source. Raises BadArgument."""
        return _compiled(source)

    @cached_property
    def _exact(self) -> exact.Exact | None:
        return exact.exact(self.tree)

    @property
    def re2(self) -> bytes | None:
        """For RE2 in its Latin-1 mode, without flags; None where RE2 cannot express it."""
        return self._exact.source if self._exact else None

    @property
    def newline(self) -> bool:
        """Whether values that end with a newline must be tried with `bounded` even so."""
        return self._exact is not None and self._exact.newline

    @property
    def first(self) -> frozenset[int]:
        """The bytes that a match can begin with; all where it may be empty."""
        found = Rest(self.tree).lead
        return ALL if found.empty else found.first

    @cached_property
    def bounded(self) -> bytes:
        """For `regex`, without flags."""
        return bounded.bounded(self.tree).encode()

    @property
    def guard(self) -> bytes | None:
        """For RE2: a superset, to ask before `bounded`."""
        found = exact.exact(prefilter.to_lines(prefilter.simplified(self.tree)))
        return found.source if found else None

    def forms(self) -> Iterator[Expression]:
        """For Hyperscan: supersets, from the most precise on; it takes the later if not the first. There is none where
        the pattern may match the empty value."""
        return prefilter.expressions(self.tree)

    @cached_property
    def prefilter(self) -> Expression | None:
        """The first form that Hyperscan takes, which it takes up to a second to find out."""
        return next(filter(is_usable, self.forms()), None)

    @cached_property
    def expressions(self) -> list[Expression] | None:
        """For Hyperscan: one of them matches wherever the pattern does. None where there are none."""
        found: list[Expression] = []
        pieces = relaxing.relaxed(prefilter.simplified(self.tree))
        for piece in pieces:
            forms = prefilter.expressions(piece)
            if len(pieces) > 1 and not may_be_empty(piece):  # small by now, if the pattern was not
                forms = chain((prefilter.precise(piece),), forms)
            expression = next(filter(is_usable, forms), None)
            if expression is None:
                return None
            found += (splitting.split(piece) if expression.approximate else None) or [expression]
        return found


@lru_cache(maxsize=4096)
def _compiled(source: bytes) -> Pattern:
    return Pattern(source)
