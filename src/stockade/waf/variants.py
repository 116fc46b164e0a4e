"""All that the transformations of many rules make of a value, computed once.

Most values are plain words and numbers, which no transformation changes; one look at C speed tells. Of the others, each
chain of transformations is tried that could change one of the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from stockade.waf.rule import Transform
from stockade.waf.transformations import TRANSFORMATIONS, Transformation
from stockade.waf.transformations.cmd_line import TOUCHES_IN_ANY_CASE, cmd_line_in_any_case

# After these, or before them, the case of letters changes nothing but the case of the result: a search that ignores
# case finds the same without `lowercase`.
_BLIND_TO_CASE = frozenset(
    {
        "compresswhitespace",
        "removewhitespace",
        "removenulls",
        "replacenulls",
        "removecomments",
        "replacecomments",
        "trim",
        "trimleft",
        "trimright",
        "normalisepath",
        "normalizepath",
        "normalisepathwin",
        "normalizepathwin",
        "lowercase",
        "uppercase",
    }
)
_CASE = frozenset({"lowercase", "uppercase"})
_CMD = "cmdline in any case"
_STEPS = {**TRANSFORMATIONS, _CMD: Transformation(_CMD, cmd_line_in_any_case, TOUCHES_IN_ANY_CASE)}


class Chain(NamedTuple):
    """A chain of transformations as it is searched. `caseless`: what it makes may keep the case of letters."""

    names: tuple[str, ...]
    caseless: bool


def searched(names: Sequence[str]) -> Chain:
    """The chain without `lowercase` and `uppercase`, where a search that ignores case makes up for them."""
    plain = [part for name in names for part in ((_CMD, "lowercase") if name == "cmdline" else (name,))]
    first = next((number for number, name in enumerate(plain) if name in _CASE), None)
    if first is None:
        return Chain(tuple(plain), caseless=False)
    if _BLIND_TO_CASE.issuperset(plain[first:]):
        return Chain(tuple(name for name in plain if name not in _CASE), caseless=True)
    return Chain(tuple(names), caseless=True)


def is_wild(names: Sequence[str]) -> bool:
    """Whether the chain makes something else of every value."""
    return any(_STEPS[name].touches is None for name in names)


_Names: TypeAlias = tuple[str, ...]
_MOST_PLANS = 1024  # per node: one for each set of kinds of bytes


class _Node:
    """What is still to be done to a value: the rest of several chains.

    `plans`: by the kinds of interesting bytes that the value has, what can change it at all, and what is left then.
    """

    __slots__ = ("chains", "plans")

    def __init__(self, chains: frozenset[_Names]) -> None:
        self.chains = chains
        self.plans: dict[bytes, tuple[tuple[Transform, _Node], ...]] = {}


class Variants:
    """What `chains` make of values. Beginnings that chains share are done once."""

    def __init__(self, chains: Iterable[_Names]) -> None:
        self._nodes: dict[frozenset[_Names], _Node] = {}
        self._root = self._node(chain for chain in chains if chain)
        names = {name for chain in self._root.chains for name in chain}
        touches = [_STEPS[name].touches for name in names]
        self._anything_goes = None in touches
        interesting = frozenset[int]().union(*(touch for touch in touches if touch is not None))
        self._boring = bytes(sorted(frozenset(range(256)) - interesting))
        self._kinds = _kinds([touch for touch in touches if touch is not None])

    def of(self, value: bytes) -> list[bytes]:
        """The value itself and everything else that it becomes; no two alike."""
        interesting = value.translate(self._kinds, self._boring)
        found = [value]
        if interesting or self._anything_goes:
            self._follow(self._root, value, interesting, found)
        return found

    def _follow(self, node: _Node, value: bytes, interesting: bytes, found: list[bytes]) -> None:
        kinds = bytes(sorted(set(interesting)))
        plan = node.plans.get(kinds)
        if plan is None:
            plan = self._plan(node, kinds)
        for apply, rest in plan:
            changed = apply(value)
            if changed == value:
                left = interesting
            else:
                left = changed.translate(self._kinds, self._boring)
                if changed not in found:
                    found.append(changed)
            if rest.chains:
                self._follow(rest, changed, left, found)

    def _plan(self, node: _Node, kinds: bytes) -> tuple[tuple[Transform, _Node], ...]:
        """The steps that could change a value with these bytes, each with what follows it. A change of case alone is
        none: what is searched for after it is searched for in any case."""
        rests: dict[str, set[_Names]] = {}
        for chain in node.chains:
            for number, name in enumerate(chain):
                if _changes(name, kinds):
                    rest = chain[number + 1 :]
                    if name not in _CASE or any(_changes(other, kinds) for other in rest if other not in _CASE):
                        rests.setdefault(name, set()).add(rest)
                    break
        plan = tuple(
            (_STEPS[name].apply, self._node(chain for chain in chains if chain))
            for name, chains in sorted(rests.items())
        )
        if len(node.plans) >= _MOST_PLANS:
            node.plans.clear()
        node.plans[kinds] = plan
        return plan

    def _node(self, chains: Iterable[_Names]) -> _Node:
        key = frozenset(chains)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node(key)
        return node


def _kinds(touches: Sequence[frozenset[int]]) -> bytes:
    """A table that gives all bytes which the same transformations touch one name, the first of them."""
    first: dict[tuple[bool, ...], int] = {}
    return bytes(first.setdefault(tuple(byte in touch for touch in touches), byte) for byte in range(256))


def _changes(name: str, kinds: bytes) -> bool:
    """Whether the transformation could change a value that has these bytes."""
    touches = _STEPS[name].touches
    return touches is None or not touches.isdisjoint(kinds)
