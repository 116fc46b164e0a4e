"""Lists of cases that may fail, each with its reason.

942100-3: why this one may fail
- {reason: why these may, cases: [920100-4, 920100-8]}    # or so, as a list
"""

from __future__ import annotations

import yaml

from stockade.problems import Problem
from stockade.waf.ftw.nodes import Nodes


def parse_exclusions(text: str, file: str = "<text>") -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Reasons by the name of the case, and what is wrong: a reason that is missing, a case that is named twice."""
    nodes = Nodes(file)
    reasons: dict[str, str] = {}
    root = nodes.compose(text)
    for case, reason, place in _pairs(nodes, root):
        if not reason.strip():
            nodes.problem(place, f"{case} has no reason")
        elif case in reasons:
            nodes.problem(place, f"{case} is named twice")
        else:
            reasons[case] = " ".join(reason.split())
    return reasons, tuple(nodes.problems)


def _pairs(nodes: Nodes, root: yaml.Node | None) -> list[tuple[str, str, yaml.Node]]:
    if root is None:
        return []
    if isinstance(root, yaml.MappingNode):
        return [(str(name.value), nodes.text(reason, "a reason"), name) for name, reason in root.value]
    found = []
    for item in nodes.items(root, "exclusions"):
        group = nodes.mapping(item, "an exclusion", ("reason", "cases"))
        reason = nodes.text(group.get("reason"), "reason")
        found += [(nodes.text(case, "a case"), reason, case) for case in nodes.items(group.get("cases"), "cases")]
    return found
