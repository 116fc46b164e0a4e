"""All that the transformations of many rules make of a value, computed once.

Most values are plain words and numbers, which no transformation changes; one look at C speed tells. Of the others, each
chain of transformations is tried that could change one of the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

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


class _Step(NamedTuple):
    touches: frozenset[int] | None
    apply: Transform


def _step(name: str) -> _Step:
    transformation = TRANSFORMATIONS[name]
    return _Step(transformation.touches, transformation.apply)


class Variants:
    """What `chains` make of values."""

    def __init__(self, chains: Iterable[tuple[str, ...]]) -> None:
        unique = sorted({chain for chain in chains if chain})
        self._chains = [[_step(name) for name in chain] for chain in unique]
        touches = [_touched(chain) for chain in self._chains]
        self._touched: list[frozenset[int] | None] = touches
        everything = frozenset[int]().union(*(touch for touch in touches if touch is not None))
        self._boring = bytes(sorted(frozenset(range(256)) - everything))
        self._always = tuple(number for number, touch in enumerate(touches) if touch is None)
        self._known: dict[bytes, tuple[int, ...]] = {}

    def of(self, value: bytes) -> list[bytes]:
        """The value itself and everything else that it becomes; no two alike."""
        interesting = value.translate(None, self._boring)
        if not interesting and not self._always:
            return [value]
        found = [value]
        for number in self._worth_trying(interesting):
            changed = value
            for touches, apply in self._chains[number]:
                if touches is None or not touches.isdisjoint(changed):
                    changed = apply(changed)
            if changed not in found:
                found.append(changed)
        return found

    def _worth_trying(self, interesting: bytes) -> tuple[int, ...]:
        if not interesting:
            return self._always
        kinds = bytes(sorted(set(interesting)))
        numbers = self._known.get(kinds)
        if numbers is None:
            numbers = tuple(
                number
                for number, touch in enumerate(self._touched)
                if touch is None or not touch.isdisjoint(kinds)
            )
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[kinds] = numbers
        return numbers


_MOST_KNOWN = 4096


def _touched(chain: list[_Step]) -> frozenset[int] | None:
    """A chain changes nothing unless its first effective step does: any of the bytes that any step touches."""
    touches = [step.touches for step in chain]
    if None in touches:
        return None
    return frozenset[int]().union(*(touch for touch in touches if touch is not None))
