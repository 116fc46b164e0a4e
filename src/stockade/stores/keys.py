"""The table of API keys: SQLite in WAL mode, through SQLAlchemy Core.

What is found is remembered until the table changes (every writer advances the revision, so a revocation is seen by
the next request in every worker) and for ten seconds at most, so that a file which is gone or unreadable is noticed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.pool import NullPool

from stockade.stores.revision import Revision
from stockade.tokens import ApiKeyRecord
from stockade.vocabulary import FindApiKey, StoreError

_REMEMBERED = 10_000
_FRESH = 10.0  # seconds
_PATIENCE = 5.0  # seconds to wait for another writer

_METADATA = sql.MetaData()
_KEYS = sql.Table(
    "api_keys",
    _METADATA,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("owner", sql.String(256), nullable=False, index=True),
    sql.Column("digest", sql.LargeBinary, nullable=False),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("networks", sql.JSON, nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("expires", sql.Float),
    sql.Column("revoked", sql.Float),
    sql.Column("replaced_by", sql.String(32)),
    sql.Column("last_used", sql.Float),
)


class _Known(NamedTuple):
    record: ApiKeyRecord
    revision: int  # of the table, read before the record was
    at: float  # monotonic seconds


class KeyStore:
    """Answers FindApiKey; issues no keys itself (see `identity`). Raises StoreError when the table cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, _Known] = {}
        try:
            self._revision = Revision(path.with_name(path.name + ".revision"))
        except OSError as error:
            raise StoreError(f"{path}: the key store cannot be opened: {error}") from error
        try:
            with self._revision.locked():  # of several workers that start at once, one makes the table
                self._engine = _open(path)
            self.get("")  # the first query compiles the statement, which no request should wait for
        except (OSError, sql.exc.SQLAlchemyError, StoreError) as error:
            self._revision.close()
            raise StoreError(f"{path}: the key store cannot be opened: {_plain(error)}") from error

    def find(self, ask: FindApiKey) -> ApiKeyRecord | None:
        revision, now = self._revision.read(), time.monotonic()
        known = self._known.get(ask.id)
        if known is not None and known.revision == revision and now - known.at < _FRESH:
            return known.record
        record = self.get(ask.id)
        if record is not None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[ask.id] = _Known(record, revision, now)
        return record

    def get(self, key_id: str) -> ApiKeyRecord | None:
        found = self._read(sql.select(_KEYS).where(_KEYS.c.id == key_id))
        return found[0] if found else None

    def all(self) -> list[ApiKeyRecord]:
        """Every key, oldest first."""
        return self._read(sql.select(_KEYS).order_by(_KEYS.c.created, _KEYS.c.id))

    def add(self, record: ApiKeyRecord) -> None:
        self._write([sql.insert(_KEYS).values(**_row(record))])

    def replace(self, old_id: str, changes: Mapping[str, Any], new: ApiKeyRecord) -> None:
        """Change one key and add its successor, both or neither."""
        change = sql.update(_KEYS).where(_KEYS.c.id == old_id).values(**changes)
        self._write([change, sql.insert(_KEYS).values(**_row(new))])

    def change(self, key_id: str, **changes: Any) -> None:
        self._write([sql.update(_KEYS).where(_KEYS.c.id == key_id).values(**changes)])

    def note_uses(self, uses: Mapping[str, float]) -> None:
        """Keep when each key was last used (epoch seconds). No reader need look again because of it."""
        rows = [{"key": key_id, "at": at} for key_id, at in uses.items()]
        if not rows:
            return
        statement = sql.update(_KEYS).where(_KEYS.c.id == sql.bindparam("key")).values(last_used=sql.bindparam("at"))
        try:
            with self._engine.begin() as connection:
                connection.execute(statement, rows)
        except sql.exc.SQLAlchemyError as error:
            raise StoreError(f"{self.path}: {_plain(error)}") from error

    def _read(self, statement: sql.Select[Any]) -> list[ApiKeyRecord]:
        try:
            with self._engine.connect() as connection:
                return [_record(row) for row in connection.execute(statement).mappings()]
        except (sql.exc.SQLAlchemyError, ValueError, TypeError) as error:  # the latter: JSON that is none, or no list
            raise StoreError(f"{self.path}: {_plain(error)}") from error

    def _write(self, statements: Iterable[sql.Executable]) -> None:
        try:
            with self._engine.begin() as connection:
                for statement in statements:
                    connection.execute(statement)
        except sql.exc.SQLAlchemyError as error:
            raise StoreError(f"{self.path}: {_plain(error)}") from error
        self._revision.advance()

    def close(self) -> None:
        self._engine.dispose()
        self._revision.close()


def _open(path: Path) -> sql.Engine:
    # Ours alone before SQLite writes to it: its journals copy the mode. Made only here, never by a later connection,
    # so that its loss is noticed. One that exists is not even opened: closing it would end SQLite's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    uri = f"file:{quote(str(path))}?mode=rw"
    # A connection per use: SQLite's are cheap to open, and one that outlives a replaced file would read the old one.
    engine = sql.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, timeout=_PATIENCE), poolclass=NullPool
    )
    with engine.begin() as connection:
        connection.execute(sql.text("PRAGMA journal_mode=WAL"))
        _METADATA.create_all(connection)
    return engine


def _plain(error: Exception) -> str:
    """The driver's own words, without SQLAlchemy's statement and link."""
    return str(getattr(error, "orig", None) or error)


def _row(record: ApiKeyRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "owner": record.owner,
        "digest": record.digest,
        "scopes": sorted(record.scopes),
        "networks": list(record.networks),
        "created": record.created,
        "expires": record.expires,
        "revoked": record.revoked,
        "replaced_by": record.replaced_by,
        "last_used": record.last_used,
    }


def _record(row: sql.RowMapping) -> ApiKeyRecord:
    return ApiKeyRecord(**{**row, "scopes": frozenset(row["scopes"]), "networks": tuple(row["networks"])})
