"""A tree as a pattern for RE2, which answers in linear time; None for what RE2 cannot say.

Possessive repeats and atomic groups become plain ones where that cannot be noticed: when what follows can neither
begin with what they would give back, nor must begin at all.
"""

from __future__ import annotations

from typing import NamedTuple

from stockade.waf.operators.patterns.tree import (
    ALL,
    NOTHING,
    Assertion,
    Atomic,
    Choice,
    Edge,
    Group,
    Mode,
    Node,
    Repeat,
    Rest,
    Sequence,
    Set,
    counted,
    spelled,
    walk,
)

_EDGES = {
    Edge.START: r"\A",
    Edge.LINE_START: "(?m:^)",
    Edge.LINE_END: "(?m:$)",
    Edge.LAST_LINE_END: r"\z",
    Edge.END: r"\z",
    Edge.WORD: r"\b",
    Edge.NOT_WORD: r"\B",
}
_MOST_REPEAT = 1000  # RE2's limit
_MOST_COPIED = 100_000  # bytes of a repeat that is written out to stay within that limit


class Inexpressible(Exception):
    """RE2 has no words for it."""


class Exact(NamedTuple):
    source: bytes
    newline: bool
    """What the source says of values that end with a newline is wrong: PCRE's `$` without `m` holds before it, RE2's
    does not, and PCRE's `^` does not hold after it, RE2's does."""


def exact(tree: Node) -> Exact | None:
    writer = _Writer()
    try:
        source = writer.write(tree, NOTHING)
    except Inexpressible:
        return None
    return Exact(source.encode(), writer.newline)


class _Writer:
    def __init__(self) -> None:
        self.newline = False

    def write(self, node: Node, rest: Rest) -> str:
        """The node, before what `rest` begins with."""
        match node:
            case Set(found):
                return "(?s:.)" if found == ALL else spelled(found)
            case Sequence(parts):
                return self._sequence(parts, rest)
            case Choice(branches):
                return "(?:" + "|".join(self.write(branch, rest) for branch in branches) + ")"
            case Repeat():
                return self._repeat(node, rest)
            case Group(_, body):
                return f"({self.write(body, rest)})"
            case Atomic(body):
                return self._atomic(body, rest)
            case Assertion(edge) if edge in _EDGES:
                unlike = edge is Edge.LAST_LINE_END or (edge is Edge.LINE_START and rest.may_be_empty)
                self.newline = self.newline or unlike
                return _EDGES[edge]
        raise Inexpressible

    def _sequence(self, parts: tuple[Node, ...], rest: Rest) -> str:
        out: list[str] = []
        for part in reversed(parts):
            out.append(self.write(part, rest))
            rest = Rest(part, rest)
        return "".join(reversed(out))

    def _repeat(self, node: Repeat, rest: Rest) -> str:
        body, least, most, mode = node.body, node.least, node.most, node.mode
        if mode is Mode.POSSESSIVE:
            if not (
                rest.lead.freely or (isinstance(body, Set) and not rest.lead.empty and not rest.lead.first & body.bytes)
            ):
                raise Inexpressible
            mode = Mode.GREEDY
        if most == 0:
            if _captures(body):
                raise Inexpressible  # its groups are counted even so
            return ""
        again = rest if most == 1 else Rest(Repeat(body, 0, None), rest)
        text = self.write(body, again)
        if not isinstance(body, Set | Group):
            text = f"(?:{text})"
        counts = _split(least, most)
        if len(counts) > 1 and (len(counts) * len(text) > _MOST_COPIED or _captures(body)):
            raise Inexpressible
        return "".join(f"{text}{counted(*count)}{mode.value}" for count in counts)

    def _atomic(self, body: Node, rest: Rest) -> str:
        if not rest.lead.freely:
            kept = _first_alone(body)
            if kept is None or rest.lead.empty or rest.lead.first & kept:
                raise Inexpressible
        return f"(?:{self.write(body, rest)})"


def _captures(body: Node) -> bool:
    return any(isinstance(node, Group) for node in walk(body))


def _first_alone(body: Node) -> frozenset[int] | None:
    """Of a choice like `\\r\\n|[\\n\\r]`, that is of one or two bytes and then of one: what could be given back."""
    if isinstance(body, Set):
        return frozenset()
    match body:
        case Choice((Sequence((Set(), Set(second))), Set())):
            return second
    return None


def _split(least: int, most: int | None) -> list[tuple[int, int | None]]:
    """Counts within RE2's limit that add up: 1500 to 3000 is 1000, 500, up to 1000, up to 500."""
    if least <= _MOST_REPEAT and (most is None or most <= _MOST_REPEAT):
        return [(least, most)]
    parts: list[tuple[int, int | None]] = []
    for start in range(0, least, _MOST_REPEAT):
        count = min(_MOST_REPEAT, least - start)
        parts.append((count, count))
    if most is None:
        parts.append((0, None))
    else:
        parts += [(0, min(_MOST_REPEAT, most - start)) for start in range(least, most, _MOST_REPEAT)]
    return parts
