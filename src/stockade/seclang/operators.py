"""The operator of a rule: `@rx ^a`, `!@streq x`, `!^a`; a text without @ is a pattern for rx.

One blank parts name and argument, the rest of which counts, as in ModSecurity v3 (`@streq  x` compares with " x").
Unlike there, an unknown name is refused: `@beginWith /a` is no pattern.
"""

from __future__ import annotations

import re

from stockade.seclang.lines import Word
from stockade.seclang.macros import read_text
from stockade.seclang.names import OPERATOR_NAMES, OPERATORS, REFUSED_OPERATORS, WITHOUT_ARGUMENT
from stockade.seclang.problems import Fault, Hints, shown
from stockade.seclang.tree import Operator

_OPERATOR = re.compile(r"[ \t]*+(?P<not>!)?[ \t]*+@(?P<name>[^ \t]*+)(?:[ \t](?P<argument>.*+))?\Z", re.DOTALL)
_PATTERNS = ("rx", "rxglobal")


def read_operator(words: list[Word], hints: Hints) -> tuple[Operator | None, int, list[Fault]]:
    """The operator, the number of words that it takes up, and what is wrong with it."""
    text = words[0].text
    found = _OPERATOR.match(text)
    if found is None:
        negated = text.startswith("!")
        operator, faults = _with_argument("rx", text[negated:], negated, hints)
        return operator, 1, faults
    name = OPERATORS.get(found["name"].lower())
    if name is None:
        return None, 1, [Fault(0, _unknown(found["name"], hints))]
    if name in REFUSED_OPERATORS:
        return None, 1, [Fault(0, f"the operator @{found['name']} is refused: {REFUSED_OPERATORS[name]}")]
    argument = found["argument"] or ""
    used = 1
    if not words[0].quote and name not in WITHOUT_ARGUMENT and len(words) > 1 and not words[1].quote:
        argument, used = words[1].text, 2  # SecRule ARGS @streq x "id:1"
    operator, faults = _with_argument(name, argument, found["not"] is not None, hints)
    start = found.start("argument") if found["argument"] is not None else 0
    return operator, used, [Fault(start + fault.offset, fault.text) for fault in faults]


def _with_argument(name: str, argument: str, negated: bool, hints: Hints) -> tuple[Operator | None, list[Fault]]:
    if name in WITHOUT_ARGUMENT:
        if argument.strip(" \t"):
            return None, [Fault(0, f"@{name} takes no argument, not {shown(argument)}")]
        return Operator(name, (), negated), []
    if not argument:
        return None, [Fault(0, f"the operator @{name} needs an argument")]
    parts, faults = read_text(argument, hints, pattern=name in _PATTERNS)
    return Operator(name, parts, negated), faults


def _unknown(name: str, hints: Hints) -> str:
    hint = hints.did_you_mean(name, OPERATOR_NAMES)
    return f"unknown operator {shown('@' + name)}{hint or '; a pattern that begins with @ is written @rx @…'}"
