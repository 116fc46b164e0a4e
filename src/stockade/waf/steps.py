"""The rules in the order in which they run, each with all that is known of it before any request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stockade.seclang import Macro, Target, Text, to_bytes
from stockade.waf.actions import Ctl
from stockade.waf.actions.ctl import Selector
from stockade.waf.folding import Folded, Folding, Kind, Stretch, landing_of
from stockade.waf.gates import Asked, Gates
from stockade.waf.operators import OPERATORS
from stockade.waf.persistent import Variables
from stockade.waf.reader import RuleBook, RuleFiles
from stockade.waf.readers import Readers
from stockade.waf.remembering import Memory, memory_for
from stockade.waf.rule import Rule
from stockade.waf.transaction import selects


class Step(NamedTuple):
    """A rule in its place."""

    rule: Rule
    number: int  # over all stretches
    needs: int  # the gates that must all be open
    assumes: bool  # what opens them depends on what is known of TX
    writes: int  # how many links must match for it to set what quiet rules read
    acts: bool  # whether a match decides or skips, or switches the engine
    strays: bool  # whether a match leaves the order that was foreseen
    memory: Memory | None
    state: int  # which of the known states of TX stands before it
    after: int  # and after it, if it was foreseen what it does; else -1
    landing: int  # the step to which a match leads


class Span(NamedTuple):
    """The steps of a phase: [first, end)."""

    first: int
    end: int
    state: int  # after them

    @property
    def mask(self) -> int:
        return (1 << self.end) - (1 << self.first)


class Steps:
    """Built at load. Masks have a bit for each step:

    always    it runs whatever the request
    settled   it runs once anything has been set
    shadowed  it runs only then
    gated     it waits for its gates even where a transaction is astray
    """

    def __init__(self, book: RuleBook, beginning: Variables, read_after: Iterable[str]) -> None:
        stretches = Folding(book, beginning).run()
        self._folded = [entry for stretch in stretches.values() for entry in stretch.entries]
        self._readers = Readers(self._folded, read_after)
        self._next_gate = len(self._folded)
        self._selected: dict[Selector, bool] = {}
        self.gates = Gates(_UNSTEADY if any(map(_chooses_late, self._folded)) else frozenset())
        self.states: list[Variables] = []
        self.steps: list[Step] = []
        self.spans: dict[int, Span] = {}
        self.always = self.settled = self.shadowed = self.gated = 0
        for phase, stretch in stretches.items():
            self.spans[phase] = self._stretch(stretch, book)
        self.gates.compile()

    def takes_folded(self, selector: Selector) -> bool:
        """Whether there are rules among those that are meant of which was foreseen what they do."""
        known = self._selected.get(selector)
        if known is None:
            known = any(entry.is_foreseen and selects(selector, entry.rule) for entry in self._folded)
            self._selected[selector] = known
        return known

    def _stretch(self, stretch: Stretch, book: RuleBook) -> Span:
        first, entries = len(self.steps), stretch.entries
        markers = book.markers[entries[0].rule.phase] if entries else {}
        states = [self._state(state) for state in (*(entry.state for entry in entries), stretch.end)]
        for number, entry in enumerate(entries):
            landing = landing_of(entry.rule, number, markers, len(entries))
            skipped = entries[number + 1 : landing]
            step = self._step(entry, skipped)
            self.steps.append(
                step._replace(
                    state=states[number],
                    after=states[number + 1] if entry.is_foreseen else -1,
                    landing=first + landing,
                )
            )
        return Span(first, len(self.steps), states[-1])

    def _state(self, state: Variables) -> int:
        if not self.states or self.states[-1] is not state:
            self.states.append(state)
        return len(self.states) - 1

    def _step(self, entry: Folded, skipped: Sequence[Folded]) -> Step:
        rule, number = entry.rule, len(self.steps)
        bit = 1 << number
        waits = entry.kind is Kind.WAITING
        needs, assumes = self._needs(entry) if waits else (0, False)
        self.always |= bit if entry.always or (waits and not needs) else 0
        self.settled |= bit if entry.is_foreseen else 0
        self.shadowed |= bit if entry.shadowed else 0
        self.gated |= bit if needs and not assumes else 0
        return Step(
            rule,
            number,
            needs,
            assumes,
            writes=1 + (self._readers.first_concerned(entry) if waits else len(rule.links)),
            acts=_acts(rule),
            strays=self._strays(entry, skipped),
            memory=memory_for(entry) if waits and not self._readers.depends_on_others(entry) else None,
            state=0,
            after=-1,
            landing=0,
        )

    def _strays(self, entry: Folded, skipped: Sequence[Folded]) -> bool:
        """Whether a match leaves out rules of which it was foreseen that they run."""
        if not entry.skips and any(other.is_foreseen for other in skipped):
            return True
        deeds = [deed for link in entry.rule.links for deed in link.deeds if isinstance(deed, Ctl)]
        return any(
            deed.removed is not None
            and (deed.targets is None or deed.targets.concern(b"TX"))
            and self.takes_folded(deed.removed)
            for deed in deeds
        )

    def _needs(self, entry: Folded) -> tuple[int, bool]:
        """Give each link that can have one its gate, the first of them the step's own number. No gates: none can."""
        needs, assumes = 0, False
        number = len(self.steps)
        for link, tree in zip(entry.rule.links, (entry.tree, *entry.tree.links), strict=True):
            argument = _known_argument(tree.operator.argument, entry) if tree.operator is not None else None
            if tree.operator is not None and argument is not None and not _depends_on_match(tree.targets):
                files = RuleFiles(tree.place)
                test = link.test or OPERATORS[tree.operator.name](argument, files)
                gate = self._next_gate if needs else number
                if self.gates.add(gate, link, tree, entry.rule.phase, Asked(argument, test, files)):
                    self._next_gate += bool(needs)
                    needs |= 1 << gate
                    assumes = assumes or link.test is None
            if self._readers.others_read(entry, link):  # what it leaves stays, also where the rest does not match
                break
        return needs, assumes


_UNSTEADY = frozenset({"REQBODY_PROCESSOR"})


def _chooses_late(entry: Folded) -> bool:
    """Whether the rule names another processor when the body is read already."""
    deeds = [deed for link in entry.rule.links for deed in link.deeds]
    return entry.rule.phase > 1 and any(
        isinstance(deed, Ctl) and deed.name.lower() == "requestbodyprocessor" for deed in deeds
    )


def _acts(rule: Rule) -> bool:
    if rule.disruption != "pass" or rule.skip or rule.skip_after:
        return True
    deeds = [deed for link in rule.links for deed in link.deeds]
    return any(isinstance(deed, Ctl) and deed.name.lower() == "ruleengine" for deed in deeds)


def _known_argument(text: Text, entry: Folded) -> bytes | None:
    """The operator's argument, where no request can change it."""
    parts: list[bytes] = []
    for part in text:
        if isinstance(part, Macro):
            name = part.key.lower()
            if part.collection != "TX" or name not in entry.known:
                return None
            parts.append(entry.state[name])
        else:
            parts.append(to_bytes(part))
    return b"".join(parts)


def _depends_on_match(targets: Iterable[Target]) -> bool:
    return any(target.collection.startswith("MATCHED_VAR") for target in targets)
