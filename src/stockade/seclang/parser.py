"""From lines to statements: each directive by its kind in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stockade.seclang.action_list import read_actions
from stockade.seclang.actions import DISRUPTIVE
from stockade.seclang.assembly import Assembly, Draft, Parsed
from stockade.seclang.control import wrong_ids
from stockade.seclang.directives import DIRECTIVE_NAMES, DIRECTIVES, Form
from stockade.seclang.lines import BadWord, Line, Word, read_lines, words
from stockade.seclang.operators import read_operator
from stockade.seclang.problems import Fault, shown
from stockade.seclang.sections import Sections
from stockade.seclang.targets import read_targets
from stockade.seclang.tree import Action, Directive, Marker, Place, Target

Include = Callable[[Place, str, bool], None]
"""Reads the files of a pattern; the flag says that there may be none."""


def parse(text: str, file: str = "<text>") -> Parsed:
    """The statements of a text. Reads no files, so Include is a problem; `load` and `load_text` follow it."""
    assembly = Assembly()
    Parser(assembly, file).read(text)
    assembly.end_of_chain("the text ends")
    return assembly.done()


class Parser:
    """Reads one file into an assembly."""

    def __init__(self, assembly: Assembly, file: str, include: Include | None = None) -> None:
        self._assembly = assembly
        self._file = file
        self._include = include
        self._sections = Sections()

    def read(self, text: str) -> None:
        wrong = _unreadable(text)
        if wrong is not None:
            at, told = wrong
            self._assembly.wrong(Place(self._file, text.count("\n", 0, at) + 1), told)
            return
        lost = False
        for line in read_lines(text.removeprefix("\ufeff")):
            if self._assembly.full:
                self._assembly.stop(self._place(line))
                return
            if lost and line.text[:1] != "<" and _name(line).lower() not in DIRECTIVES:
                continue  # the rest of a rule whose quote was not closed
            lost = self._line(line)
        for number, name in self._sections.open():
            self._assembly.wrong(Place(self._file, number), f"<{name}> is not closed by </{name}>")

    def _line(self, line: Line) -> bool:
        """True when the line broke off inside quotes, so that what follows is probably its rest."""
        for number, told in line.faults:
            self._assembly.wrong(Place(self._file, number), told)
        if not line.text:
            return False
        if line.text[0] == "<":
            told = self._sections.read(line.text, line.first, self._assembly.hints)
            if told:
                self._wrong(line, 0, told)
            return False
        if self._sections.skipping:
            return False
        name = _name(line)
        form = DIRECTIVES.get(name.lower())
        if form is None:
            hint = self._assembly.hints.did_you_mean(name, DIRECTIVE_NAMES)
            self._wrong(line, 0, f"unknown directive {shown(name)}{hint}")
            self._assembly.unread(self._place(line), line.text)
            return False
        try:
            arguments = list(words(line.text, len(name)))
        except BadWord as bad:
            self._wrong(line, bad.offset, str(bad))
            self._assembly.unread(self._place(line), line.text)
            return True
        _KINDS[form.kind](self, form, line, arguments)
        return False

    def _wrong(self, line: Line, offset: int, text: str) -> None:
        self._assembly.wrong(Place(self._file, line.number(offset)), text)

    def _faults(self, line: Line, word: Word, faults: list[Fault]) -> None:
        for fault in faults:
            self._wrong(line, word.offset + fault.offset, fault.text)

    def _place(self, line: Line) -> Place:
        return Place(self._file, line.first)

    def _rule(self, form: Form, line: Line, arguments: list[Word]) -> None:
        before = len(self._assembly.problems)
        targets: tuple[Target, ...] = ()
        operator = None
        if len(arguments) < 2:
            self._wrong(line, 0, 'SecRule takes variables, an operator and actions: SecRule ARGS "@rx x" "id:1"')
            arguments = []
        else:
            targets = self._variables(line, arguments[0])
            operator, used, faults = read_operator(arguments[1:], self._assembly.hints)
            self._faults(line, arguments[1], faults)
            arguments = arguments[1 + used :]
            self._nothing_after(line, arguments)
        if targets and all(target.excluded for target in targets):
            self._wrong(line, 0, "the rule looks at nothing: all its variables are excluded")
        # A last link may end in "", as in ModSecurity v3.
        actions = self._actions(line, arguments[0]) if arguments and arguments[0].raw else ()
        sound = len(self._assembly.problems) == before
        self._assembly.add_rule(Draft(self._place(line), form.name, targets, operator, actions, sound))

    def _action(self, form: Form, line: Line, arguments: list[Word]) -> None:
        before = len(self._assembly.problems)
        actions: tuple[tuple[Place, Action], ...] = ()
        if not arguments:
            self._wrong(line, 0, 'SecAction takes a list of actions, as in SecAction "id:1,pass,setvar:tx.a=1"')
        else:
            actions = self._actions(line, arguments[0])
            self._nothing_after(line, arguments)
        sound = len(self._assembly.problems) == before
        self._assembly.add_rule(Draft(self._place(line), form.name, (), None, actions, sound))

    def _default(self, form: Form, line: Line, arguments: list[Word]) -> None:
        if not arguments:
            self._wrong(line, 0, 'SecDefaultAction takes a list of actions, as in "phase:2,log,pass"')
            return
        actions = self._actions(line, arguments[0])
        self._nothing_after(line, arguments)
        for place, action in actions:
            told = _not_by_default(action)
            if told:
                self._assembly.wrong(place, told)
        if not any(action.name == "phase" for _, action in actions):
            self._wrong(line, 0, "SecDefaultAction must say its phase")
        if not any(action.name in DISRUPTIVE and action.name != "block" for _, action in actions):
            self._wrong(line, 0, "SecDefaultAction must say what to do: pass, deny, drop, allow or redirect")
        plain = tuple(action for _, action in actions)
        self._assembly.add(Directive(self._place(line), form.name, (), plain))

    def _targets(self, form: Form, line: Line, arguments: list[Word]) -> None:
        if not 2 <= len(arguments) <= 3:
            self._wrong(line, 0, f'{form.name} takes what to change and variables, as in {form.name} X "!ARGS:y"')
            return
        which = arguments[0].text
        told = wrong_ids(which) if form.name.endswith("ById") else ""
        if told:
            self._wrong(line, arguments[0].offset, told)
        if len(arguments) == 3:
            told = f"{form.name} cannot replace variables, as in ModSecurity 3; exclude them with ! and add others"
            self._wrong(line, arguments[2].offset, told)
        targets = self._variables(line, arguments[1])
        self._assembly.add(Directive(self._place(line), form.name, (which,), (), targets))

    def _update(self, form: Form, line: Line, arguments: list[Word]) -> None:
        if len(arguments) < 2:
            self._wrong(line, 0, f'{form.name} takes an id and actions, as in {form.name} 942100 "pass"')
            return
        which = arguments[0].text
        told = wrong_ids(which.partition(":")[0])
        if told:
            self._wrong(line, arguments[0].offset, told)
        actions = self._actions(line, arguments[1])
        self._nothing_after(line, arguments[1:])
        for place, action in actions:
            if action.name in ("id", "phase", "chain"):
                self._assembly.wrong(place, f"{form.name} cannot change the {action.name} of a rule")
        plain = tuple(action for _, action in actions)
        self._assembly.add(Directive(self._place(line), form.name, (which,), plain))

    def _remove(self, form: Form, line: Line, arguments: list[Word]) -> None:
        which = tuple(item for word in arguments for item in word.text.replace(",", " ").split())
        told = form.shape(which)
        told = f"{form.name} {told}" if told else next((wrong for item in which if (wrong := wrong_ids(item))), "")
        if told:
            self._wrong(line, 0, told)
            return
        self._assembly.add(Directive(self._place(line), form.name, which))

    def _marker(self, form: Form, line: Line, arguments: list[Word]) -> None:
        texts = self._plain(form, line, arguments)
        if texts is not None:
            self._assembly.add(Marker(self._place(line), texts[0]))

    def _include_files(self, form: Form, line: Line, arguments: list[Word]) -> None:
        texts = self._plain(form, line, arguments)
        if texts is None:
            return
        if self._include is None:
            self._wrong(line, 0, f"{form.name} needs files around it, and this text has none; load it as a file")
            return
        self._assembly.end_of_chain(f"{form.name} at {self._place(line)} stands")
        self._include(self._place(line), texts[0], form.name == "IncludeOptional")

    def _setting(self, form: Form, line: Line, arguments: list[Word]) -> None:
        if form.refused:
            texts = [word.text.lower() for word in arguments]
            if not form.harmless or texts != [form.harmless.lower()]:
                self._wrong(line, 0, f"{form.name} is refused: {form.refused}")
            return
        plain = self._plain(form, line, arguments)
        if plain is not None:
            self._assembly.add(Directive(self._place(line), form.name, plain))

    def _plain(self, form: Form, line: Line, arguments: list[Word]) -> tuple[str, ...] | None:
        """The arguments as the form wants them, or None, and then the reason is told."""
        texts = tuple(word.text for word in arguments)
        told = form.shape(texts)
        if told:
            self._wrong(line, arguments[0].offset if arguments else 0, f"{form.name} {told}")
            return None
        return texts

    def _variables(self, line: Line, word: Word) -> tuple[Target, ...]:
        targets, faults = read_targets(word.text, self._assembly.hints)
        self._faults(line, word, faults)
        return targets

    def _actions(self, line: Line, word: Word) -> tuple[tuple[Place, Action], ...]:
        # Unescaped only inside, so that offsets are those of the line.
        found, faults = read_actions(word.text if word.quote == "'" else word.raw, self._assembly.hints)
        self._faults(line, word, faults)
        if not line.joints:
            place = self._place(line)
            return tuple((place, action) for _, action in found)
        return tuple((Place(self._file, line.number(word.offset + offset)), action) for offset, action in found)

    def _nothing_after(self, line: Line, arguments: list[Word]) -> None:
        """The first of these arguments is the last that may stand there."""
        if len(arguments) > 1:
            self._wrong(line, arguments[1].offset, f"{shown(arguments[1].raw)} stands after the last argument")


def _name(line: Line) -> str:
    return line.text.split(" ", 1)[0].split("\t", 1)[0]


def _not_by_default(action: Action) -> str:
    if action.name in ("id", "chain", "skip", "skipafter", "msg", "rev", "ver", "maturity", "accuracy"):
        return f"`{action.name}` cannot be a default for all rules"
    if action.name == "t" and action.argument == "none":
        return "`t:none` cannot be a default: there is nothing that it could take away"
    return ""


def _unreadable(text: str) -> tuple[int, str] | None:
    """Where and why a text cannot hold rules."""
    nul = text.find("\0")
    if nul >= 0:
        return nul, "the text holds a NUL byte, so it is no rule file"
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        return error.start, "the text holds half a character (a lone surrogate)"
    return None


_KINDS: Mapping[str, Callable[[Parser, Form, Line, list[Word]], None]] = {
    "rule": Parser._rule,
    "action": Parser._action,
    "marker": Parser._marker,
    "default": Parser._default,
    "targets": Parser._targets,
    "update": Parser._update,
    "remove": Parser._remove,
    "include": Parser._include_files,
    "setting": Parser._setting,
}
