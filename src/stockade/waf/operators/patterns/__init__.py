"""Patterns of `rx`: what PCRE2 under ModSecurity's options would match, by engines that cannot be made slow.

    source ──parse──► tree ──► exact      RE2: linear time, captures
                         ├───► bounded    `regex`, under a deadline, for back-references and lookarounds only
                         └───► prefilter  Hyperscan: a superset, many patterns in one pass over joined values
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from stockade.waf.operators.patterns.bounded import bounded
from stockade.waf.operators.patterns.exact import exact
from stockade.waf.operators.patterns.parser import parse
from stockade.waf.operators.patterns.prefilter import prefilter
from stockade.waf.scanner import Expression

__all__ = ["Pattern"]


class Pattern(Struct, frozen=True):
    source: bytes
    groups: int  # how many capture
    re2: bytes | None  # for RE2 in its Latin-1 mode, without flags; None where RE2 cannot express the pattern
    newline: bool  # values that end with a newline must be tried with `bounded` even so
    bounded: str  # for `regex`, in Latin-1, without flags
    prefilter: Expression | None  # None: it may match the empty value, or Hyperscan takes no form of it

    @classmethod
    def compile(cls, source: bytes) -> Pattern:
        """Raises BadArgument for what is no pattern, or not supported."""
        return _compile(source)

    @property
    def expressions(self) -> list[Expression] | None:
        return None if self.prefilter is None else [self.prefilter]


@lru_cache(maxsize=4096)
def _compile(source: bytes) -> Pattern:
    parsed = parse(source)
    found = exact(parsed.tree)
    return Pattern(
        source,
        parsed.groups,
        found.source if found else None,
        found.newline if found else False,
        bounded(parsed.tree),
        prefilter(parsed.tree),
    )
