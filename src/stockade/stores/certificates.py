"""The tables of the private authority: its own certificates with their sealed keys, and what it issued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from msgspec import Struct
from msgspec.structs import asdict

from stockade.certificates import CertificateRecord
from stockade.stores.database import METADATA, Database
from stockade.stores.remembered import Remembered
from stockade.vocabulary import Ask, FindCertificate, StoreError

AUTHORITIES = sql.Table(
    "certificate_authorities",
    METADATA,
    sql.Column("role", sql.String(16), primary_key=True),
    sql.Column("certificate", sql.Text, nullable=False),
    sql.Column("sealed_key", sql.LargeBinary, nullable=False, info={"sealed": True}),
    sql.Column("trust_domain", sql.String(253), nullable=False),
    sql.Column("list_number", sql.BigInteger, nullable=False),
    sql.Column("created", sql.Float, nullable=False),
)
CERTIFICATES = sql.Table(
    "certificates",
    METADATA,
    sql.Column("serial", sql.String(40), primary_key=True),
    sql.Column("fingerprint", sql.String(64), nullable=False, unique=True),
    sql.Column("holder", sql.String(63), nullable=False, index=True),
    sql.Column("names", sql.JSON, nullable=False),
    sql.Column("key_digest", sql.String(64), nullable=False, index=True),
    sql.Column("start", sql.Float, nullable=False),
    sql.Column("end", sql.Float, nullable=False),
    sql.Column("revoked", sql.Float),
    sql.Column("reason", sql.String(32), nullable=False),
    sql.Column("replaced_by", sql.String(40)),
    sql.Column("networks", sql.JSON, nullable=False),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("until", sql.Float),
    sql.Column("pem", sql.Text, nullable=False),
)
CERTIFICATE_NAMES = sql.Table(  # its primary key keeps a DNS name from two holders, however many sign at once
    "certificate_names",
    METADATA,
    sql.Column("name", sql.String(253), primary_key=True),
    sql.Column("holder", sql.String(63), nullable=False, index=True),
)
_RECORD = [column for column in CERTIFICATES.c if column.name != "pem"]


class AuthorityRow(Struct, frozen=True):
    """role: "root" or "issuing". certificate: PEM. list_number: of the newest revocation list."""

    role: str
    certificate: str
    sealed_key: bytes
    trust_domain: str
    list_number: int
    created: float

    def __repr__(self) -> str:
        return f"AuthorityRow({self.role})"


class CertificateStore:
    """Answers FindCertificate; signs nothing itself (see `identity`)."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._remembered = Remembered(database, self.by_fingerprint)

    def find(self, ask: FindCertificate) -> CertificateRecord | None:
        """Raises NotNow when a server must be asked."""
        return self._remembered.find(ask.fingerprint)

    async def find_later(self, ask: Ask[CertificateRecord | None]) -> CertificateRecord | None:
        assert isinstance(ask, FindCertificate)
        return await self._remembered.find_later(ask.fingerprint)

    def by_fingerprint(self, fingerprint: str) -> CertificateRecord | None:
        found = self.where(CERTIFICATES.c.fingerprint == fingerprint)
        return found[0] if found else None

    def get(self, serial: str) -> CertificateRecord | None:
        found = self.where(CERTIFICATES.c.serial == serial)
        return found[0] if found else None

    def where(self, *conditions: sql.ColumnElement[bool]) -> list[CertificateRecord]:
        """Oldest first."""
        statement = sql.select(*_RECORD).where(*conditions).order_by(CERTIFICATES.c.start, CERTIFICATES.c.serial)
        return certificate_records(self.database.read(statement))

    def pem(self, serial: str) -> str:
        """Empty where there is no such certificate."""
        rows = self.database.read(sql.select(CERTIFICATES.c.pem).where(CERTIFICATES.c.serial == serial))
        return str(rows[0]["pem"]) if rows else ""

    def names_of(self, holder: str) -> frozenset[str]:
        """The DNS names that are its alone."""
        statement = sql.select(CERTIFICATE_NAMES.c.name).where(CERTIFICATE_NAMES.c.holder == holder)
        return frozenset(row["name"] for row in self.database.read(statement))

    def authorities(self) -> dict[str, AuthorityRow]:
        """By role; none where `stockade certs init` was never run."""
        rows = [AuthorityRow(**row) for row in self.database.read(sql.select(AUTHORITIES))]
        return {row.role: row for row in rows}


def certificate_records(rows: Sequence[sql.RowMapping]) -> list[CertificateRecord]:
    """Raises StoreError on a row that cannot be one of ours."""
    try:
        return [
            CertificateRecord(
                **{
                    **row,
                    "names": tuple(row["names"]),
                    "networks": tuple(row["networks"]),
                    "scopes": frozenset(row["scopes"]),
                }
            )
            for row in rows
        ]
    except (TypeError, ValueError) as error:
        raise StoreError(f"a row of the table of certificates is broken: {error}") from error


def certificate_row(record: CertificateRecord, pem: str) -> dict[str, Any]:
    lists = {"names": list(record.names), "networks": list(record.networks), "scopes": sorted(record.scopes)}
    return {**asdict(record), **lists, "pem": pem}
