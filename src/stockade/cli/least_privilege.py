"""The policy that leaves callers what they have used, as rules or in Cedar."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from stockade.cedar import Uid, quoted
from stockade.cli.access_report import Access
from stockade.operations import BadOperation, parse_operation

_MOST = 100_000  # principals


class Snippet(NamedTuple):
    """notes: what it cannot say."""

    text: str
    notes: list[str]


def snippet(rows: Iterable[Access], *, cedar: bool) -> Snippet:
    """Rules for those who use the same operations, together."""
    groups: dict[tuple[str, ...], list[str | None]] = {}
    notes: list[str] = []
    for number, row in enumerate(rows):
        if number >= _MOST:
            notes.append(f"only the first {_MOST} principals are in it: give roles to so many")
            break
        operations = tuple(sorted({each.operation for each in row.used if _can_be_said(each.operation)}))
        lost = sorted({each.operation for each in row.used if not _can_be_said(each.operation)})
        if lost:
            notes.append(f"{row.principal or 'anybody'}: no rule can name {', '.join(lost)}")
        if row.principal is not None and "${" in row.principal and not cedar:
            notes.append(f"{row.principal}: a policy file cannot name a principal with ${{ in it")
        elif operations:
            groups.setdefault(operations, []).append(row.principal)
    write = _cedar if cedar else _rules
    return Snippet(write(groups), notes)


def _can_be_said(operation: str) -> bool:
    try:
        parse_operation(operation)
    except BadOperation:
        return False
    return not operation.startswith("_") and "${" not in operation


def _rules(groups: dict[tuple[str, ...], list[str | None]]) -> str:
    """YAML, by way of JSON's strings: no name can end its own quotes."""
    lines = ["authorization:", "  default: deny", "  rules:" if groups else "  rules: []"]
    number = 0
    for operations, principals in groups.items():
        known = [each for each in principals if each is not None]
        for who in ([known] if known else []) + ([None] if None in principals else []):
            number += 1
            lines.append(f"    - name: least-{number}")
            lines += [f"      operations: {json.dumps(list(operations))}"]
            lines += [f"      principals: {json.dumps(who)}" if who is not None else "      anyone: true"]
    return "\n".join(lines) + "\n"


def _cedar(groups: dict[tuple[str, ...], list[str | None]]) -> str:
    if not groups:
        return "// Nobody has used anything.\n"
    parts = ["// Your policies that forbid stay as they are.\n"]
    for number, (operations, principals) in enumerate(groups.items(), 1):
        actions = ", ".join(str(Uid("Action", name)) for name in operations)
        known = [str(Uid("Principal", each)) for each in principals if each is not None]
        if None in principals:
            known.append(str(Uid("Anonymous", "anyone")))
        head = f"@id({quoted(f'least-{number}')})\npermit("
        if len(known) == 1:
            parts.append(f"{head}principal == {known[0]}, action in [{actions}], resource);\n")
        else:
            among = f"when {{ principal in [{', '.join(known)}] }}"
            parts.append(f"{head}principal, action in [{actions}], resource)\n{among};\n")
    return "\n".join(parts)
