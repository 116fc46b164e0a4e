"""A regular expression as a tree over sets of bytes, free of any engine's spelling, and what can be told of it.

Letter case, dots, classes and escapes are all resolved to sets, so that engines that spell them differently, or mean
something else by them, need not agree on anything but sets, repeats and alternatives.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import NamedTuple, TypeAlias

from msgspec import Struct

ALL = frozenset(range(256))
NEWLINE = frozenset(b"\n")


class Mode(Enum):
    GREEDY = ""
    LAZY = "?"
    POSSESSIVE = "+"


class Edge(Enum):
    """Where an assertion without a body holds."""

    START = "start of the value"
    LINE_START = "start of the value, or after a newline that is not its last byte"
    LINE_END = "before a newline, or end of the value"
    LAST_LINE_END = "end of the value, or before a newline there"
    END = "end of the value"
    WORD = "word boundary"
    NOT_WORD = "no word boundary"


class Set(Struct, frozen=True):
    """One byte of these."""

    bytes: frozenset[int]


class Sequence(Struct, frozen=True):
    parts: tuple[Node, ...] = ()


class Choice(Struct, frozen=True):
    branches: tuple[Node, ...]


class Repeat(Struct, frozen=True):
    body: Node
    least: int
    most: int | None
    mode: Mode = Mode.GREEDY


class Group(Struct, frozen=True):
    """A group that captures."""

    number: int
    body: Node


class Atomic(Struct, frozen=True):
    body: Node


class Assertion(Struct, frozen=True):
    edge: Edge


class Look(Struct, frozen=True):
    body: Node
    ahead: bool
    negative: bool


class Back(Struct, frozen=True):
    """What the group has matched, once more."""

    number: int
    caseless: bool


Node: TypeAlias = Set | Sequence | Choice | Repeat | Group | Atomic | Assertion | Look | Back
EMPTY = Sequence()


@cache
def closed(found: frozenset[int]) -> frozenset[int]:
    """The set with each ASCII letter in both cases."""
    return frozenset(bytes(found).lower() + bytes(found).upper())


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Sequence(parts):
            return parts
        case Choice(branches):
            return branches
        case Repeat(body) | Group(_, body) | Atomic(body) | Look(body):
            return (body,)
    return ()


def walk(node: Node) -> list[Node]:
    """The node and all below it."""
    found = [node]
    for place in found:
        found.extend(children(place))
    return found


def taking_part(node: Node) -> frozenset[int]:
    """The numbers of the groups that take part in every match."""
    match node:
        case Sequence(parts):
            return frozenset[int]().union(*map(taking_part, parts))
        case Choice(branches):
            return frozenset.intersection(*map(taking_part, branches))
        case Repeat(body, least):
            return taking_part(body) if least else frozenset()
        case Group(number, body):
            return taking_part(body) | {number}
        case Atomic(body):
            return taking_part(body)
    return frozenset()


class Lead(NamedTuple):
    """What a piece of a pattern and all after it can begin with."""

    first: frozenset[int]
    empty: bool  # it may match without taking a byte
    freely: bool  # it may do so wherever it stands, with no assertion to hold


class Rest:
    """What follows a place in a pattern: a node, then another rest. What it begins with is found out when asked for."""

    def __init__(self, node: Node, rest: Rest | None = None) -> None:
        self._node = node
        self._rest = rest
        self._lead: Lead | None = None

    @property
    def lead(self) -> Lead:
        if self._lead is None:
            self._lead = _lead(self._node, self._rest.lead if self._rest else _DONE)
        return self._lead

    @property
    def may_be_empty(self) -> bool:
        """Whether all of it can match without taking a byte, assertions apart."""
        return may_be_empty(self._node) and (self._rest is None or self._rest.may_be_empty)


_DONE = Lead(frozenset(), empty=True, freely=True)
NOTHING = Rest(EMPTY)


def _lead(node: Node, rest: Lead) -> Lead:
    """Of the node before `rest`. Assertions on the next byte count as taking it: nothing else can come there."""
    match node:
        case Set(found):
            return Lead(found, empty=False, freely=False)
        case Sequence(parts):
            for part in reversed(parts):
                rest = _lead(part, rest)
            return rest
        case Choice(branches):
            return _either(*(_lead(branch, rest) for branch in branches))
        case Repeat(body, least):
            inside = _lead(body, rest) if node.most != 0 else rest
            return inside if least else _either(inside, rest)
        case Group(_, body) | Atomic(body):
            return _lead(body, rest)
        case Assertion(edge) if edge in _NEXT:
            return Lead(_NEXT[edge], empty=False, freely=False)
        case Back():
            return Lead(ALL, empty=rest.empty, freely=False)
    return rest._replace(freely=False)


_NEXT = {Edge.LINE_END: NEWLINE, Edge.LAST_LINE_END: NEWLINE, Edge.END: frozenset[int]()}


def _either(*leads: Lead) -> Lead:
    return Lead(
        frozenset[int]().union(*(found.first for found in leads)),
        empty=any(found.empty for found in leads),
        freely=any(found.freely for found in leads),
    )


def may_be_empty(node: Node) -> bool:
    """Whether the node can match without taking a byte, assertions apart."""
    match node:
        case Set():
            return False
        case Sequence(parts):
            return all(map(may_be_empty, parts))
        case Choice(branches):
            return any(map(may_be_empty, branches))
        case Repeat(body, least):
            return least == 0 or may_be_empty(body)
        case Group(_, body) | Atomic(body):
            return may_be_empty(body)
    return True


@cache
def spelled(found: frozenset[int], *, negate: bool = True) -> str:
    r"""A set as all three engines read it: `a`, `\.`, `[0-9a-f]`, `[^\x0a]`."""
    if len(found) == 1:
        return _char(*found)
    if negate and 128 < len(found) < 256:
        return f"[^{_ranges(ALL - found)}]"
    return f"[{_ranges(found)}]" if found else r"[^\x00-\xff]"


_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _\"',;<>@!%`/")


def _char(byte: int) -> str:
    if byte in _PLAIN:
        return chr(byte)
    return f"\\{byte:c}" if 32 < byte < 127 else f"\\x{byte:02x}"


def _ranges(found: frozenset[int]) -> str:
    out, members = [], sorted(found)
    first = last = members[0]
    for byte in [*members[1:], 999]:
        if byte != last + 1:
            out.append(_char(first) + ("-" if last > first + 1 else "") + (_char(last) if last > first else ""))
            first = byte
        last = byte
    return "".join(out)


def counted(least: int, most: int | None) -> str:
    """A repeat's count: `*`, `+`, `?`, `{2,}`."""
    usual = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    if usual is not None:
        return usual
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most is None else most}}}"
