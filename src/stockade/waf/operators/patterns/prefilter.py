"""A tree as an expression for Hyperscan that matches wherever the pattern does, and perhaps elsewhere too.

The text that Hyperscan sees may be the value or several values joined by newlines: the edges of a value become edges of
a line, and word boundaries hold there as they did. Lookarounds and atomic groups are let go, a back-reference becomes
what its group may match. Sets and edges are spelled out, so that the caller's flags (DOTALL, MULTILINE) change nothing,
and an expression stays a superset when CASELESS is added to make up for a `lowercase` that was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

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
_FREE = (Assertion(Edge.START), Assertion(Edge.LINE_START))
_WIDE, _MOST_REPEATED = 64, 8
_BEGINNINGS = frozenset({Edge.START, Edge.LINE_START})
_ANYTHING = Repeat(Set(ALL), 0, None)
_MOST_COPIED = 1000  # nodes of a group that takes the place of a back-reference
_MOST_LEVELS = 2  # of groups that refer to groups


def expressions(tree: Node) -> Iterator[Expression]:
    """Forms of a pattern, from the most precise on, of which Hyperscan may refuse the first as too large. None at all
    where the pattern may match the empty value: it must always be tried."""
    plain = simplified(tree)
    forms = [_without_run_up(_loosened(plain, 256))]  # sets without end are cheap
    for change in (partial(_loosened, wide=_WIDE), _without_edges):
        form = change(forms[-1])
        if form not in forms:
            forms.append(form)
    for form in forms:
        if not may_be_empty(form):
            expression = precise(form)
            yield expression
            yield expression._replace(approximate=True)


def precise(tree: Node) -> Expression:
    """A pattern of sets, repeats, alternatives and edges, as it is."""
    caseless = all(node.bytes == closed(node.bytes) for node in walk(tree) if isinstance(node, Set))
    return Expression(_Writer(caseless).write(tree).encode(), caseless)


def simplified(tree: Node) -> Node:
    """A superset of the pattern that RE2 and Hyperscan can say."""
    groups = {node.number: node.body for node in walk(tree) if isinstance(node, Group)}
    return _simplified(tree, groups, _MOST_LEVELS)


def _without_run_up(node: Node) -> Node:
    """Without `^.*` and the like at the beginning, which says nothing and costs Hyperscan seconds."""
    if not isinstance(node, Sequence):
        return node
    parts = node.parts
    start = 1 if parts and isinstance(parts[0], Assertion) and parts[0].edge in _BEGINNINGS else 0
    if len(parts) > start and _is_endless(parts[start]):
        return _without_run_up(Sequence(parts[start + 1 :]))
    return node


def _loosened(node: Node, wide: int) -> Node:
    """With anything at all where something complex is repeated, which is what Hyperscan finds too large, or takes
    seconds to compile: a group, or a set of more than `wide` bytes."""
    match node:
        case Repeat(body, least, most) if _is_complex(body, most, wide) and _is_many(least, most):
            return Sequence((_loosened(body, wide), _ANYTHING)) if least else _ANYTHING
        case Repeat(body, least, most):
            return Repeat(_loosened(body, wide), least, most)
        case Sequence(parts):
            return Sequence(tuple(_loosened(part, wide) for part in parts))
        case Choice(branches):
            return Choice(tuple(_loosened(branch, wide) for branch in branches))
    return node


def _is_complex(node: Node, most: int | None, wide: int) -> bool:
    if not isinstance(node, Set):
        return True
    return len(node.bytes) > (wide if most is None else _WIDE)  # what is counted costs a state for each


def _is_many(least: int, most: int | None) -> bool:
    return most is None or most - least > _MOST_REPEATED


def _is_endless(node: Node) -> bool:
    match node:
        case Repeat(_, least, most):
            return not least and most is None
        case Sequence(parts):
            return any(map(_is_endless, parts)) and all(_is_endless(part) or part in _FREE for part in parts)
        case Choice(branches):
            return any(map(_is_endless, branches))
    return False


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
            if not depth or number not in groups or len(walk(groups[number])) > _MOST_COPIED:
                return _ANYTHING
            copy = _without_edges(_simplified(groups[number], groups, depth - 1))
            return _closed(copy) if caseless else copy
    return node


def to_lines(node: Node) -> Node:
    """A superset that holds at the end of any line where the pattern holds at the end of the last."""
    return _changed(node, lambda leaf: Assertion(Edge.LINE_END) if leaf == Assertion(Edge.LAST_LINE_END) else leaf)


def _without_edges(node: Node) -> Node:
    return _changed(node, lambda leaf: EMPTY if isinstance(leaf, Assertion) else leaf)


def _closed(node: Node) -> Node:
    return _changed(node, lambda leaf: Set(closed(leaf.bytes)) if isinstance(leaf, Set) else leaf)


def _changed(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with other sets and edges."""
    match node:
        case Sequence(parts):
            return Sequence(tuple(_changed(part, change) for part in parts))
        case Choice(branches):
            return Choice(tuple(_changed(branch, change) for branch in branches))
        case Repeat(body, least, most):
            return Repeat(_changed(body, change), least, most)
    return change(node)


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
