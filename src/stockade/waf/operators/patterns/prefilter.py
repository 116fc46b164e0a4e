"""A tree as an expression for Hyperscan that matches wherever the pattern does, and perhaps elsewhere too.

The text that Hyperscan sees is not the value alone: values are joined by newlines, and `^` and `$` hold at each. So the
edges of a value become edges of a line; word boundaries hold there as they did. Lookarounds and atomic groups are let
go, a back-reference becomes what its group may match. Sets are spelled out, so that an expression stays a superset
when the caller adds CASELESS to make up for a `lowercase` that it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator

from stockade.waf.operators.patterns.tree import (
    ALL,
    EMPTY,
    Assertion,
    Atomic,
    Back,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
    Set,
    closed,
    counted,
    may_be_empty,
    spelled,
    walk,
)
from stockade.waf.scanner import Expression

_EDGES = {
    Edge.START: "^",
    Edge.LINE_START: "^",
    Edge.LINE_END: "$",
    Edge.LAST_LINE_END: "$",
    Edge.END: "$",
    Edge.WORD: r"\b",
    Edge.NOT_WORD: r"\B",
}
_ANYTHING = Repeat(Set(ALL), 0, None)
_MOST_COPIED = 4  # levels of groups that refer to groups


def expressions(tree: Node) -> Iterator[Expression]:
    """Forms of a pattern, from the most precise on, of which Hyperscan may refuse the first as too large. None at all
    where the pattern may match the empty value: it must always be tried."""
    plain = simplified(tree)
    for change in (_unchanged, _without_edges):
        form = change(plain)
        if not may_be_empty(form):
            caseless = all(node.bytes == closed(node.bytes) for node in walk(form) if isinstance(node, Set))
            source = _Writer(caseless).write(form).encode()
            yield Expression(source, caseless)
            yield Expression(source, caseless, approximate=True)


def simplified(tree: Node) -> Node:
    """A superset of the pattern that RE2 and Hyperscan can say."""
    groups = {node.number: node.body for node in walk(tree) if isinstance(node, Group)}
    return _simplified(tree, groups, _MOST_COPIED)


def _unchanged(node: Node) -> Node:
    return node


def _simplified(node: Node, groups: dict[int, Node], depth: int) -> Node:
    """The node without captures, lookarounds, atomic groups, back-references."""
    match node:
        case Sequence(parts):
            return Sequence(tuple(_simplified(part, groups, depth) for part in parts))
        case Choice(branches):
            return Choice(tuple(_simplified(branch, groups, depth) for branch in branches))
        case Repeat(body, least, most):
            return Repeat(_simplified(body, groups, depth), least, most)
        case Group(_, body) | Atomic(body):
            return _simplified(body, groups, depth)
        case Look():
            return EMPTY
        case Back(number, caseless):
            if not depth or number not in groups:
                return _ANYTHING
            copy = _without_edges(_simplified(groups[number], groups, depth - 1))
            return _closed(copy) if caseless else copy
    return node


def _without_edges(node: Node) -> Node:
    match node:
        case Assertion():
            return EMPTY
        case Sequence(parts):
            return Sequence(tuple(map(_without_edges, parts)))
        case Choice(branches):
            return Choice(tuple(map(_without_edges, branches)))
        case Repeat(body, least, most):
            return Repeat(_without_edges(body), least, most)
    return node


def _closed(node: Node) -> Node:
    match node:
        case Set(found):
            return Set(closed(found))
        case Sequence(parts):
            return Sequence(tuple(map(_closed, parts)))
        case Choice(branches):
            return Choice(tuple(map(_closed, branches)))
        case Repeat(body, least, most):
            return Repeat(_closed(body), least, most)
    return node


class _Writer:
    def __init__(self, caseless: bool) -> None:
        self._caseless = caseless

    def write(self, node: Node) -> str:
        match node:
            case Set(found):
                return self._set(found)
            case Sequence(parts):
                return "".join(map(self.write, parts))
            case Choice(branches):
                return "(?:" + "|".join(map(self.write, branches)) + ")"
            case Repeat(body, least, most):
                if most == 0:
                    return ""
                inner = self.write(body)
                return (inner if isinstance(body, Set) else f"(?:{inner})") + counted(least, most)
            case Assertion(edge):
                return _EDGES[edge]
        raise AssertionError(node)

    def _set(self, found: frozenset[int]) -> str:
        if self._caseless:
            found = found - _UPPER
        if len(found) > 128 and closed(ALL - found) == ALL - found:
            return spelled(found)
        return spelled(found, negate=self._caseless)


_UPPER = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
