"""The table of OAuth clients."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sql

from stockade.grants import Client
from stockade.stores.database import METADATA, Database
from stockade.vocabulary import StoreError

CLIENTS = sql.Table(
    "clients",
    METADATA,
    sql.Column("id", sql.String(64), primary_key=True),
    sql.Column("name", sql.String(128), nullable=False),
    sql.Column("authentication", sql.String(32), nullable=False),
    sql.Column("grants", sql.JSON, nullable=False),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("audiences", sql.JSON, nullable=False),
    sql.Column("redirects", sql.JSON, nullable=False),
    sql.Column("digest", sql.LargeBinary, nullable=False),
    sql.Column("former", sql.LargeBinary, nullable=False),
    sql.Column("former_until", sql.Float, nullable=False),
    sql.Column("jwks", sql.Text, nullable=False),
    sql.Column("certificate", sql.String(1024), nullable=False),
    sql.Column("tokens", sql.String(16), nullable=False),
    sql.Column("bound", sql.String(16), nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("disabled", sql.Float),
)


class ClientStore:
    """Raises StoreError when the table cannot be used, Conflict (which is one) where an id is taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, client_id: str) -> Client | None:
        found = self._read(sql.select(CLIENTS).where(CLIENTS.c.id == client_id))
        return found[0] if found else None

    def all(self) -> list[Client]:
        """Oldest first."""
        return self._read(sql.select(CLIENTS).order_by(CLIENTS.c.created, CLIENTS.c.id))

    def add(self, client: Client, *also: sql.Executable) -> None:
        self._database.write(*also, sql.insert(CLIENTS).values(**_row(client)))

    def change(self, client_id: str, *also: sql.Executable, **changes: Any) -> bool:
        """Whether there was such a client. also: written with it, both or neither."""
        return self._database.write(*also, sql.update(CLIENTS).where(CLIENTS.c.id == client_id).values(**changes)) > 0

    def remove(self, client_id: str, *also: sql.Executable) -> bool:
        return self._database.write(*also, sql.delete(CLIENTS).where(CLIENTS.c.id == client_id)) > 0

    def _read(self, statement: sql.Select[Any]) -> list[Client]:
        try:
            return [_client(row) for row in self._database.read(statement)]
        except (ValueError, TypeError, msgspec.ValidationError) as error:
            raise StoreError(f"{self._database.name}: a client that cannot be read: {type(error).__name__}") from error


def _row(client: Client) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(client),
        "grants": sorted(client.grants),
        "scopes": sorted(client.scopes),
        "audiences": list(client.audiences),
        "redirects": list(client.redirects),
    }


def _client(row: sql.RowMapping) -> Client:
    fields = {**row, "grants": frozenset(row["grants"]), "scopes": frozenset(row["scopes"])}
    return Client(**{**fields, "audiences": tuple(row["audiences"]), "redirects": tuple(row["redirects"])})
