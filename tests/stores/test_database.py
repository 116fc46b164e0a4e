"""The contract of `Database`, on a file of SQLite and on a PostgreSQL server with TLS."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing, nullcontext, suppress
from typing import Any

import pytest
import sqlalchemy as sql
from msgspec.structs import replace

from stockade.engine import NotNow
from stockade.stores import METADATA, Conflict, Database, DatabasePlace, KeyStore, Use
from stockade.vocabulary import FindApiKey, StoreError
from tests.stores.key_tables import FULL, PLAIN

KEYS = METADATA.tables["api_keys"]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        return DatabasePlace(tmp_path / "stockade.db")
    return request.getfixturevalue("postgresql").place(tmp_path)


@pytest.fixture
def database(place):
    with closing(Database(place)) as database:
        yield database


@pytest.fixture
def store(database):
    return KeyStore(database)


@pytest.fixture
def another(place, database):
    """Another process of the same machine."""
    with closing(Database(place)) as other:
        yield KeyStore(other)


def find(store: KeyStore, key_id: str) -> Any:
    try:
        return store.find(FindApiKey(key_id))
    except NotNow:
        return asyncio.run(store.find_later(FindApiKey(key_id)))


@pytest.mark.parametrize("record", [FULL, PLAIN], ids=["full", "plain"])
def test_what_was_added_is_found_as_it_was(store, another, record):
    store.add(record)
    for reader in (store, another):
        assert find(reader, record.id) == record
        assert reader.get(record.id) == record


def test_all_are_listed_oldest_first(store):
    for record in (FULL, PLAIN, replace(PLAIN, id="zz", created=1000.5), replace(PLAIN, id="aa", created=1000.5)):
        store.add(record)
    assert [record.id for record in store.all()] == [PLAIN.id, FULL.id, "aa", "zz"]


def test_what_is_not_there_is_not_found(store):
    assert find(store, "nobody") is None
    assert find(store, "' OR 1=1 --") is None
    store.add(replace(PLAIN, id="nobody"))
    assert find(store, "nobody") is not None


def test_an_id_is_given_once(store):
    store.add(PLAIN)
    with pytest.raises(Conflict) as caught:
        store.add(replace(FULL, id=PLAIN.id))
    said = str(caught.value)
    assert "orders:read" not in said
    assert PLAIN.id not in said  # the server says which value it was; we do not
    assert store.all() == [PLAIN]


def test_a_change_is_seen_by_the_next_find_of_every_store(store, another):
    store.add(PLAIN)
    assert find(another, PLAIN.id) == PLAIN
    store.change(PLAIN.id, revoked=5.0)
    assert find(another, PLAIN.id).revoked == 5.0
    assert find(store, PLAIN.id).revoked == 5.0
    another.change(PLAIN.id, revoked=None, scopes=["a"])
    assert find(store, PLAIN.id) == replace(PLAIN, scopes=frozenset("a"))


def test_a_write_is_whole_or_not_at_all(store, database):
    store.add(PLAIN)
    with pytest.raises(Conflict):
        store.replace(PLAIN.id, {"revoked": 1.0}, PLAIN)
    assert store.get(PLAIN.id).revoked is None
    with suppress(ZeroDivisionError), database.transaction() as connection:
        connection.execute(sql.delete(KEYS))
        raise ZeroDivisionError
    assert store.all() == [PLAIN]


def test_a_write_tells_how_many_rows(store, database):
    store.add(PLAIN)
    store.add(FULL)
    assert database.write(sql.update(KEYS).values(revoked=1.0)) == 2
    assert database.write(sql.update(KEYS).where(KEYS.c.id == "none").values(revoked=1.0)) == 0
    assert database.write(sql.delete(KEYS), sql.update(KEYS).values(revoked=1.0)) == 0


def confirmed(database: Database) -> int:
    """The revision, once the watch has looked."""
    for _ in range(200):
        number = database.revision.read()
        if number >= 0 and number == database.revision.read():
            return number
        time.sleep(0.02)
    raise AssertionError("the revision stays unsure")


def test_the_revision_changes_with_every_write_but_those_that_nobody_need_know_of(database, place):
    seen = {confirmed(database)}
    for _ in range(5):
        database.write(sql.delete(KEYS))
        seen.add(confirmed(database))
    assert len(seen) == 6
    time.sleep(0.6)
    last = confirmed(database)
    store = KeyStore(database)
    store.note_uses({"x": Use(1.0, 1)})
    store.note_uses({})
    with suppress(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError
    time.sleep(0.6)
    assert confirmed(database) == last


@pytest.mark.parametrize("bad", ["\0", "\udc00"])
def test_texts_that_no_database_takes_are_store_errors_at_most(store, another, bad):
    """SQLite takes the first. What was refused is not there, and all goes on as before."""
    store.add(FULL)
    with suppress(StoreError):
        assert store.get(bad) is None
    kept = [FULL]
    with pytest.raises(StoreError) if bad == "\udc00" or store.database.remote else nullcontext():
        store.add(replace(PLAIN, owner=bad))
        kept.insert(0, replace(PLAIN, owner=bad))
    for each in (store, another):
        assert each.all() == kept
    store.add(replace(PLAIN, id="later", created=3000.0))
    assert find(another, "later").owner == PLAIN.owner
    another.change("later", revoked=5.0)
    assert find(store, "later").revoked == 5.0


def test_another_machine_learns_of_a_revocation_within_a_second(postgresql, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    place = postgresql.place(here)
    with closing(Database(place)) as ours, closing(Database(replace(place, path=there / "stockade.db"))) as theirs:
        mine, distant = KeyStore(ours), KeyStore(theirs)
        mine.add(PLAIN)
        confirmed(theirs)
        assert find(distant, PLAIN.id).revoked is None
        assert distant.find(FindApiKey(PLAIN.id)) == PLAIN  # remembered: nobody need wait
        mine.change(PLAIN.id, revoked=5.0)
        revoked = time.monotonic()
        while find(distant, PLAIN.id).revoked is None:
            assert time.monotonic() - revoked < 1.0
            time.sleep(0.005)


def test_uses_are_counted_by_several_writers_at_once(store, another):
    for record in (PLAIN, FULL):
        store.add(record)

    def note(writer: KeyStore) -> None:
        for number in range(20):
            writer.note_uses({PLAIN.id: Use(5000.0 + number, 1), FULL.id: Use(100.0, 2)})

    threads = [threading.Thread(target=note, args=(writer,)) for writer in (store, another)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(record.last_used, record.uses) for record in store.all()] == [(5019.0, 40), (1400.0, 80)]
