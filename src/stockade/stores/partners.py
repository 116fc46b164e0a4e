"""The table of partners, and of the OAuth clients that are theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql

from stockade.certificates import Partner
from stockade.certificates.names import is_holder
from stockade.stores.database import METADATA, Database
from stockade.stores.remembered import Remembered
from stockade.vocabulary import Ask, FindPartner, StoreError

PARTNERS = sql.Table(
    "partners",
    METADATA,
    sql.Column("name", sql.String(63), primary_key=True),
    sql.Column("contact", sql.String(256), nullable=False),
    sql.Column("networks", sql.JSON, nullable=False),
    sql.Column("quota_amount", sql.BigInteger),
    sql.Column("quota_unit", sql.String(8)),
    sql.Column("names", sql.JSON, nullable=False),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("expires", sql.Float),
    sql.Column("ended", sql.Float),
)
PARTNER_CLIENTS = sql.Table(
    "partner_clients",
    METADATA,
    sql.Column("client", sql.String(64), primary_key=True),
    sql.Column("partner", sql.String(63), nullable=False, index=True),
)


class PartnerStore:
    """Answers FindPartner; onboards nobody itself (see `identity`)."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._remembered = Remembered(database, self._look)

    def find(self, ask: FindPartner) -> Partner | None:
        """Raises NotNow when a server must be asked."""
        return self._remembered.find(ask.name)

    async def find_later(self, ask: Ask[Partner | None]) -> Partner | None:
        assert isinstance(ask, FindPartner)
        return await self._remembered.find_later(ask.name)

    def get(self, name: str) -> Partner | None:
        if not is_holder(name):  # nobody's; nor is a database asked with what it may not even be able to hold
            return None
        found = partners_of(self.database.read(sql.select(PARTNERS).where(PARTNERS.c.name == name)))
        return found[0] if found else None

    def _look(self, name: str) -> Partner | None:
        kind, _, client = name.partition(":")
        if kind != "client" or not client:
            return self.get(name)
        return self.of_client(client)

    def of_client(self, client: str) -> Partner | None:
        theirs = sql.select(PARTNERS).join(PARTNER_CLIENTS, PARTNER_CLIENTS.c.partner == PARTNERS.c.name)
        found = partners_of(self.database.read(theirs.where(PARTNER_CLIENTS.c.client == client)))
        return found[0] if found else None

    def all(self) -> list[Partner]:
        """By name; those that were offboarded too."""
        return partners_of(self.database.read(sql.select(PARTNERS).order_by(PARTNERS.c.name)))

    def clients_of(self, name: str) -> list[str]:
        """The ids of its OAuth clients."""
        statement = sql.select(PARTNER_CLIENTS.c.client).where(PARTNER_CLIENTS.c.partner == name)
        return sorted(row["client"] for row in self.database.read(statement))


def partners_of(rows: Sequence[sql.RowMapping]) -> list[Partner]:
    """Raises StoreError on a row that cannot be one of ours."""
    try:
        return [_partner(row) for row in rows]
    except (TypeError, ValueError) as error:
        raise StoreError(f"a row of the table of partners is broken: {error}") from error


def _partner(row: sql.RowMapping) -> Partner:
    fields = dict(row)
    amount, unit = fields.pop("quota_amount"), fields.pop("quota_unit")
    lists = {name: tuple(fields[name]) for name in ("networks", "names", "scopes")}
    return Partner(**{**fields, **lists, "quota": None if amount is None else (amount, unit)})


def partner_row(partner: Partner) -> dict[str, Any]:
    amount, unit = partner.quota or (None, None)
    return {
        "name": partner.name,
        "contact": partner.contact,
        "networks": list(partner.networks),
        "quota_amount": amount,
        "quota_unit": unit,
        "names": list(partner.names),
        "scopes": list(partner.scopes),
        "created": partner.created,
        "expires": partner.expires,
        "ended": partner.ended,
    }
