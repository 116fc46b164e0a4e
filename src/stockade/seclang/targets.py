"""The list of variables that a rule looks at: `ARGS|!ARGS:x|&REQUEST_HEADERS:Host|ARGS:/^x/|XML:/*`.

Entries are separated by `|`, or by `,` as the exclusions of CRS 2 wrote it. A key between slashes is a regular
expression; one that holds `|` is put into single quotes. The key of XML is XPath, so its slashes are its own.
"""

from __future__ import annotations

import re

from stockade.seclang.names import COLLECTIONS, PLAIN, REFUSED_VARIABLES, VARIABLE_ALIASES, VARIABLES
from stockade.seclang.problems import MOST_FAULTS, BadSyntax, Fault, Hints, shown
from stockade.seclang.tree import Target

_END = r"(?=[ \t]*+(?:[|,]|\Z))"
_KEY = (
    rf"(?:'(?P<quoted>[^']*+)'{_END}"
    rf"|/(?P<pattern>(?>[^/|]*(?:/(?!{_END})[^/|]*)*))/{_END}"
    r"|(?P<key>[^|,]*+))"
)
_ENTRY = re.compile(
    rf"[ \t]*+(?P<marks>[!&]*+)(?P<name>[A-Za-z_][A-Za-z0-9_]*+)(?:[:.]{_KEY})?[ \t]*+(?:[|,]|\Z)",
    re.DOTALL,
)
_NEXT = re.compile(r"[^|]*+\|?")


def read_targets(text: str, hints: Hints) -> tuple[tuple[Target, ...], list[Fault]]:
    """The entries of a list, and what is wrong with it."""
    targets: list[Target] = []
    faults: list[Fault] = []
    offset = 0
    while len(faults) < MOST_FAULTS and (offset < len(text) or not (targets or faults)):
        found = _ENTRY.match(text, offset)
        if found is None:
            after = _NEXT.match(text, offset)
            assert after is not None
            faults.append(Fault(offset, f"{shown(after[0].rstrip('|'))} is not a variable"))
            offset = max(after.end(), offset + 1)
            continue
        fault = _wrong(found, hints)
        if fault:
            faults.append(Fault(found.start("name"), fault))
        else:
            targets.append(_target(found))
        offset = found.end()
    if text[-1:] in ("|", ","):
        faults.append(Fault(len(text) - 1, f"a variable must follow the {text[-1]!r}"))
    return tuple(targets), faults


def parse_targets(text: str) -> tuple[Target, ...]:
    """The entries of a list of variables. Raises BadSyntax."""
    targets, faults = read_targets(text, Hints())
    if faults:
        raise BadSyntax("; ".join(fault.text for fault in faults))
    return targets


def _target(found: re.Match[str]) -> Target:
    marks, name = found["marks"], found["name"].upper()
    name = VARIABLE_ALIASES.get(name, name)
    key, pattern, quoted = found["key"], found["pattern"], found["quoted"]
    if key is not None:
        key = key.rstrip(" \t")
    elif quoted is not None and name != "XML" and len(quoted) > 2 and quoted[0] == quoted[-1] == "/":
        pattern = quoted[1:-1]
    elif quoted is not None:
        key = quoted
    elif pattern is not None and name == "XML":
        key, pattern = f"/{pattern}/", None
    return Target(name, key, pattern, "&" in marks, "!" in marks)


def _wrong(found: re.Match[str], hints: Hints) -> str:
    marks, name = found["marks"], found["name"].upper()
    name = VARIABLE_ALIASES.get(name, name)
    if name in REFUSED_VARIABLES:
        return f"the variable {name} is refused: it is {REFUSED_VARIABLES[name]}"
    if name not in COLLECTIONS and name not in PLAIN:
        return f"unknown variable {shown(found['name'])}{hints.did_you_mean(name, VARIABLES)}"
    if len(marks) > 1:
        return f"{shown(marks + name)}: a variable may have one ! or one & before it"
    keyed = found["quoted"] is not None or found["pattern"] is not None or found["key"] is not None
    if keyed and name in PLAIN:
        return f"{name} holds one value and has no keys"
    if keyed and not (found["quoted"] or found["pattern"] or found["key"]):
        return f"a key must follow {name}:"
    key = found["key"] or ""
    if key.startswith("'"):
        return f"the single quote in {shown(key)} is not closed before the next variable"
    if key.startswith("/") and name != "XML":
        return f"the regular expression {shown(key)} does not end with /; quote it as a whole if it holds |"
    return ""
