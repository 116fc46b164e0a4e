"""The patterns of the Core Rule Set that Debian installs, for tests that want real ones."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from stockade.seclang import Rule, load, to_bytes
from stockade.waf.operators.patterns import Pattern

RULES = Path("/usr/share/modsecurity-crs/rules")
COUNT = 242

if not RULES.is_dir() and os.environ.get("CI"):
    raise RuntimeError(f"CI tests with Debian's modsecurity-crs, which is not in {RULES}")

needs_rules = pytest.mark.skipif(not RULES.is_dir(), reason="Debian's package modsecurity-crs is not installed")


@cache
def patterns() -> tuple[Pattern, ...]:
    """Every different pattern of @rx that has no macro."""
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
