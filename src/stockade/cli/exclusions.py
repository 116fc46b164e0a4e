"""What would let a request pass that the WAF refused: the narrowest exclusion, as lines of the policy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockade.vocabulary import Finding

_VERDICTS = frozenset({"anomaly-evaluation", "reporting"})  # tags of rules that only add up what others found
_ARGUMENT = re.compile(r"ARGS(?:_NAMES)?:json\.(.+)")
_ITEM = re.compile(r"\.array_[0-9]+")


def narrowest(findings: Iterable[Finding], operation: str) -> list[str]:
    """Lines for the `waf` section; none where no rule looked at anything that could be left out."""
    targets: dict[str, set[str]] = {}
    for finding in findings:
        tags = finding.tags if isinstance(finding.tags, tuple) else ()
        if not _is_verdict(finding, tags):
            targets.setdefault(_target(finding.where), set()).add(finding.rule)
    together: dict[tuple[str, ...], list[str]] = {}
    for target, rules in targets.items():
        together.setdefault(tuple(sorted(rules)), []).append(target)
    lines = [_line(rules, sorted(wheres), operation) for rules, wheres in together.items()]
    return ["exclusions:", *(f"  - {line}" for line in lines)] if lines else []


def _is_verdict(finding: Finding, tags: tuple[str, ...]) -> bool:
    return not finding.where or finding.where.startswith("TX:") or not _VERDICTS.isdisjoint(tags)


def _target(where: str) -> str:
    """As the policy has it: items of a list are all alike."""
    found = _ARGUMENT.fullmatch(where)
    if found is None or where.startswith("ARGS_NAMES") or not _ITEM.search(f".{found[1]}"):
        return where
    return "$" + _ITEM.sub("[*]", f".{found[1]}")


def _line(rules: Iterable[str], wheres: list[str], operation: str) -> str:
    named = ", ".join(f'"{where}"' for where in wheres)
    return f'{{rules: [{", ".join(rules)}], operations: ["{operation}"], targets: [{named}], reason: "…"}}'
