"""The table of API keys.

What is found is remembered until the table changes (every writer advances the revision, so a revocation is seen by
the next request in every worker) and for ten seconds at most, so that a file which is gone or unreadable is noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sql

from stockade.engine import NotNow
from stockade.stores.database import METADATA, Database
from stockade.stores.uses import Use
from stockade.tokens import ApiKeyRecord
from stockade.vocabulary import Ask, FindApiKey, StoreError

_REMEMBERED = 10_000
_FRESH = 10.0  # seconds

API_KEYS = sql.Table(
    "api_keys",
    METADATA,
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
    sql.Column("uses", sql.BigInteger, nullable=False, server_default="0"),
)

_ONE = sql.select(API_KEYS).where(
    API_KEYS.c.id == sql.bindparam("key")
)  # made once: to make it takes as long as to run it


class _Known(NamedTuple):
    record: ApiKeyRecord
    revision: int  # of the table, read before the record was
    at: float  # monotonic seconds


class KeyStore:
    """Answers FindApiKey; issues no keys itself (see `identity`). Raises StoreError when the table cannot be used."""

    def __init__(self, database: Database | Path) -> None:
        """A path opens a SQLite file of its own, which `close` closes."""
        self._owned = isinstance(database, Path)
        self.database = Database(database) if isinstance(database, Path) else database
        self.path = self.database.path
        self._revision = self.database.revision
        self._known: dict[str, _Known] = {}
        self._looking: dict[str, asyncio.Task[ApiKeyRecord | None]] = {}
        try:
            self.get("")  # the first query compiles the statement, which no request should wait for
        except StoreError as error:
            self.close()
            raise StoreError(f"{self.database.name}: the database cannot be opened: {error}") from error

    def find(self, ask: FindApiKey) -> ApiKeyRecord | None:
        """Raises NotNow when a server must be asked."""
        revision = self._revision.read()
        known = self._known.get(ask.id)
        if known is not None and known.revision == revision and time.monotonic() - known.at < _FRESH:
            return known.record
        if self.database.remote:
            raise NotNow
        return self._look(ask.id, revision)

    async def find_later(self, ask: Ask[ApiKeyRecord | None]) -> ApiKeyRecord | None:
        """Those who ask for one key at once share one look."""
        assert isinstance(ask, FindApiKey)
        key_id = ask.id
        task = self._looking.get(key_id)
        if task is None:
            revision = self._revision.read()
            look = self.database.later(lambda: self._look(key_id, revision))
            task = self._looking[key_id] = asyncio.ensure_future(look)
            task.add_done_callback(lambda task: self._looked(key_id, task))
        return await asyncio.shield(task)

    def _looked(self, key_id: str, task: asyncio.Task[ApiKeyRecord | None]) -> None:
        self._looking.pop(key_id, None)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; when all have gone it is nobody's

    def _look(self, key_id: str, revision: int) -> ApiKeyRecord | None:
        """revision: as it was read before."""
        now = time.monotonic()
        record = self.get(key_id)
        if record is not None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key_id] = _Known(record, revision, now)
        return record

    def get(self, key_id: str) -> ApiKeyRecord | None:
        found = self._read(_ONE, {"key": key_id})
        return found[0] if found else None

    def all(self) -> list[ApiKeyRecord]:
        """Every key, oldest first."""
        return self._read(sql.select(API_KEYS).order_by(API_KEYS.c.created, API_KEYS.c.id))

    # also: written with it, all or none.

    def add(self, record: ApiKeyRecord, *also: sql.Executable) -> None:
        self.database.write(*also, insert_key(record))

    def replace(self, old_id: str, changes: Mapping[str, Any], new: ApiKeyRecord, *also: sql.Executable) -> None:
        """Change one key and add its successor, both or neither."""
        change = sql.update(API_KEYS).where(API_KEYS.c.id == old_id).values(**changes)
        self.database.write(*also, change, insert_key(new))

    def change(self, key_id: str, *also: sql.Executable, **changes: Any) -> None:
        self.database.write(*also, sql.update(API_KEYS).where(API_KEYS.c.id == key_id).values(**changes))

    def note_uses(self, uses: Mapping[str, Use]) -> None:
        """Keep how often each key was used, and when last. No reader need look again because of it.

        In the order of the ids: two processes that note the same keys must not wait for each other.
        """
        rows = [{"key": key_id, "at": use.at, "more": use.times} for key_id, use in sorted(uses.items())]
        later = sql.or_(API_KEYS.c.last_used.is_(None), API_KEYS.c.last_used < sql.bindparam("at", type_=sql.Float))
        statement = (
            sql.update(API_KEYS)
            .where(API_KEYS.c.id == sql.bindparam("key"))
            .values(
                last_used=sql.case((later, sql.bindparam("at", type_=sql.Float)), else_=API_KEYS.c.last_used),
                uses=API_KEYS.c.uses + sql.bindparam("more"),
            )
        )
        self.database.write_many(statement, rows, announce=False)

    def _read(self, statement: sql.Select[Any], values: Mapping[str, Any] | None = None) -> list[ApiKeyRecord]:
        try:
            return [_record(row) for row in self.database.read(statement, values)]
        except (ValueError, TypeError) as error:  # JSON that is none, or no list
            raise StoreError(f"{self.database.name}: {error}") from error

    def close(self) -> None:
        if self._owned:
            self.database.close()


def insert_key(record: ApiKeyRecord) -> sql.Insert:
    """The statement that adds a key, to be written with others."""
    return sql.insert(API_KEYS).values(**_row(record))


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
        "uses": record.uses,
    }


def _record(row: sql.RowMapping) -> ApiKeyRecord:
    return ApiKeyRecord(**{**row, "scopes": frozenset(row["scopes"]), "networks": tuple(row["networks"])})
