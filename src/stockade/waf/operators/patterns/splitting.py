"""A pattern that is too large for Hyperscan, as several that are not: its alternatives, each in its surroundings.

Hyperscan would take the whole with the PREFILTER flag, but reduces it then to next to nothing, which always matches.
"""

from __future__ import annotations

from stockade.waf.operators.patterns import prefilter
from stockade.waf.operators.patterns.tree import Choice, Node, Sequence, walk
from stockade.waf.scanner import Expression, is_usable

_MOST_PIECES = 64
_MOST_REFUSALS = 12  # after so many pieces that were still too large, it is not worth the time


def split(tree: Node) -> list[Expression] | None:
    """Expressions of which one matches wherever the pattern does; None where it cannot be taken apart enough."""
    found: list[Expression] = []
    waiting = [tree]
    refusals = 0
    while waiting:
        piece = waiting.pop()
        expression = _precise(piece)
        if expression is not None:
            found.append(expression)
            continue
        refusals += 1
        halves = _halves(piece)
        if halves is None or refusals > _MOST_REFUSALS or len(found) + len(waiting) >= _MOST_PIECES:
            return None
        waiting += halves
    return found


def _precise(tree: Node) -> Expression | None:
    forms = (form for form in prefilter.expressions(tree) if not form.approximate)
    return next(filter(is_usable, forms), None)


def _halves(tree: Node) -> list[Node] | None:
    """Two patterns that together match what this one matches."""
    match tree:
        case Choice(branches) if len(branches) > 1:
            middle = len(branches) // 2
            return [_choice(branches[:middle]), _choice(branches[middle:])]
        case Sequence(parts):
            sizes = [(len(walk(part)), number) for number, part in enumerate(parts)]
            for _, number in sorted(sizes, reverse=True):
                halves = _halves(parts[number])
                if halves is not None:
                    return [Sequence((*parts[:number], half, *parts[number + 1 :])) for half in halves]
    return None


def _choice(branches: tuple[Node, ...]) -> Node:
    return branches[0] if len(branches) == 1 else Choice(branches)
