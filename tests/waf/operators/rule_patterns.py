"""The patterns of the Core Rule Set that Debian installs, for tests that want real ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from stockade.seclang import Rule, load, to_bytes
from stockade.waf.operators.patterns import Pattern
from tests.absent import present

RULES = Path("/usr/share/modsecurity-crs/rules")
COUNT = 242


@cache
def patterns() -> tuple[Pattern, ...]:
    """Every different pattern of @rx that has no macro."""
    present(RULES, "the rules of Debian's package modsecurity-crs")
    parsed = load([str(RULES / "*.conf")])
    rules = [statement for statement in parsed.statements if isinstance(statement, Rule)]
    operators = [link.operator for rule in rules for link in (rule, *rule.links)]
    found = {
        operator.argument[0]: None
        for operator in operators
        if operator is not None
        and operator.name == "rx"
        and len(operator.argument) == 1
        and isinstance(operator.argument[0], str)
    }
    return tuple(Pattern.compile(to_bytes(text)) for text in found if isinstance(text, str))
