"""Who changed which credential, over the admin API."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from stockade.console.operation import READ, Asked, Operation
from stockade.console.resources.fields import moment
from stockade.stores.audit import AuditRow, read_audit
from stockade.stores.events import EventStore


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


def happened(asked: Asked) -> Any:
    event, client, user = (asked.query.get(name, "") for name in _EVENT_QUERY)
    rows = EventStore(asked.office.database).newest(event=event, client=client, user=user)
    return {"events": [{**structs.asdict(row), "at": moment(row.at)} for row in rows]}


_EVENT_QUERY = ("event", "client", "user")
OPERATIONS = (
    Operation("GET", "/audit", "audit", READ, "The newest changes, of one subject or all.", listed, query=("subject",)),
    Operation("GET", "/events", "audit", READ, "What happened at the token service.", happened, query=_EVENT_QUERY),
)
