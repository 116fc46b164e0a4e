"""What can be known of the rules before any request: partial evaluation over the variables of TX.

CRS sets some sixty variables at the beginning of every request and then asks after them at every turn: is the paranoia
level at least 2, is there a threshold. Read in order, with what is known so far, most such rules always do the same, so
they are done once, at load. A variable is *known* while only rules that always do the same have written to it; once a
rule that depends on the request may write to it, it is *open*. A rule that asks after open variables need not run
either as long as no such rule has matched: what it would do is known for that case too.

All this holds while the rules run in the order that is foreseen here. A transaction that leaves it, because a rule of
the request's skipped what is folded, took it away or ended a phase, goes *astray*: from there on `program` looks at
every rule itself.

    dead       never matches, or is always skipped
    settled    always matches; what it sets is part of the beginning state
    dependent  asks after open variables; while nothing has matched it is as settled or as dead as the others
    waiting    depends on the request
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from stockade.seclang import Macro, Target
from stockade.seclang import Rule as RuleTree
from stockade.waf.actions import SetVar
from stockade.waf.macros import macros_of
from stockade.waf.names import DIGITS, Names, written
from stockade.waf.persistent import MemoryCollections, Variables
from stockade.waf.reader import Read, RuleBook
from stockade.waf.rule import Rule
from stockade.waf.targets import Pair
from stockade.waf.transaction import Transaction


class Kind(Enum):
    DEAD = "dead"
    SETTLED = "settled"
    DEPENDENT = "dependent"
    WAITING = "waiting"


class Folded(Struct):
    """A rule with what is known of it. `always`: it must run for every request, for it says or decides something."""

    rule: Rule
    tree: RuleTree
    kind: Kind
    always: bool
    shadowed: bool  # while nothing has matched it is skipped
    skips: bool  # it matches while nothing has, and the rules after it are folded as skipped
    state: Variables  # of TX before the rule, where nothing that depends on the request has matched
    known: frozenset[str]  # of these, the ones that are what they are whatever matches

    @property
    def is_foreseen(self) -> bool:
        """Whether it is known what it does while nothing has matched, and that others build on."""
        return self.kind in (Kind.SETTLED, Kind.DEPENDENT)


class Stretch(NamedTuple):
    """The rules of a phase, and TX after them where nothing that depends on the request has matched."""

    entries: list[Folded]
    end: Variables


UNANSWERED = 6


class _Unknown(Exception):
    """The rule asked after the request."""


class _NoValues:
    """Stands in for a request at load."""

    class request:  # noqa: N801 - as the attribute of Values
        at = 0.0

    def xml(self, xpath: str) -> Any:
        raise _Unknown(xpath)


class _Beforehand(Transaction):
    """A transaction at load. What is not of the rule's own making raises _Unknown."""

    __slots__ = ()

    def pairs(self, collection: str) -> list[Pair]:
        if collection not in _OWN:
            raise _Unknown(collection)
        return super().pairs(collection)


_OWN = frozenset({"TX", "RULE", "MATCHED_VAR", "MATCHED_VAR_NAME", "MATCHED_VARS", "MATCHED_VARS_NAMES"})


class Folding:
    """Goes through the rules once, in the order in which they run."""

    def __init__(self, book: RuleBook, beginning: Variables) -> None:
        self._book = book
        self._state: Variables = dict(beginning)
        self._open = Names(DIGITS)  # what rules that depend on the request may have written to
        self._snapshot: Variables | None = None
        self._shadowed = False

    def run(self) -> dict[int, Stretch]:
        """By phase; UNANSWERED is the last phase as it is where there are none for a response."""
        found = {phase: self._stretch(phase) for phase in (1, 2)}
        state, opened = self._state, self._open.copy()
        found.update({phase: self._stretch(phase) for phase in (3, 4, 5)})
        self._become(state)
        self._open = opened
        found[UNANSWERED] = self._stretch(5)
        return found

    def _stretch(self, phase: int) -> Stretch:
        entries = self._phase(phase)
        return Stretch(entries, self._taken())

    def _phase(self, phase: int) -> list[Folded]:
        found: list[Folded] = []
        rules, markers = self._book.rules[phase], self._book.markers[phase]
        skipped_to = shadow_to = 0
        for number, read in enumerate(rules):
            if number < skipped_to:
                found.append(self._made(read, Kind.DEAD, always=False))
                continue
            self._shadowed = number < shadow_to
            folded, matches = self._fold(read)
            found.append(folded)
            if matches and not self._shadowed and _skips(read.rule):
                folded.skips = True
                landing = landing_of(read.rule, number, markers, len(rules))
                if folded.kind is Kind.SETTLED:
                    skipped_to = landing
                else:
                    shadow_to = landing
        self._shadowed = False
        return found

    def _made(self, read: Read, kind: Kind, *, always: bool) -> Folded:
        state = self._taken()
        known = frozenset(name for name in state if not self._open.holds(name))
        return Folded(read.rule, read.tree, kind, always, self._shadowed, False, state, known)

    def _taken(self) -> Variables:
        """The state as it is now; the same object while it stays the same."""
        if self._snapshot is None:
            self._snapshot = dict(self._state)
        return self._snapshot

    def _fold(self, read: Read) -> tuple[Folded, bool]:
        """What is known of the rule, and whether it is known to match."""
        rule = read.rule
        reads = reads_of(read.tree)
        lasting = any(setvar.collection != "tx" for setvar in _setvars(rule))
        outcome = self._try(rule) if reads is not None and not lasting else None
        if outcome is None:
            kind = Kind.DEAD if self._never_matches(read) else Kind.WAITING
            folded = self._made(read, kind, always=False)
            for setvar in _setvars(rule) if kind is Kind.WAITING else ():
                self._open_up(setvar)
            return folded, False
        matched, after = outcome
        assert reads is not None
        says = matched and _matters(rule)
        if self._shadowed or any(self._open.holds(name) for name in reads):
            folded = self._made(read, Kind.DEPENDENT, always=says)
            for setvar in _setvars(rule):
                self._open_up(setvar)
        else:
            folded = self._made(read, Kind.SETTLED if matched else Kind.DEAD, always=says)
            for setvar in _setvars(rule) if matched else ():
                if any(macro.collection != "TX" or self._open.holds(macro.key.lower()) for macro in setvar.reads):
                    self._open_up(setvar)
        if not self._shadowed:
            self._become(after)
        return folded, matched

    def _never_matches(self, read: Read) -> bool:
        """Whether a link of the chain is known not to match, and those before it leave nothing behind."""
        for link, tree in zip(read.rule.links, (read.tree, *read.tree.links), strict=True):
            reads = reads_of(replace(tree, links=()))
            if reads is not None and not any(self._open.holds(name) for name in reads):
                outcome = self._try(replace(read.rule, links=(link,)))
                if outcome is not None and not outcome[0]:
                    return True
            if link.setvars:
                return False
        return False

    def _open_up(self, setvar: SetVar) -> None:
        if setvar.collection == "tx":
            self._open.update(written([setvar]))

    def _become(self, state: Variables) -> None:
        if state != self._state:
            self._state = state
            self._snapshot = None

    def _try(self, rule: Rule) -> tuple[bool, Variables] | None:
        """Whether it matches and what TX is then; None when it depends on the request after all."""
        transaction = _Beforehand(_NoValues(), dict(self._state), "On", MemoryCollections(1), 0.0)  # type: ignore[arg-type]
        links = rule.links
        transaction.begin_rule(rule)
        try:
            for link in links:
                silent = Rule(rule.id, rule.place, rule.phase, rule.links, logs=False)
                if not link.evaluate(transaction, silent, first=False):
                    return False, transaction.tx
        except _Unknown:
            return None
        return True, transaction.tx


def landing_of(rule: Rule, number: int, markers: Mapping[str, int], end: int) -> int:
    """Which rule of a phase of `end` rules is next where this one, of that number, has matched."""
    if rule.skip_after:
        place = markers.get(rule.skip_after, -1)
        return place if place > number else end
    return min(number + 1 + rule.skip, end)


def _matters(rule: Rule) -> bool:
    """Whether a match has a consequence beyond `setvar` and a skip."""
    return rule.logs or rule.disruption != "pass" or any(link.deeds for link in rule.links)


def _skips(rule: Rule) -> bool:
    """Whether a match does nothing but skip: one that ends the phase is not foreseen."""
    return bool(rule.skip or rule.skip_after) and rule.disruption == "pass"


def _setvars(rule: Rule) -> list[SetVar]:
    return [setvar for link in rule.links for setvar in link.setvars]


def reads_of(tree: RuleTree) -> set[str] | None:
    """The TX variables that decide whether the rule matches; None when other things do as well."""
    names: set[str] = set()
    for link in (tree, *tree.links):
        for target in link.targets:
            if not _is_tx_variable(target):
                return None
            names.add((target.key or "").lower())
        for macro in macros_of(link.operator.argument) if link.operator is not None else ():
            if not _is_tx_macro(macro):
                return None
            names.add(macro.key.lower())
    return names


def _is_tx_variable(target: Target) -> bool:
    return target.collection == "TX" and target.key is not None and not target.excluded


def _is_tx_macro(macro: Macro) -> bool:
    return macro.collection == "TX" and bool(macro.key)
