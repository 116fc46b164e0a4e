"""Macros: `%{tx.score}` and `%{REQUEST_HEADERS:User-Agent}` inside a text.

As in ModSecurity v3 the separator is a dot or a colon, names have no case, a key ends at the brace, and `\\%{` is no
macro (the backslash stays). Where ModSecurity refuses a `%{` that opens nothing, so do we, but in a pattern
(`@rx [$%{]`), where it can only be meant as it stands.
"""

from __future__ import annotations

import re

from stockade.seclang.names import PERSISTENT, REFUSED_VARIABLES, VARIABLE_ALIASES, VARIABLES
from stockade.seclang.problems import BadSyntax, Fault, Hints, shown
from stockade.seclang.tree import Macro, Text

_OPENING = re.compile(r"(\\*+)%\{(?:([A-Za-z_][A-Za-z0-9_]*+)(?:[.:]([^}\"%]*+))?\})?")
_KNOWN = frozenset(VARIABLES)
_WRITABLE = PERSISTENT | {"TX"}


def read_text(text: str, hints: Hints, *, pattern: bool = False) -> tuple[Text, list[Fault]]:
    """The parts of a text, and what is wrong with its macros. `pattern`: it is a regular expression."""
    if "%{" not in text:
        return ((text,) if text else ()), []
    parts: list[str | Macro] = []
    faults: list[Fault] = []
    start = 0
    for found in _OPENING.finditer(text):
        if len(found[1]) % 2:
            continue
        opening = found.end(1)
        if found[2] is None:
            if not pattern:
                faults.append(Fault(opening, f"the macro {shown(text[opening : opening + 20])} is not %{{NAME}}"))
            continue
        fault = _wrong(found[2], found[3], hints)
        if fault:
            faults.append(Fault(opening, fault))
            continue
        if opening > start:
            parts.append(text[start:opening])
        name = found[2].upper()
        parts.append(Macro(VARIABLE_ALIASES.get(name, name), found[3] or ""))
        start = found.end()
    if start < len(text):
        parts.append(text[start:])
    return tuple(parts), faults


def parse_text(text: str) -> Text:
    """The parts of a text. Raises BadSyntax on a macro of an unknown variable, or one that does not end."""
    parts, faults = read_text(text, Hints())
    if faults:
        raise BadSyntax("; ".join(fault.text for fault in faults))
    return parts


def _wrong(name: str, key: str | None, hints: Hints) -> str:
    upper = name.upper()
    if upper in _WRITABLE and not key:
        return f"the macro %{{{name}}} needs the name of a variable, as in %{{{name}.x}}"
    if upper in _KNOWN or upper in VARIABLE_ALIASES:
        return ""
    if upper in REFUSED_VARIABLES:
        return f"the macro %{{{upper}}} is refused: it is {REFUSED_VARIABLES[upper]}"
    return f"unknown variable {shown(name)} in a macro{hints.did_you_mean(upper, VARIABLES)}"
