"""The tables of the token service: grants, codes and tokens (keyed hashes), what is used once, and what is revoked.

What may happen once happens once because a row is changed on a condition, or a key can be inserted only once: two
requests at the same moment, in two processes, cannot both win.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sql

from stockade.grants import Grant, OwnToken, Revocation
from stockade.stores.database import METADATA, Conflict, Database
from stockade.vocabulary import StoreError

GRANTS = sql.Table(
    "grants",
    METADATA,
    sql.Column("id", sql.String(64), primary_key=True),
    sql.Column("client", sql.String(64), nullable=False, index=True),
    sql.Column("subject", sql.String(256), nullable=False, index=True),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("audience", sql.String(256), nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("expires", sql.Float, nullable=False, index=True),
    sql.Column("acr", sql.String(128), nullable=False),
    sql.Column("amr", sql.JSON, nullable=False),
    sql.Column("auth_time", sql.Float),
    sql.Column("revoked", sql.Float),
)
TOKENS = sql.Table(
    "tokens",
    METADATA,
    sql.Column("digest", sql.LargeBinary(32), primary_key=True),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("grant", sql.String(64), nullable=False, index=True),
    sql.Column("issued", sql.Float, nullable=False),
    sql.Column("expires", sql.Float, nullable=False, index=True),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("used", sql.Float),
    sql.Column("extra", sql.JSON, nullable=False),
)
DEVICES = sql.Table(
    "devices",
    METADATA,
    sql.Column("digest", sql.LargeBinary(32), primary_key=True),
    sql.Column("user_code", sql.LargeBinary(32), nullable=False, unique=True),
    sql.Column("client", sql.String(64), nullable=False),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("audience", sql.String(256), nullable=False),
    sql.Column("expires", sql.Float, nullable=False, index=True),
    sql.Column("polled", sql.Float, nullable=False),
    sql.Column("interval", sql.Float, nullable=False),
    sql.Column("state", sql.String(16), nullable=False),  # pending, allowed, denied, used
    sql.Column("grant", sql.String(64), nullable=False),
)
ONCE = sql.Table(
    "used_once",
    METADATA,
    sql.Column("digest", sql.LargeBinary(32), primary_key=True),
    sql.Column("expires", sql.Float, nullable=False, index=True),
)
REVOCATIONS = sql.Table(
    "revocations",
    METADATA,
    sql.Column("seq", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("name", sql.String(300), nullable=False),
    sql.Column("before", sql.Float, nullable=False),
    sql.Column("expires", sql.Float, nullable=False, index=True),
)


def revoking(revocation: Revocation) -> sql.Insert:
    """The statement, to be written together with what else must happen at the same moment."""
    return sql.insert(REVOCATIONS).values(**msgspec.structs.asdict(revocation))


class Device(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A device that waits for its user (RFC 8628). user_code, digest: keyed hashes of the two codes."""

    digest: bytes
    user_code: bytes
    client: str
    scopes: frozenset[str]
    audience: str
    expires: float
    polled: float = 0.0
    interval: float = 5.0
    state: str = "pending"
    grant: str = ""


class TokenStore:
    """Raises StoreError when the tables cannot be used. Times are epoch seconds."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Grants and tokens.

    def open_grant(self, grant: Grant, *tokens: OwnToken) -> None:
        """No reader need look again because of it: what is new was never remembered."""
        statements = [sql.insert(GRANTS).values(**_grant_row(grant)), *map(_inserting, tokens)]
        self.database.write(*statements, announce=False)

    def grant(self, grant_id: str) -> Grant | None:
        rows = self.database.read(sql.select(GRANTS).where(GRANTS.c.id == grant_id))
        return _grant(rows[0]) if rows else None

    def add(self, *tokens: OwnToken) -> None:
        self.database.write(*map(_inserting, tokens), announce=False)

    def find(self, digest: bytes, *kinds: str) -> OwnToken | None:
        wanted = sql.and_(TOKENS.c.digest == digest, TOKENS.c.kind.in_(kinds))
        rows = self.database.read(sql.select(TOKENS).where(wanted))
        return _token(rows[0]) if rows else None

    def use(self, digest: bytes, at: float) -> bool:
        """Whether this is the first use, over all processes."""
        unused = sql.and_(TOKENS.c.digest == digest, TOKENS.c.used.is_(None))
        return self.database.write(sql.update(TOKENS).where(unused).values(used=at), announce=False) == 1

    def revoke_grant(self, grant_id: str, at: float, revocation: Revocation) -> None:
        """The whole family, its JWTs too."""
        change = sql.update(GRANTS).where(GRANTS.c.id == grant_id, GRANTS.c.revoked.is_(None)).values(revoked=at)
        self.database.write(change, revoking(revocation))

    def revoke_token(self, digest: bytes, revocation: Revocation | None) -> None:
        statements = [sql.delete(TOKENS).where(TOKENS.c.digest == digest)]
        self.database.write(*statements, *([revoking(revocation)] if revocation is not None else []))

    def revoke(self, revocation: Revocation) -> None:
        self.database.write(revoking(revocation))

    # What may be used once: assertions, proofs.

    def first_use(self, digest: bytes, expires: float) -> bool:
        try:
            self.database.write(sql.insert(ONCE).values(digest=digest, expires=expires), announce=False)
        except Conflict:
            return False
        return True

    # Devices.

    def add_device(self, device: Device) -> bool:
        """False where the user code is one that lives already."""
        row = {**msgspec.structs.asdict(device), "scopes": sorted(device.scopes)}
        try:
            self.database.write(sql.insert(DEVICES).values(**row), announce=False)
        except Conflict:
            return False
        return True

    def device(self, *, digest: bytes = b"", user_code: bytes = b"") -> Device | None:
        where = DEVICES.c.digest == digest if digest else DEVICES.c.user_code == user_code
        rows = self.database.read(sql.select(DEVICES).where(where))
        return Device(**{**rows[0], "scopes": frozenset(rows[0]["scopes"])}) if rows else None

    def poll_device(self, digest: bytes, polled: float, interval: float) -> None:
        change = sql.update(DEVICES).where(DEVICES.c.digest == digest).values(polled=polled, interval=interval)
        self.database.write(change, announce=False)

    def move_device(self, digest: bytes, before: str, after: str, grant: Grant | None = None) -> bool:
        """From one state to the next, once. grant: what the user agreed to, kept with it or not at all."""
        where = sql.and_(DEVICES.c.digest == digest, DEVICES.c.state == before)
        values = {"state": after, **({"grant": grant.id} if grant is not None else {})}
        with self.database.transaction(announce=False) as connection:
            moved = connection.execute(sql.update(DEVICES).where(where).values(**values)).rowcount == 1
            if moved and grant is not None:
                connection.execute(sql.insert(GRANTS).values(**_grant_row(grant)))
        return moved

    # Housekeeping.

    def forget(self, at: float) -> None:
        """All that is over. A used code is kept as long as its grant, so that its replay is noticed."""
        over = [sql.delete(table).where(table.c.expires < at) for table in (DEVICES, ONCE, REVOCATIONS, GRANTS)]
        gone = sql.select(GRANTS.c.id).where(GRANTS.c.id == TOKENS.c.grant).exists()
        orphans = sql.delete(TOKENS).where(TOKENS.c.expires < at, sql.or_(TOKENS.c.kind == "access", ~gone))
        self.database.write(*over, orphans, announce=False)

    def revocations(self, at: float) -> list[Revocation]:
        """All that speak of something that may still be alive."""
        table = REVOCATIONS
        found = sql.select(table.c.name, table.c.before, table.c.expires).where(table.c.expires > at)
        return [Revocation(**row) for row in self.database.read(found)]


def _inserting(token: OwnToken) -> sql.Insert:
    row = {**msgspec.structs.asdict(token), "scopes": sorted(token.scopes), "extra": dict(token.extra)}
    return sql.insert(TOKENS).values(**row)


def _grant_row(grant: Grant) -> dict[str, Any]:
    return {**msgspec.structs.asdict(grant), "scopes": sorted(grant.scopes), "amr": list(grant.amr)}


def _grant(row: sql.RowMapping) -> Grant:
    try:
        return Grant(**{**row, "scopes": frozenset(row["scopes"]), "amr": tuple(row["amr"])})
    except TypeError as error:
        raise StoreError("a grant that cannot be read") from error


def _token(row: sql.RowMapping) -> OwnToken:
    try:
        return OwnToken(**{**row, "scopes": frozenset(row["scopes"])})
    except TypeError as error:
        raise StoreError("a token that cannot be read") from error
