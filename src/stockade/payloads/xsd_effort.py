"""How the time to match a pattern grows with the text, and how much of it one body may take.

libxml2 backtracks where a pattern is ambiguous. A text that leads from a place of the pattern back to it in two ways
takes exponential time: such a pattern is refused at load. Each ambiguous way from one loop into another adds a power of
the length (Weber and Seidl, 1991): values of such types are counted, and a body has a budget for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

from stockade.payloads.xml_body import local_name
from stockade.payloads.xsd_patterns import Places, Unreadable

EXPONENTIAL = 99
_BUDGET = 5_000_000  # steps, a sixth of a second
_MOST_IN_LOOP = 150  # places; beyond that the question is not worth its time
_XS = "{http://www.w3.org/2001/XMLSchema}"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_OWNERS = (f"{_XS}element", f"{_XS}attribute", f"{_XS}simpleType", f"{_XS}complexType")
_REFERENCES = ("type", "base", "itemType", "memberTypes")

Owner: TypeAlias = tuple[str, str]
"""`element`, `attribute` or `type`, and the local name."""


@lru_cache(maxsize=4_096)
def power_of(pattern: str) -> int:
    """1 for a pattern whose time grows as the text does, 2 for its square, …; EXPONENTIAL where none can tell."""
    try:
        places = Places(pattern)
    except Unreadable:  # libxml2 has refused what is malformed; what is left may be anything
        return EXPONENTIAL
    loops = [loop for loop in _components(places.after) if any(places.after[place] & loop for place in loop)]
    if any(_is_ambiguous(loop, places) for loop in loops):
        return EXPONENTIAL
    powers: list[int] = []
    for loop in loops:  # those that others lead to come first
        known = zip(loops, powers, strict=False)
        powers.append(1 + max((power for other, power in known if _leads(loop, other, places)), default=0))
    return max(powers, default=1)


def _components(after: list[set[int]]) -> list[set[int]]:
    """Strongly connected components, last first (Tarjan's algorithm, not recursive)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[set[int]] = []
    for root in range(len(after)):
        if root in index:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            place, inner = work[-1]
            following = next((one for one in inner if one not in index or one in on_stack), None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == index[place]:
                    found.append(_popped(stack, on_stack, place))
            elif following in index:
                low[place] = min(low[place], index[following])
            else:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(after[following])))
    return found


def _popped(stack: list[int], on_stack: set[int], last: int) -> set[int]:
    component: set[int] = set()
    while last not in component:
        component.add(stack.pop())
    on_stack -= component
    return component


def _is_ambiguous(loop: set[int], places: Places) -> bool:
    """Whether one text leads apart within the loop, and together again."""
    if len(loop) > _MOST_IN_LOOP:
        return True
    todo = [pair for place in loop for pair in _pairs(place, place, loop, places) if pair[0] != pair[1]]
    seen = set(todo)
    while todo:
        for pair in _pairs(*todo.pop(), loop, places):
            if pair[0] == pair[1]:
                return True
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return False


def _pairs(one: int, two: int, loop: set[int], places: Places) -> Iterator[tuple[int, int]]:
    """Where two ways may stand after the same character more."""
    masks = places.masks
    for first in places.after[one] & loop:
        for second in places.after[two] & loop:
            if masks[first] & masks[second]:
                yield (first, second) if first < second else (second, first)


def _leads(loop: set[int], other: set[int], places: Places) -> bool:
    """Whether one text may lead around the first loop, from it to the second, and around the second."""
    masks = places.masks
    alphabet = _alphabet(loop, masks) & _alphabet(other, masks)
    todo, seen = [place for place in loop if masks[place] & alphabet], set(loop)
    while todo:
        for place in places.after[todo.pop()] - seen:
            if masks[place] & alphabet:
                if place in other:
                    return True
                seen.add(place)
                todo.append(place)
    return False


def _alphabet(loop: set[int], masks: list[int]) -> int:
    alphabet = 0
    for place in loop:
        alphabet |= masks[place]
    return alphabet


class Effort:
    """Which elements and attributes, by local name, have a type whose patterns are ambiguous, and how much so."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._powers: dict[Owner, int] = {}
        uses: dict[Owner, set[Owner]] = {}
        for root in roots:
            for node in root.iter(f"{_XS}*"):
                owner = _owner(node)
                if owner:
                    self._learn(node, owner, uses)
        self._spread(uses)
        self._most = max(self._powers.values(), default=1)

    def _learn(self, node: Any, owner: Owner, uses: dict[Owner, set[Owner]]) -> None:
        if node.tag == f"{_XS}pattern":
            power = power_of(node.get("value", ""))
            if power > 1:
                self._powers[owner] = max(power, self._powers.get(owner, 1))
        named = " ".join(node.get(name, "") for name in _REFERENCES).split()
        uses.setdefault(owner, set()).update(("type", name.rpartition(":")[2]) for name in named)
        if head := node.get("substitutionGroup"):
            uses[owner].add(("element", head.rpartition(":")[2]))

    def _spread(self, uses: dict[Owner, set[Owner]]) -> None:
        """What uses an ambiguous type is so, too."""
        users: dict[Owner, set[Owner]] = {}
        for owner, used in uses.items():
            for one in used:
                users.setdefault(one, set()).add(owner)
        todo = list(self._powers)
        while todo:
            one = todo.pop()
            for user in users.get(one, ()):
                if self._powers.get(user, 1) < self._powers[one]:
                    self._powers[user] = self._powers[one]
                    todo.append(user)

    def is_bearable(self, root: Any) -> bool:
        """Whether the values within an element can be matched within the budget."""
        if self._most == 1:
            return True
        steps = 0
        for node in root.iter("*"):
            power = self._most if _XSI_TYPE in node.attrib else self._powers.get(("element", local_name(node.tag)), 1)
            if power > 1:
                steps += len("".join(node.itertext(with_tail=False)) if len(node) else node.text or "") ** power
            for name, value in node.items():
                steps += len(value) ** self._powers.get(("attribute", local_name(name)), 1)
        return steps <= _BUDGET


def _owner(node: Any) -> Owner | None:
    """The declaration or named type that the node is of."""
    while node is not None:
        if node.tag in _OWNERS and node.get("name"):
            kind = local_name(node.tag)
            return (kind if kind in ("element", "attribute") else "type", node.get("name"))
        node = node.getparent()
    return None
