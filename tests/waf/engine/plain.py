"""The rules, one after the other, with no shortcut: what the engine must come to, however it gets there.

`plain(…)` loads like `RuleSet.load` and inspects like it, but evaluates every rule of every phase in order. Nothing is
folded, gated or remembered; what it shares with the engine is what a single rule does (`Rule.evaluate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from stockade.seclang import load
from stockade.waf import Inspection, RuleSet, Transaction
from stockade.waf.persistent import Collections, MemoryCollections, Variables
from stockade.waf.reader import PHASES, RuleBook, read
from stockade.waf.rule import Rule
from stockade.wire import Request, Response


def plain(
    paths: Iterable[str | Path] = (),
    *,
    text: str = "",
    variables: Mapping[str, str] | None = None,
    collections: Collections | None = None,
) -> RuleSet:
    parsed = load(paths, text or None)
    book, problems = read(parsed.statements)
    assert not parsed.problems
    assert not problems
    beginning = {name.lower(): value.encode() for name, value in (variables or {}).items()}
    return RuleSet(cast(Any, _Plain(book, beginning)), collections)


class _NoGates:
    def at_head(self, transaction: Transaction) -> int:
        return 0

    at_body = at_response = at_response_body = at_head


class _Plain:
    """In place of `Program`."""

    def __init__(self, book: RuleBook, beginning: Variables) -> None:
        self.settings = book.settings
        self.gates = _NoGates()
        self._book = book
        self._beginning = beginning

    def run(self, phase: int, transaction: Transaction, gates: int) -> None:
        if not transaction.phase:
            transaction.tx = dict(self._beginning)
        transaction.phase = phase
        if transaction.mode == "Off" or _passes(transaction.allowed, phase):
            return
        rules, markers = self._book.rules[phase], self._book.markers[phase]
        next_one = 0
        for number, (rule, _) in enumerate(rules):
            if number < next_one or transaction.is_removed(rule) or not rule.evaluate(transaction):
                continue
            if transaction.mode == "Off" or _decides(rule, transaction):
                return
            if rule.skip_after:
                place = markers.get(rule.skip_after, 0)
                next_one = place if place > number else len(rules)
            else:
                next_one = number + 1 + rule.skip


def _passes(allowed: str, phase: int) -> bool:
    return {"all": phase < PHASES[-1], "request": phase <= 2}.get(allowed, False)


def _decides(rule: Rule, transaction: Transaction) -> bool:
    if rule.disruption == "pass" or transaction.mode != "On":
        return False
    if rule.disruption.startswith("allow"):
        transaction.allowed = rule.disruption.partition(":")[2] or "all"
        return True
    transaction.decision = cast(Any, rule.disruption)
    transaction.decided_by = rule.id
    transaction.status = rule.status
    if rule.disruption == "redirect":
        transaction.status = rule.status if 300 <= rule.status < 400 else 302
        if rule.redirect is not None:
            transaction.redirect = rule.redirect(transaction).decode("utf-8", "replace")
    return True


class Both(Struct):
    """The engine and the plain interpreter, each with its own persistent collections."""

    engine: RuleSet
    plain: RuleSet

    @staticmethod
    def load(paths: Iterable[str | Path] = (), *, text: str = "", variables: Mapping[str, str] | None = None) -> Both:
        paths = list(paths)
        return Both(
            RuleSet.load(paths, text=text, variables=variables, collections=MemoryCollections()),
            plain(paths, text=text, variables=variables, collections=MemoryCollections()),
        )

    def differences(self, request: Request, response: Response | None = None) -> list[str]:
        """What the engine says otherwise, a line each."""
        return differences(self.engine.inspect(request, response), self.plain.inspect(request, response))


def differences(engine: Inspection, expected: Inspection) -> list[str]:
    found = [
        f"{name}: {getattr(engine, name)!r} where {getattr(expected, name)!r} is right"
        for name in Inspection.__struct_fields__
        if name != "matches" and getattr(engine, name) != getattr(expected, name)
    ]
    if engine.rules == expected.rules:
        for one, other in zip(engine.matches, expected.matches, strict=True):
            found += [
                f"rule {one.rule}, {name}: {getattr(one, name)!r} where {getattr(other, name)!r} is right"
                for name in one.__struct_fields__
                if getattr(one, name) != getattr(other, name)
            ]
    return found
