"""Lists of actions: `id:1,phase:2,t:none,msg:'It''s here',setvar:'tx.a=+1'`.

A value in single quotes may hold commas, and `\\'` for a quote; one without ends at the comma, and blanks around it
do not count. ModSecurity v3 keeps the backslash of `\\'` in the value; as in version 2 it goes, since nobody means it.
"""

from __future__ import annotations

import re

from stockade.seclang.actions import ACTION_NAMES, ACTIONS, PHASES, Form
from stockade.seclang.macros import read_text
from stockade.seclang.names import TRANSFORMATIONS
from stockade.seclang.problems import MOST_FAULTS, BadSyntax, Fault, Hints, shown
from stockade.seclang.tree import Action

_QUOTED = r"'(?P<{}>[^'\\]*+(?:\\.[^'\\]*+)*+)'(?=[ \t]*+(?:,|\Z))"
_ENTRY = re.compile(
    r"[ \t]*+(?P<name>[A-Za-z0-9_]++)[ \t]*+(?P<colon>:)?[ \t]*+(?:"
    + _QUOTED.format("quoted")
    + r"|(?P<option>[A-Za-z]++=)"
    + _QUOTED.format("inner")
    + r"|(?P<bare>[^,]*+))[ \t]*+(?:,|\Z)",
    re.DOTALL,
)
_UNTIL_COMMA = re.compile(r"[^,]*+,?")
_ESCAPED_QUOTE = re.compile(r"(?<!\\)((?:\\\\)*+)\\(['\"])")
_UNENDED = "the value in {} does not end before a comma; a quote in it is written \\'"
_INNER_QUOTES = frozenset({"ctl", "expirevar", "initcol"})


def read_actions(text: str, hints: Hints) -> tuple[tuple[tuple[int, Action], ...], list[Fault]]:
    """The actions of a list, each with its offset, and what is wrong with it. Quotes escaped by \\ are unescaped."""
    actions: list[tuple[int, Action]] = []
    faults: list[Fault] = []
    offset = 0
    while offset < len(text) and len(faults) < MOST_FAULTS:
        found = _ENTRY.match(text, offset)
        if found is None or (not found["colon"] and found["bare"] != ""):
            offset = _not_an_action(text, offset, faults)
            continue
        at = found.start("name")
        bare = found["bare"]
        if bare is not None and bare[:1] == "'":
            faults.append(Fault(at, _UNENDED.format(shown(text[at : at + 40]))))
            break
        action, wrong = _read(found, hints)
        faults += [Fault(at, fault) for fault in wrong]
        if action is not None:
            actions.append((at, action))
        offset = found.end()
    if not text.strip(" \t"):
        faults.append(Fault(0, "the list of actions is empty"))
    elif text.rstrip(" \t")[-1] == ",":
        faults.append(Fault(len(text) - 1, "an action must follow the last comma"))
    return tuple(actions), faults


def parse_actions(text: str) -> tuple[Action, ...]:
    """The actions of a list. Raises BadSyntax."""
    actions, faults = read_actions(text, Hints())
    if faults:
        raise BadSyntax("; ".join(fault.text for fault in faults))
    return tuple(action for _, action in actions)


def _not_an_action(text: str, offset: int, faults: list[Fault]) -> int:
    """Say so, and where to go on: behind the next comma."""
    after = _UNTIL_COMMA.match(text, offset)
    assert after is not None
    piece = after[0].rstrip(", \t")
    lead = len(piece) - len(piece.lstrip(" \t"))
    piece = piece[lead:]
    name = re.match(r"[A-Za-z0-9_]*", piece)
    if name and name[0].lower() in ACTIONS:
        faults.append(Fault(offset + lead, f"a comma is missing in {shown(piece)}"))
    elif piece:
        faults.append(Fault(offset + lead, f"{shown(piece)} is not an action"))
    elif after[0].endswith(","):
        faults.append(Fault(offset, "there is no action before this comma"))
    return max(after.end(), offset + 1)


def _read(found: re.Match[str], hints: Hints) -> tuple[Action | None, list[str]]:
    written = found["name"]
    form = ACTIONS.get(written.lower())
    if form is None:
        return None, [f"unknown action {shown(written)}{hints.did_you_mean(written, ACTION_NAMES)}"]
    if form.refused:
        return None, [f"the action {form.name} is refused: {form.refused}"]
    argument = _argument(found, form) if found["colon"] else None
    wrong = _wrong(form, argument, hints)
    return (None, wrong) if wrong else (Action(form.name.lower(), _canonical(form.name, argument)), [])


def _argument(found: re.Match[str], form: Form) -> str:
    if found["quoted"] is not None:
        value = found["quoted"]
    elif found["inner"] is not None:
        value = found["inner"] if form.name in _INNER_QUOTES else f"'{found['inner']}'"
        value = found["option"] + value
    else:
        value = found["bare"].rstrip(" \t")
    return _ESCAPED_QUOTE.sub(r"\1\2", value) if "\\" in value else value


def _wrong(form: Form, argument: str | None, hints: Hints) -> list[str]:
    if form.argument == "never" and argument is not None:
        return [f"the action {form.name} takes no argument"]
    if form.argument == "must" and argument is None:
        return [f"the action {form.name} needs an argument: {form.name}:…"]
    if argument is None:
        return []
    if not argument:
        return [f"the argument of {form.name} is empty"]
    wrong = [fault.text for fault in read_text(argument, hints)[1]] if form.macros else []
    told = form.check(argument, hints) if form.check is not None else ""
    return [*wrong, told] if told else wrong


def _canonical(name: str, argument: str | None) -> str | None:
    """Names and phases inside arguments have one spelling; all else is as it was written."""
    if argument is None:
        return None
    if name == "t":
        return TRANSFORMATIONS[argument.lower()]
    return PHASES[argument.lower()] if name == "phase" else argument
