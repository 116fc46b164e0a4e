"""All that the transformations of many rules make of a value, computed once.

Most values are plain words and numbers, which no transformation changes; one look at C speed tells. Of the others, each
chain of transformations is tried that could change one of the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from stockade.waf.rule import Transform
from stockade.waf.transformations import TRANSFORMATIONS

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


class Chain(NamedTuple):
    """A chain of transformations as it is searched. `caseless`: `lowercase` was left out."""

    names: tuple[str, ...]
    caseless: bool


def searched(names: Sequence[str]) -> Chain:
    """The chain without `lowercase` and `uppercase`, where a search that ignores case makes up for them."""
    first = next((number for number, name in enumerate(names) if name in _CASE), None)
    if first is None or not _BLIND_TO_CASE.issuperset(names[first:]):
        return Chain(tuple(names), caseless=False)
    return Chain(tuple(name for name in names if name not in _CASE), caseless=True)


def is_wild(names: Sequence[str]) -> bool:
    """Whether the chain makes something else of every value."""
    return any(TRANSFORMATIONS[name].touches is None for name in names)


_Names: TypeAlias = tuple[str, ...]
_MOST_PLANS = 1024  # per node: one for each set of interesting bytes


class _Node:
    """What is still to be done to a value: the rest of several chains.

    `plans`: by the interesting bytes that the value has, what can change it at all, and what is left after that.
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
        touches = [TRANSFORMATIONS[name].touches for name in names]
        self._anything_goes = None in touches
        interesting = frozenset[int]().union(*(touch for touch in touches if touch is not None))
        self._boring = bytes(sorted(frozenset(range(256)) - interesting))

    def of(self, value: bytes) -> list[bytes]:
        """The value itself and everything else that it becomes; no two alike."""
        interesting = value.translate(None, self._boring)
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
                left = changed.translate(None, self._boring)
                if changed not in found:
                    found.append(changed)
            if rest.chains:
                self._follow(rest, changed, left, found)

    def _plan(self, node: _Node, kinds: bytes) -> tuple[tuple[Transform, _Node], ...]:
        """The steps that could change a value with these bytes, each with what follows it."""
        rests: dict[str, set[_Names]] = {}
        for chain in node.chains:
            for number, name in enumerate(chain):
                touches = TRANSFORMATIONS[name].touches
                if touches is None or not touches.isdisjoint(kinds):
                    rests.setdefault(name, set()).add(chain[number + 1 :])
                    break
        plan = tuple(
            (TRANSFORMATIONS[name].apply, self._node(chain for chain in chains if chain))
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
