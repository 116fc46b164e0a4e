"""Who changed which credential, when: a row beside each change, written with it or not at all."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from msgspec import Struct

from stockade.stores.database import METADATA, Database

_MOST_TOLD = 1000  # rows at a time
AUDIT = sql.Table(
    "credential_audit",
    METADATA,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", sql.Float, nullable=False),
    sql.Column("actor", sql.String(256), nullable=False),
    sql.Column("action", sql.String(64), nullable=False),
    sql.Column("subject", sql.String(256), nullable=False, index=True),
    sql.Column("details", sql.JSON, nullable=False),
)


class AuditRow(Struct, frozen=True):
    """at: epoch seconds. actor: who did it, "key:ID" or "cli:USER". action: as in "partner.removed"."""

    at: float
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


def audit_row(at: float, actor: str, action: str, subject: str, **details: object) -> sql.Insert:
    """The statement to write with the change itself. No detail may be a secret."""
    return sql.insert(AUDIT).values(at=at, actor=actor[:256], action=action, subject=subject[:256], details=details)


def read_audit(database: Database, subject: str | None = None, most: int = _MOST_TOLD) -> list[AuditRow]:
    """The newest rows first, of one subject or of all."""
    statement = sql.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(min(most, _MOST_TOLD))
    if subject is not None:
        statement = statement.where(AUDIT.c.subject == subject)
    rows = database.read(statement)
    return [AuditRow(row["at"], row["actor"], row["action"], row["subject"], row["details"]) for row in rows]
