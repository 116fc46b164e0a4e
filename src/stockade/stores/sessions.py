"""The table of browsers that are logged in: SQLite in WAL mode, through SQLAlchemy Core.

A session is found by the digest of its secret; its tokens lie sealed. What is found is remembered until the table
changes: every end of a session advances the revision, so that the next request in every worker sees it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.pool import NullPool

from stockade.stores.revision import Revision
from stockade.vocabulary import StoreError

_REMEMBERED = 10_000
_FRESH = 10.0  # seconds
_PATIENCE = 5.0  # seconds to wait for another writer
_CLAIM = 15.0  # seconds after which a refresh that has not come back is another's to try

_METADATA = sql.MetaData()
_SESSIONS = sql.Table(
    "login_sessions",
    _METADATA,
    sql.Column("digest", sql.LargeBinary(32), primary_key=True),
    sql.Column("party", sql.String(256), nullable=False),
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
    sql.Index("login_sessions_subject", "party", "subject"),
    sql.Index("login_sessions_sid", "party", "sid"),
)


class SessionRow(Struct, frozen=True, gc=False):
    """One session as it is kept. Times are epoch seconds.

    tokens: sealed. ends: the latest it can last. refresh_at: from when its tokens should be refreshed, stale_at: from
    when they must have been; None where they cannot be. claimed: when someone last set about it.
    """

    digest: bytes
    party: str
    subject: str
    sid: str
    identity: bytes
    tokens: bytes
    created: float
    seen: float
    ends: float
    refresh_at: float | None = None
    stale_at: float | None = None
    claimed: float = 0.0

    def __repr__(self) -> str:
        return f"SessionRow({self.digest.hex()[:16]!r})"


class _Known(NamedTuple):
    row: SessionRow
    revision: int  # of the table, read before the row was
    at: float  # monotonic seconds


class SessionTable:
    """Raises StoreError when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[bytes, _Known] = {}
        try:
            self._revision = Revision(path.with_name(path.name + ".revision"))
        except OSError as error:
            raise StoreError(f"{path}: the table of sessions cannot be opened: {error}") from error
        try:
            with self._revision.locked():  # of several workers that start at once, one makes the table
                self._engine = _open(path)
            self.read(b"")  # the first query compiles the statement, which no request should wait for
        except (OSError, sql.exc.SQLAlchemyError, StoreError) as error:
            self._revision.close()
            raise StoreError(f"{path}: the table of sessions cannot be opened: {_plain(error)}") from error

    def find(self, digest: bytes) -> SessionRow | None:
        revision, now = self._revision.read(), time.monotonic()
        known = self._known.get(digest)
        if known is not None and known.revision == revision and now - known.at < _FRESH:
            return known.row
        return self.read(digest)

    def read(self, digest: bytes) -> SessionRow | None:
        """The same, as it stands in the file."""
        revision, now = self._revision.read(), time.monotonic()
        with self._begin() as connection:
            found = connection.execute(sql.select(_SESSIONS).where(_SESSIONS.c.digest == digest)).mappings().first()
        if found is None:
            self._known.pop(digest, None)
            return None
        row = SessionRow(**found)
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
        surplus = sql.delete(_SESSIONS).where(own & table.digest.not_in(newest))
        self._write([over, surplus, sql.insert(_SESSIONS).values(**_values(row))])
        self._revision.advance()

    def touch(self, digest: bytes, at: float) -> None:
        """Note that it was used. No reader need look again because of it."""
        self._write([sql.update(_SESSIONS).where(_SESSIONS.c.digest == digest).values(seen=at)])
        known = self._known.get(digest)
        if known is not None:
            values = {**_values(known.row), "seen": at}
            self._known[digest] = known._replace(row=SessionRow(**values))

    def claim(self, digest: bytes, at: float) -> bool:
        """Whether it is ours to refresh the tokens: one worker at a time, for a refresh token may be good once."""
        table = _SESSIONS.c
        mine = (table.digest == digest) & ((table.claimed < at - _CLAIM) | (table.claimed > at + _CLAIM))
        return self._write([sql.update(_SESSIONS).where(mine).values(claimed=at)]) == 1

    def change(self, digest: bytes, **values: Any) -> None:
        """A row that has gone meanwhile stays gone."""
        self._write([sql.update(_SESSIONS).where(_SESSIONS.c.digest == digest).values(**values)])
        self._revision.advance()

    def end(self, digest: bytes) -> None:
        self._write([sql.delete(_SESSIONS).where(_SESSIONS.c.digest == digest)])
        self._known.pop(digest, None)
        self._revision.advance()

    def end_all(self, party: str, subject: str, sid: str) -> int:
        """By the provider's session where it is named, and by subject where that is. How many there were."""
        table = _SESSIONS.c
        whose = table.party == party
        if subject:
            whose &= table.subject == subject
        if sid:
            whose &= table.sid == sid
        count = self._write([sql.delete(_SESSIONS).where(whose)])
        self._known.clear()
        self._revision.advance()
        return count

    @contextmanager
    def _begin(self) -> Iterator[sql.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sql.exc.SQLAlchemyError as error:
            raise StoreError(f"{self.path}: {_plain(error)}") from error

    def _write(self, statements: Sequence[sql.Executable]) -> int:
        changed = 0
        with self._begin() as connection:
            for statement in statements:
                changed = connection.execute(statement).rowcount
        return changed

    def close(self) -> None:
        self._engine.dispose()
        self._revision.close()


def _open(path: Path) -> sql.Engine:
    # Ours alone before SQLite writes to it: its journals copy the mode.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    uri = f"file:{quote(str(path))}?mode=rw"
    engine = sql.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, timeout=_PATIENCE), poolclass=NullPool
    )
    with engine.begin() as connection:
        connection.execute(sql.text("PRAGMA journal_mode=WAL"))
        _METADATA.create_all(connection)
    return engine


def _values(row: SessionRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _plain(error: Exception) -> str:
    """The driver's own words, without SQLAlchemy's statement and link."""
    return str(getattr(error, "orig", None) or error)
