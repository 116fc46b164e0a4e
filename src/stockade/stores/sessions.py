"""The table of browsers that are logged in.

A session is found by the digest of its secret; its tokens lie sealed. What is found is remembered until the database
changes: every end of a session advances its revision, so that the next request in every worker sees it.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import sqlalchemy as sql
from msgspec.structs import replace

from stockade.stores.database import METADATA, Database
from stockade.stores.session_rows import CLAIM, SessionRow

_REMEMBERED = 10_000
_FRESH = 10.0  # seconds

_SESSIONS = sql.Table(
    "login_sessions",
    METADATA,
    sql.Column("digest", sql.LargeBinary(32), primary_key=True),
    sql.Column("party", sql.String(512), nullable=False),
    sql.Column("subject", sql.String(256), nullable=False),
    sql.Column("sid", sql.String(256), nullable=False),
    sql.Column("identity", sql.LargeBinary, nullable=False),
    sql.Column("tokens", sql.LargeBinary, nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("seen", sql.Float, nullable=False),
    sql.Column("ends", sql.Float, nullable=False, index=True),
    sql.Column("refresh_at", sql.Float),
    sql.Column("stale_at", sql.Float),
    sql.Column("claimed", sql.Float, nullable=False),
    sql.Index("ix_login_sessions_subject", "party", "subject"),
    sql.Index("ix_login_sessions_sid", "party", "sid"),
)


class _Known(NamedTuple):
    row: SessionRow
    revision: int  # of the database, read before the row was
    at: float  # monotonic seconds


class SessionTable:
    """Its methods may be called by any thread. All but `known` ask the database, and raise StoreError."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: dict[bytes, _Known] = {}
        self.read(b"")  # the first query compiles the statement, which no request should wait for

    def known(self, digest: bytes) -> SessionRow | None:
        """What is remembered of it and still holds."""
        known = self._known.get(digest)
        if known is None or known.revision != self.database.revision.read() or time.monotonic() - known.at >= _FRESH:
            return None
        return known.row

    def read(self, digest: bytes) -> SessionRow | None:
        revision, now = self.database.revision.read(), time.monotonic()
        found = self.database.read(sql.select(_SESSIONS).where(_SESSIONS.c.digest == digest))
        if not found:
            self._known.pop(digest, None)
            return None
        row = SessionRow(**found[0])
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[digest] = _Known(row, revision, now)
        return row

    def add(self, row: SessionRow, most: int, idle: float) -> None:
        """Also forget what is over, and of this subject all but the newest `most` sessions."""
        table, at = _SESSIONS.c, row.created
        over = sql.delete(_SESSIONS).where((table.ends <= at) | ((table.party == row.party) & (table.seen < at - idle)))
        own = (table.party == row.party) & (table.subject == row.subject)
        newest = sql.select(table.digest).where(own).order_by(table.created.desc()).limit(most - 1)
        surplus = sql.delete(_SESSIONS).where(own & table.digest.not_in(newest.scalar_subquery()))
        self.database.write(over, surplus, sql.insert(_SESSIONS).values(**_values(row)))

    def touch(self, row: SessionRow, at: float) -> SessionRow:
        """Note that it was used. No reader need look again because of it."""
        self.database.write(_where(row.digest).values(seen=at), announce=False)
        touched, known = replace(row, seen=at), self._known.get(row.digest)
        if known is not None:
            self._known[row.digest] = known._replace(row=touched)
        return touched

    def claim(self, digest: bytes, at: float) -> bool:
        """Whether it is ours to refresh the tokens: one worker at a time, for a refresh token may be good once."""
        table = _SESSIONS.c
        free = (table.claimed < at - CLAIM) | (table.claimed > at + CLAIM)
        return self.database.write(_where(digest).where(free).values(claimed=at), announce=False) == 1

    def change(self, digest: bytes, **values: Any) -> None:
        """A row that has gone meanwhile stays gone."""
        self.database.write(_where(digest).values(**values))

    def end(self, digest: bytes) -> None:
        self.database.write(sql.delete(_SESSIONS).where(_SESSIONS.c.digest == digest))
        self._known.pop(digest, None)

    def count(self, party: str, subject: str, sid: str) -> int:
        """How many `end_all` would end."""
        query = sql.select(sql.func.count().label("number")).where(_whose(party, subject, sid))
        return int(self.database.read(query)[0]["number"])

    def end_all(self, party: str, subject: str, sid: str) -> int:
        """By the provider's session where it is named, and by subject where that is. How many there were."""
        count = self.database.write(sql.delete(_SESSIONS).where(_whose(party, subject, sid)))
        self._known.clear()
        return count


def _whose(party: str, subject: str, sid: str) -> sql.ColumnElement[bool]:
    table = _SESSIONS.c
    whose = table.party == party
    if subject:
        whose &= table.subject == subject
    if sid:
        whose &= table.sid == sid
    return whose


def _where(digest: bytes) -> sql.Update:
    return sql.update(_SESSIONS).where(_SESSIONS.c.digest == digest)


def _values(row: SessionRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
