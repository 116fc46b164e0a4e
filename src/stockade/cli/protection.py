"""The effective protection of an API, as rows of a table: what stands before it, and what does not."""

from __future__ import annotations

from stockade.config import Api
from stockade.config.catalogue import CATALOGUE
from stockade.engine import Route

COLUMNS = ("api", "control", "mode", "failure", "effect", "policy")
_WITHOUT = {
    "firewall": "any address, method and size is let in",
    "authentication": "anyone may call, unproven",
    "limits": "anyone may call as often as they like",
    "exposure": "responses leave as they are",
}


def protection(api: Api, route: Route) -> list[tuple[str, ...]]:
    """What stands before an API, in the order in which it judges; then what does not."""
    name = f"{api.name} ({api.kind})"
    rows = []
    for binding in route.bindings:
        mode = "monitor" if binding.monitor else "block"
        rows.append((name, binding.control.name, mode, binding.failure, binding.control.describe(), binding.line))
    present = {binding.control.name for binding in route.bindings}
    absent = dict.fromkeys(section for section, _ in CATALOGUE if section not in present)
    return rows + [(name, control, "off", "", _WITHOUT.get(control, ""), "") for control in absent]
