"""Who changed which credential, over the admin API."""

from __future__ import annotations

from typing import Any

from stockade.console.operation import READ, Asked, Operation
from stockade.console.resources.fields import moment
from stockade.stores.audit import AuditRow, read_audit


def listed(asked: Asked) -> Any:
    return {"audit": [told(row) for row in read_audit(asked.office.database, asked.query.get("subject"))]}


def told(row: AuditRow) -> dict[str, Any]:
    return {
        "at": moment(row.at),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "details": row.details,
    }


OPERATIONS = (
    Operation("GET", "/audit", "audit", READ, "The newest changes, of one subject or all.", listed, query=("subject",)),
)
