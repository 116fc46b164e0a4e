"""A looser, much cheaper pattern in place of one that allows for evasion between all its letters.

The command rules of CRS 4 put something like `["')]*(?:[$][!#*-]*)?` after each letter of hundreds of words. Hyperscan
finds no literal in that, and follows thousands of states: one such rule takes longer than all others together. But
where a value matches, either one of the bytes that such a place may begin with stands somewhere, or nothing stands in
any of these places, nor any of these bytes elsewhere, which leaves plain words.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from stockade.waf.operators.patterns.tree import (
    EMPTY,
    Choice,
    Node,
    Repeat,
    Rest,
    Sequence,
    Set,
    may_be_empty,
    walk,
)

_FEWEST = 16  # places, for this to pay
_COMMON = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:/ ")


def relaxed(tree: Node) -> list[Node]:
    """Patterns of which one matches wherever the tree does, which is what `simplified` leaves; the tree itself where it
    is not of this kind."""
    survey = _Finder()
    survey.emptied(tree)
    common = frozenset(firsts for firsts, count in survey.places.items() if count >= _FEWEST)
    if not common:
        return [tree]
    finder = _Finder(common)
    emptied = finder.emptied(tree)
    plain = _without(emptied, finder.firsts)
    return [Set(finder.firsts), *([plain] if plain is not None else [])]


class _Finder:
    """`wanted`: what the places to empty may begin with; None: anything. Other things that are optional stay."""

    def __init__(self, wanted: frozenset[frozenset[int]] | None = None) -> None:
        self._wanted = wanted
        self.places: Counter[frozenset[int]] = Counter()  # by what they may begin with
        self.firsts = frozenset[int]()  # all of that

    def emptied(self, node: Node) -> Node:
        """The node with nothing in its places."""
        match node:
            case Sequence(parts):
                return self._sequence(parts)
            case Choice(branches):
                return Choice(tuple(map(self.emptied, branches)))
            case Repeat(body, least, most):
                return Repeat(self.emptied(body), least, most)
        return node

    def _sequence(self, parts: tuple[Node, ...]) -> Node:
        kept: list[Node] = []
        for optional, run in groupby(parts, may_be_empty):
            found = tuple(run)
            if not (optional and self._is_place(found)):
                kept.extend(map(self.emptied, found))
        return Sequence(tuple(kept))

    def _is_place(self, run: tuple[Node, ...]) -> bool:
        if not any(map(_is_involved, run)):
            return False
        first = Rest(Sequence(run)).lead.first
        if not first or first & _COMMON or (self._wanted is not None and first not in self._wanted):
            return False
        self.places[first] += 1
        self.firsts |= first
        return True


def _is_involved(node: Node) -> bool:
    return sum(isinstance(part, Set) for part in walk(node)) > 2


def _without(node: Node, unwanted: frozenset[int]) -> Node | None:
    """What the node matches without any of these bytes; None for nothing at all."""
    match node:
        case Set(found):
            return Set(found - unwanted) if found - unwanted else None
        case Sequence(parts):
            rest = [_without(part, unwanted) for part in parts]
            return None if None in rest else Sequence(tuple(part for part in rest if part is not None))
        case Choice(branches):
            left = [branch for branch in (_without(branch, unwanted) for branch in branches) if branch is not None]
            return Choice(tuple(left)) if left else None
        case Repeat(body, least, most):
            inner = _without(body, unwanted)
            if inner is not None:
                return Repeat(inner, least, most)
            return None if least else EMPTY
    return node
