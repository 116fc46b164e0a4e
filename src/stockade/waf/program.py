"""A rule set as it runs: steps in order, what is known of them beforehand, and gates that say which are worth it."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from stockade.seclang import Macro, Text, to_bytes
from stockade.waf.actions import Ctl
from stockade.waf.folding import Folded, Folding, Kind
from stockade.waf.gates import Gates
from stockade.waf.operators import OPERATORS
from stockade.waf.persistent import Variables
from stockade.waf.reader import PHASES, RuleBook, RuleFiles
from stockade.waf.readers import Readers
from stockade.waf.remembering import Memory, memory_for
from stockade.waf.rule import Rule
from stockade.waf.transaction import Transaction, selects


class Step(NamedTuple):
    """A rule in its place. `needs`: the gates that must all be open; `writes`: how many links must match for it to set
    what quiet rules read."""

    rule: Rule
    number: int  # over all phases
    needs: int
    writes: int
    jumps: bool  # whether a match does more than set variables and speak
    memory: Memory | None


class _Span(NamedTuple):
    """The steps of a phase: [first, end)."""

    first: int
    end: int

    @property
    def mask(self) -> int:
        return (1 << self.end) - (1 << self.first)


class Program:
    """Compiled from a rule book and the variables that TX begins with."""

    def __init__(self, book: RuleBook, beginning: Variables) -> None:
        self.settings = book.settings
        folded = Folding(book, beginning).run()
        self.steps: list[Step] = []
        self.gates = Gates()
        self._states: list[Variables] = []
        self._state_starts: list[int] = []
        self._spans: dict[int, _Span] = {}
        self._markers: dict[int, dict[str, int]] = {}
        self._always = 0  # steps that run whatever the request
        self._settled = 0  # steps that run once anything has been set
        self._shadowed = 0  # steps that run only then
        self._next_gate = sum(map(len, folded.values()))
        self._readers = Readers(entry for phase in PHASES for entry in folded[phase])
        for phase in PHASES:
            first = len(self.steps)
            for entry in folded[phase]:
                self._add(entry)
            self._spans[phase] = _Span(first, len(self.steps))
            self._markers[phase] = {name: first + place for name, place in book.markers[phase].items()}
        self._quiet = self._shadowed | (self._settled & ~self._always)
        quiet = [step.rule for step in self.steps if self._quiet >> step.number & 1]
        self.steps = [step._replace(jumps=_jumps(step.rule, quiet)) for step in self.steps]
        self.gates.compile()

    # Building.

    def _add(self, folded: Folded) -> None:
        number = len(self.steps)
        if not self._states or self._states[-1] is not folded.state:
            self._states.append(folded.state)
            self._state_starts.append(number)
        needs = 0
        if folded.kind is Kind.WAITING:
            needs = self._needs(number, folded)
            if not needs:
                self._always |= 1 << number
        elif folded.kind is not Kind.DEAD:
            self._settled |= 1 << number
            if folded.always:
                self._always |= 1 << number
        waits = folded.kind is Kind.WAITING
        writes = 1 + (self._readers.first_concerned(folded) if waits else len(folded.rule.links))
        if folded.shadowed:
            self._shadowed |= 1 << number
        memory = memory_for(folded) if waits else None
        self.steps.append(Step(folded.rule, number, needs, writes, jumps=False, memory=memory))

    def _needs(self, number: int, folded: Folded) -> int:
        """Give each link that can have one its gate, the first of them the step's own number. 0: none can."""
        needs = 0
        trees = (folded.tree, *folded.tree.links)
        for link, tree in zip(folded.rule.links, trees, strict=True):
            operator = tree.operator
            if operator is not None:
                argument = _known_argument(operator.argument, folded)
                if argument is not None and not _depends_on_match(tree.targets):
                    files = RuleFiles(tree.place)
                    if link.test is None:
                        link.test = OPERATORS[operator.name](argument, files)
                    gate = self._next_gate if needs else number
                    if self.gates.add(gate, link, tree, folded.rule.phase, argument, files):
                        self._next_gate += bool(needs)
                        needs |= 1 << gate
            if link.setvars:  # what it sets stays, also where the rest of the chain does not match
                break
        return needs

    # Running.

    def run(self, phase: int, transaction: Transaction, gates: int) -> None:
        """The rules of a phase, until one decides."""
        if transaction.mode == "Off" or _lets_pass(transaction.allowed, phase):
            return
        span = self._spans[phase]
        every = (gates | self._always | self._settled) & span.mask
        pending = every if transaction.touched else every & ~self._quiet
        while pending:
            number = (pending & -pending).bit_length() - 1
            pending &= pending - 1
            step = self.steps[number]
            if step.needs & ~gates or (transaction.removed_rules and transaction.is_removed(step.rule)):
                continue
            matched = self._evaluate(step, transaction)
            jumps = matched and step.jumps
            if (jumps or transaction.reached >= step.writes) and not transaction.touched:
                transaction.touched = True
                pending = every & -(2 << number)
            if jumps:
                if transaction.mode == "Off" or self._decide(step.rule, transaction):
                    return
                pending &= -1 << self._landing(step.rule, number, phase, span)

    def _evaluate(self, step: Step, transaction: Transaction) -> bool:
        """Whether the rule matches. What is remembered of it is not looked at again."""
        transaction.reached = 0
        memory = step.memory if not transaction.removed_targets else None
        key = memory.key(transaction) if memory is not None else 0
        if memory is not None and memory.knows(key):
            for deed in memory.deeds(key):
                deed.run(transaction)
            return False
        if not transaction.touched:
            state = bisect_right(self._state_starts, step.number) - 1
            if state != transaction.state:
                self._move(transaction, state)
        matched = step.rule.evaluate(transaction)
        if memory is not None and not step.jumps and transaction.reached < step.writes:
            memory.note(key, step.rule.deeds if matched else None)
        if transaction.reached:
            transaction.has_notes = True
        return matched

    def _move(self, transaction: Transaction, state: int) -> None:
        """Let TX be as it is known to be here, with what has been written to it besides."""
        tx = transaction.tx
        fresh = dict(self._states[state])
        if transaction.state >= 0:
            before = self._states[transaction.state]
            if len(tx) != len(before) or transaction.has_notes:
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

    def _landing(self, rule: Rule, number: int, phase: int, span: _Span) -> int:
        if rule.skip_after:
            place = self._markers[phase].get(rule.skip_after, -1)
            return place if place > number else span.end
        return number + 1 + rule.skip


def _lets_pass(allowed: str, phase: int) -> bool:
    """Whether an earlier `allow` lets this phase pass; the last one always runs."""
    return (allowed == "all" and phase != PHASES[-1]) or (allowed == "request" and phase in (1, 2))


def _jumps(rule: Rule, quiet: list[Rule]) -> bool:
    """Whether a match does more than set variables and speak: decide, skip, or change what quiet rules would do."""
    if rule.disruption != "pass" or rule.skip or rule.skip_after:
        return True
    for deed in (deed for link in rule.links for deed in link.deeds):
        if not isinstance(deed, Ctl) or deed.name.lower() == "ruleengine":
            return True
        if deed.targets is not None and deed.targets.concern(b"TX"):
            return True
        if deed.removed is not None and deed.targets is None and any(selects(deed.removed, other) for other in quiet):
            return True
    return False


def _known_argument(text: Text, folded: Folded) -> bytes | None:
    """The operator's argument, where no request can change it."""
    parts: list[bytes] = []
    for part in text:
        if isinstance(part, Macro):
            name = part.key.lower()
            if part.collection != "TX" or name not in folded.known:
                return None
            parts.append(folded.state[name])
        else:
            parts.append(to_bytes(part))
    return b"".join(parts)


def _depends_on_match(targets: object) -> bool:
    return any(target.collection.startswith("MATCHED_VAR") for target in targets)  # type: ignore[attr-defined]
