"""Which variables of TX the quiet rules read, those that need not run while nothing of theirs has changed.

What a rule writes that no quiet rule reads, such as the notes that a chain takes for its own later links, wakes nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockade.seclang import Macro, parse_text
from stockade.seclang import Rule as Tree
from stockade.waf.folding import Folded, Kind
from stockade.waf.macros import macros_of
from stockade.waf.rule import Link

_TEXTS = frozenset(
    {"setvar", "msg", "logdata", "tag", "redirect", "initcol", "expirevar", "setuid", "setsid", "setrsc"}
)


class Readers:
    """The names that they read; they read none by pattern, or they would not be known to be quiet."""

    def __init__(self, rules: Iterable[Folded]) -> None:
        self._names: set[str] = set()
        for entry in rules:
            if entry.kind in (Kind.SETTLED, Kind.DEPENDENT):
                for link in (entry.tree, *entry.tree.links):
                    self._names.update((target.key or "").lower() for target in link.targets)
                    self._names.update(macro.key.lower() for macro in _macros(link) if macro.collection == "TX")

    def first_concerned(self, entry: Folded) -> int:
        """The first link that writes what a quiet rule may read; as many as there are links where none does."""
        links = entry.rule.links
        return next((number for number, link in enumerate(links) if self._concerns(link)), len(links))

    def _concerns(self, link: Link) -> bool:
        if link.capture and not self._names.isdisjoint("0123456789"):
            return True
        for setvar in (setvar for setvar in link.setvars if setvar.collection == "tx"):
            prefix, whole = setvar.prefix
            if prefix in self._names or setvar.change == "!":
                return True
            if not whole and any(name.startswith(prefix) for name in self._names):
                return True
        return False


def _macros(link: Tree) -> Iterator[Macro]:
    """Every macro of the link, wherever it stands."""
    if link.operator is not None:
        yield from macros_of(link.operator.argument)
    for action in link.actions:
        if action.name in _TEXTS:
            yield from macros_of(parse_text(action.argument or ""))
