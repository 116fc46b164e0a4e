"""A rule set as it runs: steps in order, of which those alone run that a request may concern.

A transaction is in one of three ways. At first nothing is set but what is known at load, and the rules that ask after
that are left out. Once a rule *touches* what they read, they run as well. Where it goes *astray*, that is, where the
rules no longer run in the order on which that knowledge rests, every rule runs that no gate holds back.
"""

from __future__ import annotations

from collections.abc import Iterable

from stockade.waf.folding import UNANSWERED
from stockade.waf.persistent import Variables
from stockade.waf.reader import PHASES, RuleBook
from stockade.waf.rule import Rule
from stockade.waf.steps import Span, Step, Steps
from stockade.waf.transaction import Transaction


class Program:
    """Compiled from a rule book and the variables that TX begins with. `read_after`: those that count in the end."""

    def __init__(self, book: RuleBook, beginning: Variables, read_after: Iterable[str] = ()) -> None:
        known = Steps(book, beginning, read_after)
        self.settings = book.settings
        self.gates = known.gates
        self._beginning = dict(beginning)
        self._takes_folded = known.takes_folded
        self._steps, self._spans, self._states = known.steps, known.spans, known.states
        self._always, self._settled, self._gated = known.always, known.settled, known.gated
        self._shown = ~known.shadowed

    def __len__(self) -> int:
        """How many rules there are."""
        return len(self._steps)

    def run(self, phase: int, transaction: Transaction, gates: int) -> None:
        """The rules of a phase, until one decides."""
        span = self._enter(phase, transaction)
        if transaction.mode == "Off" or _lets_pass(transaction.allowed, phase):
            return
        pending = self._pending(transaction, gates, span)
        while pending:
            number = (pending & -pending).bit_length() - 1
            pending &= pending - 1
            step = self._steps[number]
            if step.needs & ~gates and not (transaction.astray and step.assumes):
                continue
            if transaction.removed_rules and transaction.is_removed(step.rule):
                continue
            matched = self._evaluate(step, transaction)
            if self._leaves(step, matched, transaction):
                pending = self._pending(transaction, gates, span) & (-2 << number)
            if matched and step.acts:
                if transaction.mode == "Off" or self._decide(step.rule, transaction):
                    transaction.touched = transaction.astray = True
                    return
                pending &= -1 << step.landing
        self._move(transaction, span.state)

    def _enter(self, phase: int, transaction: Transaction) -> Span:
        """The steps of the phase, where the one before it is what was foreseen."""
        before, transaction.phase = transaction.phase, phase
        if not before:
            self._begin(transaction)
        if (before, phase) == (2, PHASES[-1]):
            return self._spans[UNANSWERED]
        if phase != before + 1:
            transaction.touched = transaction.astray = True
        return self._spans[phase]

    def _begin(self, transaction: Transaction) -> None:
        transaction.tx, transaction.state = dict(self._beginning), 0
        targets = (selector for selector, what in transaction.removed_targets if what.concern(b"TX"))
        removed = [*transaction.removed_rules, *targets]
        if any(map(self._takes_folded, removed)):
            transaction.touched = transaction.astray = True

    def _pending(self, transaction: Transaction, gates: int, span: Span) -> int:
        """The steps that may have to run, as bits."""
        if transaction.astray:
            return (gates | ~self._gated) & span.mask
        if transaction.touched:
            return (gates | self._always | self._settled) & span.mask
        return (gates | self._always) & self._shown & span.mask

    @staticmethod
    def _leaves(step: Step, matched: bool, transaction: Transaction) -> bool:
        """Whether other steps must run from here on."""
        strays = matched and step.strays and not transaction.astray
        touches = transaction.reached >= step.writes and not transaction.touched
        if strays:
            transaction.astray = True
        if strays or touches:
            transaction.touched = True
        return strays or touches

    def _evaluate(self, step: Step, transaction: Transaction) -> bool:
        """Whether the rule matches. What is remembered of it is not looked at again."""
        transaction.reached = 0
        self._move(transaction, step.state)
        memory = None if transaction.astray or transaction.removed_targets else step.memory
        if memory is None:
            matched = step.rule.evaluate(transaction)
        else:
            key = memory.key(transaction)
            known = memory.outcome(key)
            matched = known.repeat(transaction) if known is not None else memory.evaluate(step.rule, transaction, key)
        if transaction.reached:
            transaction.has_notes = True
        if step.after >= 0 and not transaction.touched:
            transaction.state = step.after
        return matched

    def _move(self, transaction: Transaction, state: int) -> None:
        """Let TX be as it is known to be here, with what has been written to it besides."""
        if transaction.touched or state == transaction.state:
            return
        tx, before = transaction.tx, self._states[transaction.state]
        fresh = dict(self._states[state])
        if transaction.has_notes:
            fresh.update((name, value) for name, value in tx.items() if before.get(name) != value)
        transaction.tx, transaction.state = fresh, state

    def _decide(self, rule: Rule, transaction: Transaction) -> bool:
        """Do what the rule says of the request; whether the phase is over."""
        kind = rule.disruption
        if kind == "pass" or transaction.mode != "On":
            return False
        if kind.startswith("allow"):
            transaction.allowed = {"allow": "all", "allow:phase": "phase", "allow:request": "request"}[kind]
            return True
        if kind == "deny":
            transaction.decision, transaction.status = "deny", rule.status
        elif kind == "drop":
            transaction.decision, transaction.status = "drop", rule.status
        elif kind == "redirect":
            status = rule.status if 300 <= rule.status < 400 else 302
            transaction.decision, transaction.status = "redirect", status
            if rule.redirect is not None:
                transaction.redirect = rule.redirect(transaction).decode("utf-8", "replace")
        transaction.decided_by = rule.id
        return True


def _lets_pass(allowed: str, phase: int) -> bool:
    """Whether an earlier `allow` lets this phase pass; the last one always runs."""
    return (allowed == "all" and phase != PHASES[-1]) or (allowed == "request" and phase in (1, 2))
