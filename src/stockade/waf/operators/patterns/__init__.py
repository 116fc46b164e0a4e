"""Patterns of `rx`: what PCRE2 under ModSecurity's options would match, by engines that cannot be made slow.

source ──parse──► tree ──► exact       RE2: linear time, captures
                     ├───► bounded     `regex`, under a deadline, for back-references and lookarounds only
                     └───► prefilter   Hyperscan: a superset, many patterns in one pass over joined values
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

from stockade.waf.operators.patterns import bounded, exact, parser, prefilter, splitting
from stockade.waf.operators.patterns.tree import ALL, Rest
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
        found = exact.exact(prefilter.simplified(self.tree))
        return found.source if found else None

    def forms(self) -> Iterator[Expression]:
        """For Hyperscan: supersets, from the most precise on; it takes the later if not the first. There is none where
        the pattern may match the empty value."""
        return prefilter.expressions(self.tree)

    @cached_property
    def prefilter(self) -> Expression | None:
        """The first form that Hyperscan takes, which it takes up to a second to find out."""
        return next(filter(is_usable, self.forms()), None)

    @property
    def expressions(self) -> list[Expression] | None:
        """For Hyperscan: one of them matches wherever the pattern does. None where there are none."""
        if self.prefilter is None:
            return None
        if self.prefilter.approximate:
            return splitting.split(prefilter.simplified(self.tree)) or [self.prefilter]
        return [self.prefilter]


@lru_cache(maxsize=4096)
def _compiled(source: bytes) -> Pattern:
    return Pattern(source)
