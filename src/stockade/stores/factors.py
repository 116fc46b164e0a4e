"""The table of second factors. A good code is used up in the same step, whoever else shows it at that moment."""

from __future__ import annotations

from typing import Any, Protocol

import sqlalchemy as sql
from msgspec import Struct
from msgspec.structs import replace

from stockade.engine import NotNow
from stockade.passwords import User
from stockade.second_factors import OneTime, is_code, recovery_digest, step_of
from stockade.stores.database import METADATA, Database
from stockade.stores.users import AuditEntry, UserStore
from stockade.vocabulary import Ask, StoreError, UsePasscode

FACTORS = sql.Table(
    "user_factors",
    METADATA,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("user", sql.String(32), nullable=False, index=True),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("label", sql.String(128), nullable=False),
    sql.Column("handle", sql.LargeBinary(1024), unique=True),
    sql.Column("sealed", sql.LargeBinary, info={"sealed": True}),
    sql.Column("public_key", sql.LargeBinary),
    sql.Column("counter", sql.BigInteger, nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("used", sql.Float),
    sql.Column("confirmed", sql.Boolean, nullable=False),
)
ONCE = sql.Table(
    "user_codes",
    METADATA,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("user", sql.String(32), nullable=False, index=True),
    sql.Column("purpose", sql.String(64), nullable=False),
    sql.Column("digest", sql.LargeBinary(32), nullable=False),
    sql.Column("expires", sql.Float, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
)
_ENROLLED = ("totp", "passkey")  # kinds that make a second factor wanted at login


class Sealing(Protocol):
    """What seals secrets at rest: an `envelopes.Envelope`."""

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Opened again only with the same context."""

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises ValueError."""


class Factor(Struct, frozen=True):
    """One second factor. kind: "totp", "passkey" or "recovery". handle: by which an answer finds it (credential id,
    digest of a recovery code). sealed: the secret of an app. public_key: of a passkey. counter: the last step of an
    app, the count of a passkey. confirmed: it has worked once. Times are epoch seconds.
    """

    id: str
    user: str
    kind: str
    label: str = ""
    handle: bytes | None = None
    sealed: bytes | None = None
    public_key: bytes | None = None
    counter: int = -1
    created: float = 0.0
    used: float | None = None
    confirmed: bool = False

    def __repr__(self) -> str:
        return f"Factor(id={self.id!r}, kind={self.kind!r})"


class FactorStore:
    """Answers UsePasscode. envelope: seals what is secret. key: of the digests of recovery codes."""

    def __init__(self, users: UserStore, envelope: Sealing, key: bytes) -> None:
        self.users = users
        self.database: Database = users.database
        self._envelope = envelope
        self._key = key

    def seal(self, user: str, secret: bytes) -> bytes:
        return self._envelope.seal(secret, _context(user))

    def open(self, factor: Factor) -> bytes:
        """The secret of an app."""
        try:
            return self._envelope.open(factor.sealed or b"", _context(factor.user))
        except ValueError as error:
            raise StoreError(f"the second factor {factor.id} cannot be opened: {error}") from None

    # For requests.

    def find(self, ask: UsePasscode) -> bool:  # noqa: ARG002 - it writes, so it is never done at once
        raise NotNow

    async def find_later(self, ask: Ask[bool]) -> bool:
        assert isinstance(ask, UsePasscode)
        user, code, at = ask.user, ask.code, ask.at
        return await self.database.later(lambda: self.use_passcode(user, code, at))

    def use_passcode(self, user_id: str, code: str, at: float) -> bool:
        """Whether it is a good code of an app, or a recovery code; used up then."""
        if is_code(code):
            apps = [factor for factor in self.of(user_id) if factor.kind == "totp" and factor.confirmed]
            return any([self.use_totp(factor, code, at) for factor in apps])  # noqa: C419 - all of them, in the same time
        return self.use_recovery(user_id, code)

    def would_pass(self, user_id: str, code: str, at: float) -> bool:
        """Whether `use_passcode` would say yes, without using anything up."""
        if not is_code(code):
            query = self._recovery_code(user_id, code)
            return query is not None and bool(self.database.read(sql.select(FACTORS.c.id).where(query)))
        apps = [factor for factor in self.of(user_id) if factor.kind == "totp" and factor.confirmed]
        return any(step_of(self.open(factor), code, at, factor.counter) is not None for factor in apps)

    def use_totp(self, factor: Factor, code: str, at: float) -> bool:
        step = step_of(self.open(factor), code, at, factor.counter)
        if step is None:
            return False
        mine = sql.and_(FACTORS.c.id == factor.id, FACTORS.c.counter < step)
        change = sql.update(FACTORS).where(mine).values(counter=step, used=at)
        return self.database.write(change, announce=False) == 1

    def use_recovery(self, user_id: str, code: str) -> bool:
        mine = self._recovery_code(user_id, code)
        return mine is not None and self.database.write(sql.delete(FACTORS).where(mine), announce=False) == 1

    def _recovery_code(self, user_id: str, code: str) -> sql.ColumnElement[bool] | None:
        """Where it stands; None for what cannot be one."""
        digest = recovery_digest(self._key, user_id, code)
        if digest is None:
            return None
        return sql.and_(FACTORS.c.user == user_id, FACTORS.c.kind == "recovery", FACTORS.c.handle == digest)

    # For whoever may wait.

    def of(self, user_id: str) -> list[Factor]:
        query = sql.select(FACTORS).where(FACTORS.c.user == user_id).order_by(FACTORS.c.created, FACTORS.c.id)
        return [_factor(row) for row in self.database.read(query)]

    def by_handle(self, handle: bytes) -> Factor | None:
        found = self.database.read(sql.select(FACTORS).where(FACTORS.c.handle == handle))
        return _factor(found[0]) if found else None

    def add(self, factor: Factor) -> None:
        """Raises Conflict when an authenticator of that id is there already, anybody's."""
        self.database.write(sql.insert(FACTORS).values(**_row(factor)), announce=False)

    def discard(self, factor: Factor) -> None:
        """One that was never confirmed."""
        mine = sql.and_(FACTORS.c.id == factor.id, FACTORS.c.confirmed.is_(False))
        self.database.write(sql.delete(FACTORS).where(mine), announce=False)

    def count_up(self, factor: Factor, counter: int, at: float) -> bool:
        """The count of a passkey; False when another request was faster with the same or a later one."""
        later = FACTORS.c.counter < counter if counter or factor.counter else FACTORS.c.counter == factor.counter
        change = sql.update(FACTORS).where(FACTORS.c.id == factor.id, later).values(counter=counter, used=at)
        return self.database.write(change, announce=False) == 1

    def confirm(self, user: User, factor: Factor, entry: AuditEntry) -> None:
        """It has worked: from now on it is asked for."""
        change = sql.update(FACTORS).where(FACTORS.c.id == factor.id).values(confirmed=True)
        self._change(user, [*self.of(user.id), replace(factor, confirmed=True)], entry, change)

    def remove(self, user: User, gone: list[Factor], entry: AuditEntry) -> None:
        ids = [factor.id for factor in gone]
        left = [factor for factor in self.of(user.id) if factor.id not in ids]
        self._change(user, left, entry, sql.delete(FACTORS).where(FACTORS.c.id.in_(ids)))

    def replace_recovery(self, user: User, codes: list[Factor], entry: AuditEntry) -> None:
        old = sql.delete(FACTORS).where(FACTORS.c.user == user.id, FACTORS.c.kind == "recovery")
        new = [sql.insert(FACTORS).values(**_row(code)) for code in codes]
        self._change(user, self.of(user.id), entry, old, *new)

    def _change(self, user: User, left: list[Factor], entry: AuditEntry, *statements: sql.Executable) -> None:
        """Statements on the factors, and on the user what follows from them."""
        kinds = sorted({factor.kind for factor in left if factor.confirmed and factor.kind in _ENROLLED})
        self.users.change(user.id, entry, *statements, factors=kinds)

    def all_of(self, user_id: str) -> tuple[sql.Executable, ...]:
        """What removes all that is a user's here."""
        return tuple(sql.delete(table).where(table.c.user == user_id) for table in (FACTORS, ONCE))

    # Codes and links that were sent.

    def add_once(self, code: OneTime, at: float, *, several: bool = False) -> None:
        """One of a purpose at a time: a new one ends the old, unless there may be several."""
        mine = sql.and_(ONCE.c.user == code.user, ONCE.c.purpose == code.purpose)
        old = ONCE.c.expires < at if several else sql.or_(mine, ONCE.c.expires < at)
        values = {name: getattr(code, name) for name in OneTime.__struct_fields__}
        self.database.write(sql.delete(ONCE).where(old), sql.insert(ONCE).values(**values), announce=False)

    def once(self, code_id: str) -> OneTime | None:
        found = self.database.read(sql.select(ONCE).where(ONCE.c.id == code_id))
        return OneTime(**found[0]) if found else None

    def try_once(self, code_id: str, most: int) -> bool:
        """Pay for a try; False when there have been too many."""
        mine = sql.and_(ONCE.c.id == code_id, ONCE.c.tries < most)
        return self.database.write(sql.update(ONCE).where(mine).values(tries=ONCE.c.tries + 1), announce=False) == 1

    def use_once(self, code_id: str) -> bool:
        """Whether we were the first."""
        return self.database.write(sql.delete(ONCE).where(ONCE.c.id == code_id), announce=False) == 1


def _context(user: str) -> bytes:
    return b"user-factor\0" + user.encode()


def _row(factor: Factor) -> dict[str, Any]:
    return {name: getattr(factor, name) for name in Factor.__struct_fields__}


def _factor(row: sql.RowMapping) -> Factor:
    return Factor(**row)
