"""What happened at the token service that its operator should know: a table of its own, of bounded size and age.

It is apart from the audit of credentials because strangers make it grow: whatever they do, that one keeps its rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sql
from msgspec import Struct, structs

from stockade.stores.database import METADATA, Database

KEPT: Final = 90 * 86400.0  # seconds
MOST_KEPT: Final = 100_000  # rows
_MOST_TOLD: Final = 1000
EVENTS = sql.Table(
    "service_events",
    METADATA,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", sql.Float, nullable=False, index=True),
    sql.Column("event", sql.String(32), nullable=False),
    sql.Column("client", sql.String(64), nullable=False),
    sql.Column("user", sql.String(256), nullable=False),
    sql.Column("address", sql.String(64), nullable=False),
    sql.Column("detail", sql.String(256), nullable=False),
    sql.Column("times", sql.Integer, nullable=False),
)


class Event(Struct, frozen=True):
    """at: epoch seconds, of the last time. client, user: those there are; never what a stranger merely typed, which
    may be a password. detail: no secret. times: how often it happened since the row before."""

    at: float
    event: str
    client: str = ""
    user: str = ""
    address: str = ""
    detail: str = ""
    times: int = 1


def event_row(event: Event) -> sql.Insert:
    """The statement, to be written with what happened."""
    cut = {"client": event.client[:64], "user": event.user[:256], "address": event.address[:64]}
    return sql.insert(EVENTS).values(**{**structs.asdict(event), **cut, "detail": event.detail[:256]})


class EventStore:
    """Raises StoreError when the table cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Iterable[Event]) -> None:
        """All or none. No reader need look again because of them."""
        statements = [event_row(event) for event in events]
        if statements:
            self._database.write(*statements, announce=False)

    def newest(self, *, event: str = "", client: str = "", user: str = "", most: int = 200) -> list[Event]:
        """The newest first, of those that are asked for."""
        statement = sql.select(*(column for column in EVENTS.c if column.name != "id"))
        for column, wanted in ((EVENTS.c.event, event), (EVENTS.c.client, client), (EVENTS.c.user, user)):
            if wanted:
                statement = statement.where(column == wanted)
        statement = statement.order_by(EVENTS.c.id.desc()).limit(min(most, _MOST_TOLD))
        return [Event(**row) for row in self._database.read(statement)]

    def forget(self, at: float) -> None:
        """What is older than KEPT, and all but the newest MOST_KEPT."""
        newest = sql.select(sql.func.coalesce(sql.func.max(EVENTS.c.id), 0)).scalar_subquery()
        over = sql.or_(EVENTS.c.at < at - KEPT, EVENTS.c.id <= newest - MOST_KEPT)
        self._database.write(sql.delete(EVENTS).where(over), announce=False)
