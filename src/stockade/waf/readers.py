"""Who reads of TX what others write: on that depends which rules may be left out while nothing of theirs has changed.

What a rule writes that no other reads, such as the notes that a chain takes for its own later links, is nobody's
business: whether the rule ran makes no difference then, unless it matched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from stockade.seclang import Operator
from stockade.seclang import Rule as Tree
from stockade.waf.actions import SetVar
from stockade.waf.folding import Folded
from stockade.waf.macros import constant, macros_of
from stockade.waf.names import DIGITS, Names, expanded, macros_in, targeted, written
from stockade.waf.operators.patterns import Pattern
from stockade.waf.operators.patterns.tree import taking_part
from stockade.waf.rule import Link

_OF_WHOLE = frozenset({"pm", "pmf", "pmfromfile", "detectsqli", "detectxss", "rxglobal"})  # they always set TX:0


class Use(NamedTuple):
    """What a rule does with variables. `borrows`: what it reads that may come from elsewhere; `decides`: what it reads
    of that before it is known whether it matches."""

    borrows: Names
    decides: Names
    writes: Names


class Readers:
    """`also`: what is read when all rules are done."""

    def __init__(self, rules: Iterable[Folded], also: Iterable[str]) -> None:
        self._quiet = Names()  # of those that need not run while nothing of theirs has changed
        self._borrowed, self._written = _Tally(), _Tally()
        self._borrowed.add(Names(also))
        self._uses: dict[int, Use] = {}  # by the identity of the rule
        for entry in rules:
            use = self._uses[id(entry.rule)] = _use(entry)
            self._borrowed.add(use.borrows)
            self._written.add(use.writes)
            if entry.is_foreseen:
                self._quiet.update(use.borrows)
                self._quiet.update(use.writes)

    def first_concerned(self, entry: Folded) -> int:
        """The first link that writes what a quiet rule reads or writes; as many as there are links where none does."""
        links = entry.rule.links
        return next((number for number, link in enumerate(links) if self._concerns(link)), len(links))

    def _concerns(self, link: Link) -> bool:
        deletes = any(setvar.change == "!" and setvar.collection == "tx" for setvar in link.setvars)
        return deletes or _writes(link).meets(self._quiet)

    def others_read(self, entry: Folded, link: Link) -> bool:
        """Whether another rule may read what the link writes."""
        return self._borrowed.meets(_writes(link), besides=self._uses[id(entry.rule)].borrows)

    def depends_on_others(self, entry: Folded) -> bool:
        """Whether another rule may write what this one reads, unless it has matched and says so, and is not known."""
        borrows, decides, writes = self._uses[id(entry.rule)]
        reads = decides if entry.rule.logs else borrows
        unknown = Names(reads.whole - entry.known)
        unknown.beginnings = reads.beginnings
        return self._written.meets(unknown, besides=writes)


class _Tally:
    """How many rules each name is in."""

    def __init__(self) -> None:
        self._whole: Counter[str] = Counter()
        self._beginnings: Counter[str] = Counter()

    def add(self, names: Names) -> None:
        self._whole.update(names.whole)
        self._beginnings.update(names.beginnings)

    def meets(self, names: Names, besides: Names) -> bool:
        """Whether one of the names is in a rule other than the one whose names `besides` are."""
        if not names:
            return False
        others = Names(name for name, count in self._whole.items() if count > (name in besides.whole))
        others.beginnings = {text for text, count in self._beginnings.items() if count > (text in besides.beginnings)}
        return others.meets(names)


def _writes(link: Link) -> Names:
    names = written(link.setvars)
    if link.capture:
        names.whole |= DIGITS
    return names


def _use(entry: Folded) -> Use:
    decides, writes, on_match = Names(), Names(), Names()
    own: set[str] = set()  # what the links so far have written, whatever the request
    for link, tree in zip(entry.rule.links, (entry.tree, *entry.tree.links), strict=True):
        decides.update(on_match)  # this link is looked at where the ones before it match
        decides.update(_without(_looked_at(tree), own))
        own |= _captured(link, tree.operator)
        on_match = _without(_taken(link), own)
        own |= {setvar.prefix[0] for setvar in link.setvars if _replaces(setvar)}
        writes.update(_writes(link))
    borrows = decides.copy()
    borrows.update(on_match)
    for tree in (entry.tree, *entry.tree.links):
        borrows.update(_without(expanded(macros_in(tree)), own))
    return Use(borrows, decides, writes)


def _looked_at(tree: Tree) -> Names:
    """What the link reads before it matches."""
    names = targeted(tree.targets)
    if tree.operator is not None:
        names.update(expanded(macros_of(tree.operator.argument)))
    return names


def _taken(link: Link) -> Names:
    """What it reads to set variables."""
    names = Names(setvar.prefix[0] for setvar in link.setvars if setvar.change in "+-" and setvar.prefix[1])
    for setvar in link.setvars:
        names.update(expanded(setvar.reads))
        if setvar.change in "+-" and not setvar.prefix[1]:
            names.add_beginning(setvar.prefix[0])
    return names


def _replaces(setvar: SetVar) -> bool:
    """Whether it is known which variable it sets, and to what, without its value so far."""
    return setvar.collection == "tx" and setvar.change == "=" and setvar.prefix[1]


def _without(names: Names, own: set[str]) -> Names:
    names.whole -= own
    return names


def _captured(link: Link, operator: Operator | None) -> set[str]:
    """The digits that are set whenever the link matches."""
    if not link.capture or link.negated or operator is None:
        return set()
    if operator.name in _OF_WHOLE:
        return {"0"}
    argument = constant(operator.argument)
    if operator.name != "rx" or not argument:
        return set()
    pattern = Pattern.compile(argument)
    is_linear = pattern.re2 is not None and not pattern.newline  # otherwise time may be over before a group is known
    groups = taking_part(pattern.tree) if is_linear else ()
    return {"0", *map(str, groups)} & DIGITS
