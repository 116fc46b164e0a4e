"""A tree as an expression for Hyperscan that matches wherever the pattern does, and perhaps elsewhere too.

The text that Hyperscan sees may be the value or several values joined by newlines: the edges of a value become edges of
a line, and word boundaries hold there as they did. Lookarounds and atomic groups are let go, a back-reference becomes
what its group may match. Sets and edges are spelled out, so that the caller's flags (DOTALL, MULTILINE) change nothing,
and an expression stays a superset when CASELESS is added to make up for a `lowercase` that was left out.
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
    Edge.START: "(?m:^)",
    Edge.LINE_START: "(?m:^)",
    Edge.LINE_END: "(?m:$)",
    Edge.LAST_LINE_END: "(?m:$)",
    Edge.END: "(?m:$)",
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
        if len(found) > 128 and closed(ALL - found) == ALL - found:
            return spelled(found)
        return spelled(found - _UPPER if self._caseless else found, negate=False)


_UPPER = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
