"""A PostgreSQL server: who it must prove to be, and what happens while it does not answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stockade.engine import NotNow
from stockade.stores import Database, DatabasePlace, DatabaseTls, KeyStore
from stockade.stores.postgresql import _encryption, is_here, read_url
from stockade.tokens import ApiKeyRecord
from stockade.vocabulary import FindApiKey, StoreError
from tests.postgres import PASSWORD

PLAIN = ApiKeyRecord(id="T9vTjNA81K74", owner="alice", digest=b"\0" * 32, created=900.0)


def opens(place: DatabasePlace) -> bool:
    with closing(Database(place)) as database:
        KeyStore(database).all()
    return True


# Who it must be.


def test_the_right_authority(postgresql, tmp_path):
    assert opens(postgresql.place(tmp_path))


def test_a_wrong_authority_is_refused(postgresql, tmp_path):
    place = replace(postgresql.place(tmp_path), tls=DatabaseTls(ca=postgresql.stranger.ca))
    with pytest.raises(StoreError, match="certificate verify failed") as caught:
        Database(place)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(place)


def test_a_wrong_name_is_refused(postgresql, tmp_path):
    """Its certificate is for localhost and 127.0.0.1, and not for all that leads there."""
    place = postgresql.place(tmp_path)
    with pytest.raises(StoreError, match="does not match host name"):
        Database(replace(place, url=place.url.replace("@127.0.0.1:", "@0.0.0.0:")))


def test_an_environment_does_not_weaken_it(postgresql, tmp_path, monkeypatch):
    place = replace(postgresql.place(tmp_path), tls=DatabaseTls(ca=postgresql.stranger.ca))
    for name, value in {"PGSSLMODE": "disable", "PGSSLROOTCERT": str(postgresql.authority.ca)}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="certificate verify failed"):
        Database(place)


def test_where_tls_is_required_plain_is_refused(postgresql, tmp_path):
    """This user may come without TLS; the server would let us."""
    postgresql.sql("DO $$ BEGIN CREATE ROLE plain LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN END $$")
    place = postgresql.place(tmp_path)
    url = place.url.replace("//stockade:", "//plain:")
    assert opens(replace(place, url=url, tls=DatabaseTls()))  # on loopback nobody stands between
    with postgresql.without_tls():
        assert opens(replace(place, url=url, tls=DatabaseTls()))
        for tls in (DatabaseTls(ca=postgresql.authority.ca), DatabaseTls(verify=False, required=True)):
            with pytest.raises(StoreError, match="server does not support SSL"):
                Database(replace(place, url=url, tls=tls))


def test_a_server_that_wants_tls_gets_it_unverified_where_we_are_told(postgresql, tmp_path):
    place = postgresql.place(tmp_path)
    with pytest.raises(StoreError, match="no encryption"):
        Database(replace(place, tls=DatabaseTls()))
    assert opens(replace(place, tls=DatabaseTls(verify=False)))


@pytest.mark.parametrize(
    ("url", "tls", "mode"),
    [
        ("postgresql://db.internal/x", DatabaseTls(), "verify-full"),
        ("postgresql://127.0.0.1.evil.example/x", DatabaseTls(), "verify-full"),
        ("postgresql://10.0.0.1/x", DatabaseTls(), "verify-full"),
        ("postgresql://[::2]/x", DatabaseTls(), "verify-full"),
        ("postgresql://db.internal/x", DatabaseTls(verify=False), "require"),
        ("postgresql://db.internal/x", DatabaseTls(required=False), "disable"),
        ("postgresql://db.internal/x", DatabaseTls(required=False, verify=False), "prefer"),
        ("postgresql://127.0.0.1/x", DatabaseTls(), "disable"),
        ("postgresql://[::1]/x", DatabaseTls(), "disable"),
        ("postgresql://LOCALHOST/x", DatabaseTls(), "disable"),
        ("postgresql://127.0.0.1/x", DatabaseTls(required=True), "verify-full"),
        ("postgresql:///x?host=/run/postgresql", DatabaseTls(), "disable"),
    ],
)
def test_the_rule(url, tls, mode):
    assert _encryption(read_url(url), tls)["sslmode"] == mode


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql",
        "mysql://db/x",
        "sqlite:///x",
        "postgresql+asyncpg://db/x",
        "postgresql://db/x?sslmode=disable",
        "postgresql://db/x?hostaddr=10.0.0.1",
        "postgresql://localhost/x?host=db.example",
        "postgresql:///x?host=db.example",
        "postgresql://localhost/x?host=/run",
        "postgresql:///x?host=/run&host=db.example",
        "postgresql://localhost,db.example/x",
        "postgresql:///x",
        "postgresql://db/x?service=other",
        "postgresql://db/x?passfile=/etc/shadow",
        "postgresql://db/x?options=-c%20a=b",
        "postgresql://u:hunter2@db:port/x",
    ],
)
def test_urls_that_are_refused(url):
    with pytest.raises(StoreError) as caught:
        read_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost.", "127.1", "localhost.evil.example", "0", "2130706433"])
def test_what_only_looks_like_this_machine(host):
    assert not is_here(read_url(f"postgresql://{host}/x"))


# While it does not answer.


def find(store: KeyStore) -> ApiKeyRecord | None:
    try:
        return store.find(FindApiKey(PLAIN.id))
    except NotNow:
        return asyncio.run(store.find_later(FindApiKey(PLAIN.id)))


def fails_within(store: KeyStore, seconds: float) -> str:
    """What is said when nothing is answered any more, from then on."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            find(store)
        except StoreError as error:
            return str(error)
        time.sleep(0.02)
    raise AssertionError(f"still answered after {seconds} s")


def works_within(store: KeyStore, seconds: float) -> None:
    begun = time.monotonic()
    while True:
        try:
            if find(store) == PLAIN:
                return
        except StoreError:
            assert time.monotonic() - begun < seconds
        time.sleep(0.05)


@pytest.fixture
def store(postgresql, tmp_path):
    with closing(Database(postgresql.place(tmp_path))) as database:
        store = KeyStore(database)
        store.add(PLAIN)
        yield store


def test_a_server_that_is_gone_and_comes_back(postgresql, store):
    assert find(store) == PLAIN
    postgresql.stop()
    try:
        said = fails_within(store, 3.0)
        assert PASSWORD not in said
        with pytest.raises(StoreError):
            store.change(PLAIN.id, revoked=1.0)
    finally:
        postgresql.start()
    works_within(store, 10.0)
    assert store.get(PLAIN.id).revoked is None


def test_a_server_that_says_nothing(postgresql, store):
    """Nobody waits long, and once it is known, nobody waits at all."""
    works_within(store, 5.0)
    with postgresql.frozen():
        fails_within(store, 12.0)
        for _ in range(20):
            begun = time.monotonic()
            with pytest.raises(StoreError, match="does not answer"):
                find(store)
            assert time.monotonic() - begun < 0.5
    works_within(store, 15.0)


def test_who_asks_for_one_key_at_once_shares_one_look(store, monkeypatch):
    asked = []
    read = store.get

    def slow(key_id):
        asked.append(key_id)
        time.sleep(0.1)
        return read(key_id)

    monkeypatch.setattr(store, "get", slow)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(store.find_later(FindApiKey(PLAIN.id)) for _ in range(50)))

    assert asyncio.run(all_at_once()) == [PLAIN] * 50
    assert len(asked) == 1


def test_a_folder_that_cannot_be_written_to_is_no_hindrance(postgresql, tmp_path):
    place = replace(postgresql.place(tmp_path), path=tmp_path / "missing" / "stockade.db")
    with closing(Database(place)) as database:
        KeyStore(database).add(PLAIN)
        works_within(KeyStore(database), 5.0)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_one_that_was_closed_leaves_nothing_open(postgresql, tmp_path):
    place = postgresql.place(tmp_path)
    opens(place)
    before = open_files()
    for _ in range(3):
        with closing(Database(place)) as database:
            works = KeyStore(database)
            works.database.revision.read()
            find(works)
    assert open_files() <= before + 1
