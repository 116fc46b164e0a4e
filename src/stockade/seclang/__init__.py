"""SecLang, the language of ModSecurity's rules: from text to a tree, with everything that is wrong with it.

    parsed = load(["crs-setup.conf", "rules/*.conf"])
    for problem in parsed.problems:
        print(problem)  # rules/mine.conf:3: unknown operator '@beginWith' (did you mean 'beginsWith'?)

Names are checked and made canonical here; what they do is `waf`'s. Texts are `str` in which bytes that are not UTF-8
are escaped; `to_bytes` gives back the bytes of the file.
"""

from stockade.seclang.action_list import parse_actions
from stockade.seclang.assembly import Parsed
from stockade.seclang.loading import load, load_text, to_bytes
from stockade.seclang.macros import parse_text
from stockade.seclang.parser import parse
from stockade.seclang.problems import BadSyntax, Problem
from stockade.seclang.targets import parse_targets
from stockade.seclang.tree import (
    Action,
    Directive,
    Macro,
    Marker,
    Operator,
    Place,
    Rule,
    Statement,
    Target,
    Text,
)

__all__ = [
    "Action",
    "BadSyntax",
    "Directive",
    "Macro",
    "Marker",
    "Operator",
    "Parsed",
    "Place",
    "Problem",
    "Rule",
    "Statement",
    "Target",
    "Text",
    "load",
    "load_text",
    "parse",
    "parse_actions",
    "parse_targets",
    "parse_text",
    "to_bytes",
]
