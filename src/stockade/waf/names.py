"""Sets of names of TX variables, some of them known only by how they begin: `setvar:tx.note_%{tx.0}=1`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockade.seclang import Macro, Target, parse_text
from stockade.seclang import Rule as Tree
from stockade.waf.actions import SetVar
from stockade.waf.macros import macros_of
from stockade.waf.targets import beginning_of

DIGITS = frozenset("0123456789")
_TEXTS = frozenset(
    {"msg", "logdata", "tag", "redirect", "initcol", "expirevar", "setuid", "setsid", "setrsc"}
)  # actions whose arguments may hold macros, beside setvar


class Names:
    """`whole`: names; `beginnings`: everything that begins so. All in lower case."""

    __slots__ = ("beginnings", "whole")

    def __init__(self, whole: Iterable[str] = ()) -> None:
        self.whole: set[str] = set(whole)
        self.beginnings: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.whole or self.beginnings)

    def add(self, name: str) -> None:
        self.whole.add(name.lower())

    def add_beginning(self, text: str) -> None:
        self.beginnings.add(text.lower())

    def copy(self) -> Names:
        names = Names(self.whole)
        names.beginnings = set(self.beginnings)
        return names

    def update(self, other: Names) -> None:
        self.whole |= other.whole
        self.beginnings |= other.beginnings

    def holds(self, name: str) -> bool:
        return name in self.whole or any(name.startswith(text) for text in self.beginnings)

    def meets(self, other: Names) -> bool:
        """Whether some name may be in both."""
        return (
            not self.whole.isdisjoint(other.whole)
            or any(map(other._has_begun, self.whole))
            or any(map(self._has_begun, other.whole))
            or any(one.startswith(two) or two.startswith(one) for one in self.beginnings for two in other.beginnings)
        )

    def _has_begun(self, name: str) -> bool:
        return any(name.startswith(text) for text in self.beginnings)


def written(setvars: Iterable[SetVar]) -> Names:
    names = Names()
    for setvar in setvars:
        if setvar.collection == "tx":
            prefix, whole = setvar.prefix
            (names.add if whole else names.add_beginning)(prefix)
    return names


def targeted(targets: Iterable[Target]) -> Names:
    """The variables of TX that are looked at."""
    names = Names()
    for target in targets:
        if target.collection == "TX" and not target.excluded:
            if target.key is not None:
                names.add(target.key)
            else:
                names.add_beginning(beginning_of(target.pattern or ""))
    return names


def expanded(macros: Iterable[Macro]) -> Names:
    return Names(macro.key.lower() for macro in macros if macro.collection == "TX")


def macros_in(link: Tree) -> Iterator[Macro]:
    """Every macro of the link, wherever it stands."""
    if link.operator is not None:
        yield from macros_of(link.operator.argument)
    for action in link.actions:
        if action.name == "setvar" or action.name in _TEXTS:
            yield from macros_of(parse_text(action.argument or ""))
