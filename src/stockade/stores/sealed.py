"""All that is sealed at rest, wherever it stands: counted by key, and brought under a new key while others use it.

A column says that it holds envelopes by `info={"sealed": True}`.
"""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import sqlalchemy as sql

import stockade.stores
from stockade.envelopes import BadEnvelope, Envelope, sealed_under
from stockade.stores.database import METADATA, Database
from stockade.vocabulary import StoreError

_AT_ONCE = 500  # rows per statement


def sealed_columns() -> list[sql.Column[Any]]:
    """Of every table there is: each store declares its own, so that all must be imported first."""
    for module in pkgutil.iter_modules(stockade.stores.__path__):
        if not module.ispkg and not module.name.startswith("_"):
            import_module(f"stockade.stores.{module.name}")
    return [column for table in METADATA.sorted_tables for column in table.columns if column.info.get("sealed")]


def count_sealed(database: Database, columns: list[sql.Column[Any]]) -> dict[str, int]:
    """How many secrets there are, by the id of the key that each is sealed under. Raises StoreError."""
    return dict(Counter(_under(database, column, row) for column in columns for row in _rows(database, column)))


def rewrap_all(database: Database, columns: list[sql.Column[Any]], envelope: Envelope) -> int:
    """Bring what is sealed under another key under the current one; how many there were.

    Nothing is locked meanwhile: a secret that somebody changes at the same time stays as they made it, which is under
    the current key already. Raises StoreError at one that cannot be opened; those before it are done, and stay done.
    """
    done = 0
    for column in columns:
        for row in _rows(database, column):
            if _under(database, column, row) != envelope.ring.current:
                done += _rewrap(database, column, row, envelope)
    return done


def _rows(database: Database, column: sql.Column[Any]) -> Iterator[sql.RowMapping]:
    """In pieces, by primary key, so that neither a lock nor all secrets are held at once."""
    keys = list(column.table.primary_key.columns)
    last: tuple[Any, ...] | None = None
    while True:
        query = sql.select(*keys, column.label("sealed")).where(column.is_not(None)).order_by(*keys).limit(_AT_ONCE)
        if last is not None:
            query = query.where(sql.tuple_(*keys) > sql.tuple_(*map(sql.literal, last)))
        rows = database.read(query)
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        last = tuple(rows[-1][key.name] for key in keys)


def _under(database: Database, column: sql.Column[Any], row: sql.RowMapping) -> str:
    try:
        return sealed_under(bytes(row["sealed"]))
    except BadEnvelope as error:
        raise _spoiled(database, column, error) from None


def _rewrap(database: Database, column: sql.Column[Any], row: sql.RowMapping, envelope: Envelope) -> int:
    try:
        fresh = envelope.rewrap(bytes(row["sealed"]))
    except BadEnvelope as error:
        raise _spoiled(database, column, error) from None
    same = [key == row[key.name] for key in column.table.primary_key.columns]
    change = sql.update(column.table).where(*same, column == row["sealed"]).values({column.name: fresh})
    return database.write(change, announce=False)


def _spoiled(database: Database, column: sql.Column[Any], error: BadEnvelope) -> StoreError:
    return StoreError(f"{database.name}: {column.table.name}.{column.name}: {error}")
