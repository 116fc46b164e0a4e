"""The table of the token service's signing keys. Their private halves are sealed; whoever verifies needs none."""

from __future__ import annotations

import msgspec
import sqlalchemy as sql

from stockade.grants import SigningKey
from stockade.stores.database import METADATA, Conflict, Database

SIGNING_KEYS = sql.Table(
    "signing_keys",
    METADATA,
    sql.Column("kid", sql.String(64), primary_key=True),
    sql.Column("slot", sql.BigInteger, nullable=False),
    sql.Column("generation", sql.Integer, nullable=False),
    sql.Column("public", sql.Text, nullable=False),
    sql.Column("sealed", sql.LargeBinary, nullable=False, info={"sealed": True}),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("expires", sql.Float, nullable=False),
    sql.UniqueConstraint("slot", "generation", name="uq_signing_keys_slot"),
)


class SigningKeyStore:
    """Raises StoreError when the table cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, at: float) -> list[SigningKey]:
        """Those that are to be published, oldest slot first."""
        table = SIGNING_KEYS
        found = sql.select(table).where(table.c.expires > at).order_by(table.c.slot, table.c.generation)
        return [SigningKey(**row) for row in self._database.read(found)]

    def add(self, key: SigningKey) -> bool:
        """False where somebody else made one for the same slot and generation."""
        try:
            self._database.write(sql.insert(SIGNING_KEYS).values(**msgspec.structs.asdict(key)))
        except Conflict:
            return False
        return True

    def withdraw(self, kid: str, at: float) -> None:
        """A key that has leaked: what it signed is good no more, from now on."""
        self._database.write(sql.update(SIGNING_KEYS).where(SIGNING_KEYS.c.kid == kid).values(expires=at))

    def forget(self, at: float) -> None:
        self._database.write(sql.delete(SIGNING_KEYS).where(SIGNING_KEYS.c.expires < at), announce=False)
