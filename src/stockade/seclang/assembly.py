"""Rules are put together: links to their chains, ids told apart, defaults once per phase. Across all files."""

from __future__ import annotations

import re

from msgspec import Struct

from stockade.seclang.actions import DISRUPTIVE
from stockade.seclang.problems import Hints, Problem
from stockade.seclang.tree import Action, Directive, Marker, Operator, Place, Rule, Statement, Target

MOST_PROBLEMS = 10_000
_CHAIN = re.compile(r"\bchain\b", re.ASCII | re.IGNORECASE)
_ONCE = ("id", "phase")


class Parsed(Struct, frozen=True):
    """What files say, in order, and all that is wrong with them. Use the statements only when nothing is wrong."""

    statements: tuple[Statement, ...]
    problems: tuple[Problem, ...]


class Draft(Struct):
    """A rule as it was read. `sound`: nothing was wrong with it, so what it lacks is worth a word."""

    place: Place
    name: str  # SecRule or SecAction
    targets: tuple[Target, ...]
    operator: Operator | None
    actions: tuple[tuple[Place, Action], ...]
    sound: bool

    def first(self, name: str) -> tuple[Place, Action] | None:
        return next((pair for pair in self.actions if pair[1].name == name), None)

    def build(self, links: tuple[Rule, ...] = (), number: int = 0) -> Rule:
        actions = tuple(action for _, action in self.actions)
        return Rule(self.place, self.targets, self.operator, actions, links, number)


class Assembly:
    """What has been read so far."""

    def __init__(self) -> None:
        self.hints = Hints()
        self.problems: list[Problem] = []
        self._statements: list[Statement] = []
        self._ids: dict[int, Place] = {}
        self._defaults: dict[str, Place] = {}
        self._chain: list[Draft] = []
        self._jumps: dict[str, Place] = {}  # where skipAfter leads that no SecMarker has been seen for
        self._markers: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether so much is wrong that more is not worth reading."""
        return len(self.problems) >= MOST_PROBLEMS

    def wrong(self, place: Place, text: str) -> None:
        """One more problem."""
        if not self.full:
            self.problems.append(Problem(place, text))

    def stop(self, place: Place) -> None:
        """Say that the rest is not read, once."""
        if len(self.problems) == MOST_PROBLEMS:
            self.problems.append(Problem(place, f"{MOST_PROBLEMS} problems are enough; from here on nothing was read"))

    def done(self) -> Parsed:
        """All of it, problems in the order of the files and their lines."""
        for name, place in self._jumps.items():
            self._nowhere(name, place)
        files: dict[str, int] = {}
        for problem in self.problems:
            files.setdefault(problem.place.file, len(files))
        problems = sorted(self.problems, key=lambda problem: (files[problem.place.file], problem.place.line))
        return Parsed(tuple(self._statements), tuple(problems))

    def _nowhere(self, name: str, place: Place) -> None:
        if name in self._markers:
            self.wrong(place, f"skipAfter:{name[:60]} leads back: its SecMarker must follow the rule")
            return
        hint = self.hints.did_you_mean(name, tuple(sorted(self._markers)))
        self.wrong(place, f"skipAfter:{name[:60]} leads nowhere: there is no SecMarker of this name{hint}")

    def add(self, statement: Marker | Directive) -> None:
        """Anything but a rule."""
        name = statement.name if isinstance(statement, Directive) else "SecMarker"
        self.end_of_chain(f"{name} at {statement.place} stands")
        if isinstance(statement, Marker):
            self._jumps.pop(statement.name, None)
            self._markers.add(statement.name)
        elif name == "SecDefaultAction":
            self._check_default(statement)
        self._statements.append(statement)

    def add_rule(self, rule: Draft) -> None:
        """A rule, which may be the next link of a chain."""
        if self._chain:
            self._check_link(rule)
        else:
            self._check_starter(rule)
        self._chain.append(rule)
        for name in _ONCE:
            found = [pair for pair in rule.actions if pair[1].name == name]
            for place, action in found[1:]:
                if action != found[0][1]:
                    self.wrong(place, f"the rule has more than one {name}")
        for place, action in rule.actions:
            if action.name == "skipafter" and action.argument:
                self._jumps.setdefault(action.argument, place)
        if rule.first("chain") is None:
            self._close()

    def unread(self, place: Place, text: str) -> None:
        """A line that could not be read, and is told already. It may have been a link of a chain, or its start."""
        chain = ((place, Action("chain")),) if _CHAIN.search(text) else ()
        if chain or self._chain:
            self.add_rule(Draft(place, "SecRule", (), None, chain, False))

    def end_of_chain(self, instead: str) -> None:
        """Called where no rule follows; `instead` says what does."""
        if not self._chain:
            return
        last = self._chain[-1]
        if last.sound:
            self.wrong(last.place, f"this rule ends in `chain`, so a rule must follow it, but {instead} there")
        self._chain = []

    def _close(self) -> None:
        starter, *links = self._chain
        self._chain = []
        found = starter.first("id")
        number = int(found[1].argument or 0) if found else 0
        self._statements.append(starter.build(tuple(link.build() for link in links), number))

    def _check_starter(self, rule: Draft) -> None:
        found = rule.first("id")
        if found is None:
            if rule.name == "SecRule" and rule.sound:
                self.wrong(rule.place, "the rule has no id; give it one of its own, as in id:100001")
            return
        place, action = found
        number = int(action.argument or 0)
        before = self._ids.setdefault(number, place)
        if before is not place:
            self.wrong(place, f"the id {number} is taken by the rule at {before}")

    def _check_link(self, rule: Draft) -> None:
        starter = self._chain[0]
        phase = starter.first("phase")
        for place, action in rule.actions:
            if action.name == "id":
                self.wrong(place, f"a link of a chain has no id of its own; the chain begins at {starter.place}")
            elif action.name in DISRUPTIVE:
                self.wrong(place, f"`{action.name}` belongs to the first rule of the chain, at {starter.place}")
            elif action.name == "phase" and action.argument != (phase[1].argument if phase else "2"):
                self.wrong(place, f"the phase is that of the first rule of the chain, at {starter.place}")

    def _check_default(self, statement: Directive) -> None:
        phase = next((action.argument or "" for action in statement.actions if action.name == "phase"), None)
        if phase is None:
            return
        before = self._defaults.setdefault(phase, statement.place)
        if before is not statement.place:
            self.wrong(statement.place, f"phase {phase} has its SecDefaultAction already, at {before}")
