"""Schemas: policies are held against one when they are loaded, never when a request is judged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stockade.cedar.errors import BadSchema, Fault
from stockade.cedar.policies import Policy, line_of

_position = re.compile(r" at line (\d+) column \d+$")
_names = re.compile(r"failed to resolve types?: (.+)$")


def validate(policies: Sequence[Policy], schema: str, *, is_json: bool) -> list[tuple[Policy, str]]:
    """What Cedar's validator (strict) finds wrong in which policy. Raises BadSchema."""
    from cedarpy import Schema, validate_policies  # heavy

    try:
        parsed = Schema.from_json_str(schema) if is_json else Schema.from_str(schema)
    except ValueError as error:
        raise BadSchema(_fault(schema, str(error))) from None
    result = validate_policies("\n".join(policy.text for policy in policies), parsed)
    by_id = {f"policy{number}": policy for number, policy in enumerate(policies)}
    return [(by_id[each.policy_id], _plain(each.error)) for each in result.errors if each.policy_id in by_id]


def _plain(said: str) -> str:
    """Without the number that Cedar gives the policy."""
    return re.sub(r"^for policy `policy\d+`, ", "", said)


def _fault(schema: str, said: str) -> Fault:
    at = _position.search(said)
    if at is not None:
        return Fault(int(at[1]), said[: at.start()])
    unresolved = _names.search(said)
    if unresolved is not None:
        for name in unresolved[1].split(", "):
            found = re.search(rf"\b{re.escape(name)}\b", schema)
            if found is not None:
                return Fault(schema.count("\n", 0, found.start()) + 1, said)
    return Fault(line_of(schema, said), said)
