"""The table of users: changes seen by every store on it at once, in SQLite and PostgreSQL; places; spoiled rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stockade.engine import NotNow
from stockade.passwords import Place, User
from stockade.stores import Conflict, Database, DatabasePlace
from stockade.stores.users import AuditEntry, UserStore
from stockade.vocabulary import FindPlace, FindUser, NotePlace, StoreError
from tests.gateway.harness import wait_until

FULL = User(
    "id-1",
    "alice",
    "$argon2id$",
    1000.5,
    frozenset({"clerk"}),
    frozenset({"orders:read", "orders:write"}),
    "acme",
    "alice@example.com",
    999.25,
    2000.125,
    3000.0,
    7,
    frozenset({"totp"}),
)
ENTRY = AuditEntry(1.0, "test", "id-1", "alice", "changed", {"a": [1]})


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> DatabasePlace:
    if request.param == "sqlite":
        return DatabasePlace(tmp_path / "stockade.db")
    found: DatabasePlace = request.getfixturevalue("postgresql").place(tmp_path)
    return found


@pytest.fixture
def store(place: DatabasePlace) -> Iterator[UserStore]:
    with closing(Database(place)) as database:
        store = UserStore(database)
        store.add(FULL, ENTRY)
        settle(database)
        yield store


def settle(database: Database) -> None:
    """Until a server's revision is known."""
    wait_until(lambda: database.revision.read() >= 0, "the revision", 10)
    time.sleep(1.0 if database.remote else 0.0)


def ask(store: UserStore, question: Any) -> Any:
    """As a request does: at once, or later."""
    answers: dict[Any, tuple[Any, Any]] = {
        FindUser: (store.find, store.find_later),
        FindPlace: (store.find_place, store.find_place_later),
        NotePlace: (store.note_place, store.note_place_later),
    }
    find, later = answers[type(question)]
    try:
        return find(question)
    except NotNow:
        return asyncio.run(later(question))


def test_a_user_comes_back_as_it_was(store: UserStore) -> None:
    assert store.by_name("alice") == store.by_id("id-1") == ask(store, FindUser("alice")) == FULL
    assert store.all() == [FULL]
    assert ask(store, FindUser("Alice")) is None
    assert store.audit("id-1") == [ENTRY]


def test_a_name_is_one_users(store: UserStore) -> None:
    from msgspec.structs import replace

    with pytest.raises(Conflict):
        store.add(replace(FULL, id="id-2"), ENTRY)
    assert len(store.audit()) == 1, "neither is the audit of what did not happen"


def test_a_change_is_seen_by_every_store(place: DatabasePlace, store: UserStore) -> None:
    with closing(Database(place)) as database:
        other = UserStore(database)
        settle(database)
        assert ask(other, FindUser("alice")) == FULL
        assert other.find(FindUser("alice")) is other.find(FindUser("alice")), "remembered"
        before = database.revision.read()
        store.change("id-1", ENTRY, scopes=frozenset({"new"}))
        wait_until(lambda: database.revision.read() != before, "the change", 5)
        user = ask(other, FindUser("alice"))
        assert (user.scopes, user.stamp) == ({"new"}, FULL.stamp + 1)


def test_places(store: UserStore) -> None:
    assert ask(store, FindPlace("id-1", b"home")) is None
    ask(store, NotePlace("id-1", b"home", 10.0, 10.0))
    ask(store, NotePlace("id-1", b"home", 20.0))
    assert ask(store, FindPlace("id-1", b"home")) == Place(20.0, 10.0)
    assert ask(store, FindPlace("id-2", b"home")) is None
    before = store.database.revision.read()
    ask(store, NotePlace("id-1", b"work", 20.0))
    assert store.database.revision.read() == before, "nobody need look again at what they remember"


def test_a_rehash_does_not_undo_a_change(store: UserStore) -> None:
    store.set_password(FULL, "$new$", 5.0, ENTRY, 5)
    store.rehash(FULL, "$old password, new parameters$")
    found = store.by_id("id-1")
    assert found is not None
    assert found.password == "$new$"


@pytest.mark.parametrize("spoiled", ["'x'", "'{\"a\": 1}'", "'[1]'"])
def test_a_row_that_is_spoiled(store: UserStore, spoiled: str) -> None:
    import sqlalchemy as sql

    if store.database.remote and spoiled == "'x'":
        return  # it takes no such JSON
    store.database.write(sql.text(f"UPDATE users SET roles = {spoiled}".replace(":", "\\:")))
    with pytest.raises(StoreError):
        store.by_name("alice")
