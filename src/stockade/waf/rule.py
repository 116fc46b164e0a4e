"""A rule, compiled: its links, each of which looks at its targets, transforms, tests and acts.

Semantics are ModSecurity v3's: every value is tried, `setvar` runs for every value that matches, also in a chain of
which a later link does not match; all other actions run once, when the link and those after it have matched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from stockade.seclang import Place
from stockade.waf.actions import Ctl, ExpireVar, InitCol, SetId, SetVar
from stockade.waf.inspection import Match
from stockade.waf.macros import Expand
from stockade.waf.operators import Hit, Test
from stockade.waf.targets import Fetch
from stockade.waf.transformations import untouched_by

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

Transform: TypeAlias = Callable[[bytes], bytes]
Deed: TypeAlias = Ctl | ExpireVar | InitCol | SetId
Disruption: TypeAlias = Literal["pass", "deny", "drop", "redirect", "allow", "allow:phase", "allow:request"]
WHOLE = Hit(0, 0)
_MOST_MATCHES = 32  # of one rule, that are kept for the record
_MOST_VALUE = 4096  # bytes of a value that are kept
_REMEMBERED = 64  # arguments with macros for which an operator stays made


class Link(Struct, eq=False):
    """One SecRule, or SecAction, of a chain."""

    fetches: tuple[Fetch, ...]
    transforms: tuple[Transform, ...]
    every_step: bool  # multiMatch: what each transformation yields is tried
    test: Test | None  # None: SecAction, or an operator whose argument has macros
    negated: bool = False
    capture: bool = False
    setvars: tuple[SetVar, ...] = ()
    deeds: tuple[Deed, ...] = ()
    transformations: tuple[str, ...] = ()  # their names
    argument: Expand | None = None  # of an operator whose argument has macros
    make: Callable[[bytes], Test] | None = None
    untouched: bytes | None = None  # a value of these bytes alone comes out as it went in; None: none does

    def __post_init__(self) -> None:
        if self.make is not None:
            self.make = lru_cache(_REMEMBERED)(self.make)
        self.untouched = untouched_by(self.transformations)

    @property
    def is_action(self) -> bool:
        return self.test is None and self.make is None

    def evaluate(self, transaction: Transaction, rule: Rule, first: bool) -> bool:
        if self.is_action:
            for setvar in self.setvars:
                setvar.run(transaction)
            if first:
                rule.note(transaction, b"", b"", b"", WHOLE)
            return True
        test = self.test
        if test is None:
            assert self.make is not None
            assert self.argument is not None
            test = self.make(self.argument(transaction))
        return self._try_all(transaction, rule, first, test)

    def _try_all(self, transaction: Transaction, rule: Rule, first: bool, test: Test) -> bool:
        excluded = transaction.exclusions_for(rule) if transaction.removed_targets else ()
        negated, matched = self.negated, False
        for fetch in self.fetches:
            for collection, key, value in fetch(transaction):
                if excluded and any(part.hold(collection, key) for part in excluded):
                    continue
                for seen in self.seen(value):
                    hit = test(seen)
                    if (hit is None) is not negated:
                        continue
                    matched = True
                    self._matched(transaction, rule, first, collection, key, seen, hit or WHOLE)
                    if hit is not None and hit.overrun:  # it took too long once: not again for every other value
                        return True
        return matched

    def seen(self, value: bytes) -> tuple[bytes, ...]:
        """What the operator looks at: the transformed value; with multiMatch, every step on the way."""
        if self.untouched is not None and not value.translate(None, self.untouched):
            return (value,)
        if not self.every_step:
            for transform in self.transforms:
                value = transform(value)
            return (value,)
        steps = [value]
        for transform in self.transforms:
            value = transform(value)
            if value != steps[-1]:
                steps.append(value)
        return tuple(steps)

    def _matched(
        self, transaction: Transaction, rule: Rule, first: bool, collection: bytes, key: bytes, value: bytes, hit: Hit
    ) -> None:
        transaction.matched.append((collection + b":" + key if key else collection, value))
        if self.capture:
            for digit, text in zip(_DIGITS, hit.captures, strict=False):
                if text is not None:
                    transaction.tx[digit] = text
        if first:
            rule.note(transaction, collection, key, value, hit)
        for setvar in self.setvars:
            setvar.run(transaction)


_DIGITS = tuple("0123456789")


class Note(NamedTuple):
    """A match of a first link, kept until the rest of the chain has matched."""

    variable: bytes
    value: bytes
    hit: Hit

    @property
    def captures(self) -> dict[str, bytes]:
        pairs = zip(_DIGITS, self.hit.captures, strict=False)
        return {digit: text for digit, text in pairs if text is not None}


class Rule(Struct, eq=False):
    """What it is called, what it decides, and its links."""

    id: int
    place: Place
    phase: int
    links: tuple[Link, ...]
    disruption: Disruption = "pass"
    status: int = 403
    redirect: Expand | None = None
    logs: bool = True
    message: Expand | None = None
    logdata: Expand | None = None
    severity: str = ""
    version: str = ""
    tags: tuple[Expand, ...] = ()
    plain_tags: tuple[str, ...] = ()  # as written, for those who select rules by tag
    plain_message: str = ""
    skip: int = 0  # rules to skip after a match
    skip_after: str = ""  # marker, or id of a rule

    @property
    def deeds(self) -> tuple[Deed, ...]:
        """In the order in which they are done: the last link's first, as in ModSecurity."""
        return tuple(deed for link in reversed(self.links) for deed in link.deeds)

    def evaluate(self, transaction: Transaction) -> bool:
        """Whether all links matched. Decisions and skips are the transaction's business."""
        transaction.begin_rule(self)
        if not self._chain_matches(transaction):
            return False
        if self.logs:
            transaction.rules.append(self.id)
            transaction.matches.extend([self._told(transaction, note) for note in transaction.noted])
        return True

    def _chain_matches(self, transaction: Transaction) -> bool:
        for number, link in enumerate(self.links):
            if not link.evaluate(transaction, self, number == 0):
                return False
            transaction.reached = number + 1
        for deed in self.deeds:
            deed.run(transaction)
        return True

    def note(self, transaction: Transaction, collection: bytes, key: bytes, value: bytes, hit: Hit) -> None:
        """Remember what the first link matched, should the rest of the chain match as well."""
        transaction.severity = self.severity
        if self.logs and len(transaction.noted) < _MOST_MATCHES:
            transaction.noted.append(Note(collection + b":" + key if key else collection, value, hit))

    def _told(self, transaction: Transaction, note: Note) -> Match:
        """What there is to say of a match. Macros mean what they meant when it was noted."""
        transaction.matched.append((note.variable, note.value))
        if self.links[0].capture:
            transaction.tx.update(note.captures)
        veil = transaction.veil
        if veil is not None:
            veil.captured = note.captures if self.links[0].capture else ()
        return Match(
            self.id,
            self.place,
            note.variable.decode("utf-8", "replace") if veil is None else veil.variable(note.variable),
            note.value[:_MOST_VALUE],
            min(note.hit.offset, _MOST_VALUE),
            note.hit.length,
            _text(self.message, transaction),
            _text(self.logdata, transaction),
            tuple([_text(tag, transaction) for tag in self.tags]),
            self.severity,
            self.version,
            veil is not None and veil.hides(note.variable, note.value),
        )


def _text(expand: Expand | None, transaction: Transaction) -> str:
    return expand(transaction).decode("utf-8", "replace") if expand is not None else ""
