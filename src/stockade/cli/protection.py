"""The effective protection of an API: what stands before it, in the order in which it judges, and what does not."""

from __future__ import annotations

from msgspec import Struct

from stockade.config import Api, Loaded
from stockade.config.catalogue import CATALOGUE
from stockade.engine import Route

_WITHOUT = {
    "firewall": "any address, method and size is let in",
    "authentication": "anyone may call, unproven",
    "limits": "anyone may call as often as they like",
    "authorization": "whoever may call may call everything",
    "schema": "any request is taken for a valid one",
    "waf": "what a request carries is not looked at",
    "exposure": "responses leave as they are",
}


class Protection(Struct, frozen=True):
    """One control before one API. failure: what happens when it cannot decide. policy: file:line that made it so."""

    api: str
    kind: str
    control: str
    mode: str
    failure: str
    effect: str
    policy: str


def protection(loaded: Loaded, index: int, route: Route) -> list[Protection]:
    """What stands before the API with that index; then what does not."""
    api = loaded.config.apis[index]
    rows = []
    for binding in route.bindings:
        mode, control = "monitor" if binding.monitor else "block", binding.control
        rows.append(
            Protection(api.name, api.kind, control.name, mode, binding.failure, control.describe(), binding.line)
        )
    present = {row.control for row in rows}
    for section in dict.fromkeys(section for section, _ in CATALOGUE if section in _WITHOUT and section not in present):
        line = loaded.where("apis", index, section, "mode")
        rows.append(Protection(api.name, api.kind, section, "off", "", _WITHOUT[section], line))
    return rows


def heading(api: Api) -> str:
    """Which requests are the API's and where they go."""
    where = ", ".join(api.prefix if host == "*" else f"{host}{api.prefix}" for host in api.hosts)
    return f"{api.name} ({api.kind}): {where} → {api.upstream.url}"
