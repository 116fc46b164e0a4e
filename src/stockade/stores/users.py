"""The table of users, and what was done to them by whom.

What is found is remembered until any table changes (see `Database.revision`), and for ten seconds at most.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sql
from msgspec import Struct

from stockade.engine import NotNow
from stockade.passwords import Place, User
from stockade.stores.database import METADATA, Database
from stockade.vocabulary import Ask, FindPlace, FindUser, NotePlace, StoreError

_REMEMBERED = 10_000
_FRESH = 10.0  # seconds
MOST_PLACES = 20  # per user; of more, the one that was not used for longest is forgotten
PLACE_LIFE = 90 * 86400.0  # seconds after which a place is a stranger again

USERS = sql.Table(
    "users",
    METADATA,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("name", sql.String(128), nullable=False, unique=True),
    sql.Column("password", sql.String(512), nullable=False),
    sql.Column("password_set", sql.Float, nullable=False),
    sql.Column("roles", sql.JSON, nullable=False),
    sql.Column("scopes", sql.JSON, nullable=False),
    sql.Column("tenant", sql.String(256), nullable=False),
    sql.Column("email", sql.String(320), nullable=False),
    sql.Column("created", sql.Float, nullable=False),
    sql.Column("disabled", sql.Float),
    sql.Column("expires", sql.Float),
    sql.Column("stamp", sql.BigInteger, nullable=False),
    sql.Column("factors", sql.JSON, nullable=False),
)
FORMER = sql.Table(
    "user_passwords",
    METADATA,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("user", sql.String(32), nullable=False, index=True),
    sql.Column("password", sql.String(512), nullable=False),
    sql.Column("until", sql.Float, nullable=False),
)
PLACES = sql.Table(
    "user_places",
    METADATA,
    sql.Column("user", sql.String(32), primary_key=True),
    sql.Column("place", sql.LargeBinary(32), primary_key=True),
    sql.Column("at", sql.Float, nullable=False),
    sql.Column("strong", sql.Float),
)
AUDIT = sql.Table(
    "user_audit",
    METADATA,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", sql.Float, nullable=False),
    sql.Column("actor", sql.String(256), nullable=False),
    sql.Column("user", sql.String(32), nullable=False, index=True),
    sql.Column("name", sql.String(128), nullable=False),
    sql.Column("action", sql.String(64), nullable=False),
    sql.Column("detail", sql.JSON, nullable=False),
)
RETIRED = sql.Table("user_names_retired", METADATA, sql.Column("digest", sql.LargeBinary(32), primary_key=True))


class AuditEntry(Struct, frozen=True):
    """What was done to a user. actor: who did it. detail: what changed, never a secret."""

    at: float
    actor: str
    user: str
    name: str
    action: str
    detail: dict[str, Any] = {}


class _Known(NamedTuple):
    user: User | None
    revision: int  # of the tables, read before the user was
    at: float  # monotonic seconds


class UserStore:
    """Answers FindUser, FindPlace and NotePlace; who may become a user is for `identity` to say. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: dict[str, _Known] = {}
        self.by_name("")  # the first query compiles the statement, which no request should wait for

    # For requests.

    def find(self, ask: FindUser) -> User | None:
        revision, now = self.database.revision.read(), time.monotonic()
        known = self._known.get(ask.name)
        if known is not None and known.revision == revision and now - known.at < _FRESH:
            return known.user
        if self.database.remote:
            raise NotNow
        return self._look(ask.name, revision)

    async def find_later(self, ask: Ask[User | None]) -> User | None:
        assert isinstance(ask, FindUser)
        name, revision = ask.name, self.database.revision.read()
        return await self.database.later(lambda: self._look(name, revision))

    def _look(self, name: str, revision: int) -> User | None:
        now = time.monotonic()
        user = self.by_name(name)
        if user is not None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = _Known(user, revision, now)
        return user

    def find_place(self, ask: FindPlace) -> Place | None:
        if self.database.remote:
            raise NotNow
        return self.place(ask.user, ask.place)

    async def find_place_later(self, ask: Ask[Place | None]) -> Place | None:
        assert isinstance(ask, FindPlace)
        user, place = ask.user, ask.place
        return await self.database.later(lambda: self.place(user, place))

    def note_place(self, ask: NotePlace) -> None:  # noqa: ARG002 - it writes, so it is never done at once
        raise NotNow

    async def note_place_later(self, ask: Ask[None]) -> None:
        assert isinstance(ask, NotePlace)
        note = ask
        await self.database.later(lambda: self.keep_place(note))

    # For whoever may wait.

    def by_name(self, name: str) -> User | None:
        return self._one(USERS.c.name == name)

    def by_id(self, user_id: str) -> User | None:
        return self._one(USERS.c.id == user_id)

    def all(self) -> list[User]:
        """Every user, by name."""
        return self._users(sql.select(USERS).order_by(USERS.c.name))

    def add(self, user: User, entry: AuditEntry) -> None:
        """Raises Conflict when the name is taken."""
        self.database.write(_noted(entry), sql.insert(USERS).values(**_row(user)))

    def change(self, user_id: str, entry: AuditEntry, *more: sql.Executable, **values: Any) -> None:
        """Change columns of a user, and say so in the audit. more: what else must happen in the same transaction."""
        values = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}
        change = sql.update(USERS).where(USERS.c.id == user_id).values(stamp=USERS.c.stamp + 1, **values)
        self.database.write(_noted(entry), *more, change)

    def set_password(self, user: User, encoded: str, at: float, entry: AuditEntry, keep: int) -> None:
        """keep: how many former ones are remembered. No place counts as strong any more."""
        former = [sql.insert(FORMER).values(user=user.id, password=user.password, until=at)] if user.password else []
        kept = sql.select(FORMER.c.id).where(FORMER.c.user == user.id).order_by(FORMER.c.id.desc()).limit(keep)
        ids = [row["id"] for row in self.database.read(kept)][: max(keep - len(former), 0)]
        forget = sql.delete(FORMER).where(FORMER.c.user == user.id, FORMER.c.id.not_in(ids))
        places = sql.update(PLACES).where(PLACES.c.user == user.id).values(strong=None)
        self.change(user.id, entry, forget, *(former if keep else []), places, password=encoded, password_set=at)

    def rehash(self, user: User, encoded: str) -> None:
        """The same password, hashed anew; not where it has been changed meanwhile. Nobody need look again."""
        change = sql.update(USERS).where(USERS.c.id == user.id, USERS.c.password == user.password)
        self.database.write(change.values(password=encoded), announce=False)

    def former_passwords(self, user_id: str) -> list[str]:
        """Hashes, newest first."""
        query = sql.select(FORMER.c.password).where(FORMER.c.user == user_id).order_by(FORMER.c.id.desc())
        return [row["password"] for row in self.database.read(query)]

    def remove(self, user: User, digest: bytes, entry: AuditEntry, *more: sql.Executable) -> None:
        """All of a user but the audit; of the name a keyed digest stays, so that nobody takes it over."""
        self.database.write(
            _noted(entry),
            sql.delete(FORMER).where(FORMER.c.user == user.id),
            sql.delete(PLACES).where(PLACES.c.user == user.id),
            *more,
            sql.insert(RETIRED).values(digest=digest),
            sql.delete(USERS).where(USERS.c.id == user.id),
        )

    def is_retired(self, digest: bytes) -> bool:
        return bool(self.database.read(sql.select(RETIRED).where(RETIRED.c.digest == digest)))

    def place(self, user_id: str, place: bytes) -> Place | None:
        query = sql.select(PLACES).where(PLACES.c.user == user_id, PLACES.c.place == place)
        found = self.database.read(query)
        return Place(found[0]["at"], found[0]["strong"]) if found else None

    def keep_place(self, note: NotePlace) -> None:
        mine = sql.and_(PLACES.c.user == note.user, PLACES.c.place == note.place)
        values = {"at": note.at} if note.strong is None else {"at": note.at, "strong": note.strong}
        with self.database.transaction(announce=False) as connection:
            if connection.execute(sql.update(PLACES).where(mine).values(**values)).rowcount:
                return
            rows = connection.execute(sql.select(PLACES.c.place, PLACES.c.at).where(PLACES.c.user == note.user)).all()
            newest = sorted(rows, key=lambda row: row.at, reverse=True)[: MOST_PLACES - 1]
            keep = [row.place for row in newest if note.at - row.at < PLACE_LIFE]
            connection.execute(sql.delete(PLACES).where(PLACES.c.user == note.user, PLACES.c.place.not_in(keep)))
            connection.execute(
                sql.insert(PLACES).values(user=note.user, place=note.place, **{"strong": None, **values})
            )

    def forget_places(self, user_id: str) -> None:
        self.database.write(sql.delete(PLACES).where(PLACES.c.user == user_id), announce=False)

    def note(self, entry: AuditEntry) -> None:
        self.database.write(_noted(entry), announce=False)

    def audit(self, user_id: str = "", most: int = 1000) -> list[AuditEntry]:
        """Newest first; of one user, or of all."""
        query = sql.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(most)
        rows = self.database.read(query.where(AUDIT.c.user == user_id) if user_id else query)
        return [AuditEntry(**{name: row[name] for name in AuditEntry.__struct_fields__}) for row in rows]

    def _one(self, condition: sql.ColumnElement[bool]) -> User | None:
        found = self._users(sql.select(USERS).where(condition))
        return found[0] if found else None

    def _users(self, query: sql.Select[Any]) -> list[User]:
        try:
            return [_user(row) for row in self.database.read(query)]
        except (ValueError, TypeError) as error:  # JSON that is none, or no list
            raise StoreError(f"{self.database.name}: {error}") from error


_LISTS = ("roles", "scopes", "factors")


def _row(user: User) -> dict[str, Any]:
    row = {name: getattr(user, name) for name in User.__struct_fields__}
    return row | {name: sorted(row[name]) for name in _LISTS}


def _user(row: sql.RowMapping) -> User:
    return User(**{**row, **{name: frozenset(_texts(row[name])) for name in _LISTS}})


def _texts(value: Any) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of a user is none")
    return value


def _noted(entry: AuditEntry) -> sql.Executable:
    return sql.insert(AUDIT).values(**{name: getattr(entry, name) for name in AuditEntry.__struct_fields__})
