"""A tree as a pattern for the `regex` package, which backtracks as PCRE does: for what RE2 cannot say."""

from __future__ import annotations

from stockade.waf.operators.patterns.tree import (
    ALL,
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
    counted,
    spelled,
)

_EDGES = {
    Edge.START: r"\A",
    Edge.LINE_START: r"(?:\A|(?<=\n)(?!\Z))",
    Edge.LINE_END: r"(?=\n|\Z)",
    Edge.LAST_LINE_END: r"(?=\n?\Z)",
    Edge.END: r"\Z",
    Edge.WORD: r"(?:(?<=[0-9A-Z_a-z])(?![0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?=[0-9A-Z_a-z]))",
    Edge.NOT_WORD: r"(?:(?<=[0-9A-Z_a-z])(?=[0-9A-Z_a-z])|(?<![0-9A-Z_a-z])(?![0-9A-Z_a-z]))",
}
_LOOKS = {(True, False): "(?=", (True, True): "(?!", (False, False): "(?<=", (False, True): "(?<!"}


def bounded(node: Node) -> str:
    match node:
        case Set(found):
            return "(?s:.)" if found == ALL else spelled(found)
        case Sequence(parts):
            return "".join(map(bounded, parts))
        case Choice(branches):
            return "(?:" + "|".join(map(bounded, branches)) + ")"
        case Repeat(body, least, most, mode):
            inner = bounded(body)
            return (inner if isinstance(body, Set | Group) else f"(?:{inner})") + counted(least, most) + mode.value
        case Group(_, body):
            return f"({bounded(body)})"
        case Atomic(body):
            return f"(?>{bounded(body)})"
        case Assertion(edge):
            return _EDGES[edge]
        case Look(body, ahead, negative):
            return f"{_LOOKS[ahead, negative]}{bounded(body)})"
        case Back(number, caseless):
            return f"(?i:\\g<{number}>)" if caseless else f"\\g<{number}>"
