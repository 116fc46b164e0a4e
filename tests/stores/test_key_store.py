"""The table of API keys: kept, changed, and seen by every process at once."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stockade.stores import KeyStore, Use
from stockade.stores import keys as keys_module
from stockade.tokens import ApiKeyRecord
from stockade.vocabulary import StoreError
from tests.stores.key_tables import FULL, PLAIN, another, find, open_files, path, store

__all__ = ["another", "path", "store"]


@pytest.mark.parametrize("record", [FULL, PLAIN])
def test_what_was_added_is_found_as_it_was(store, another, record):
    store.add(record)
    for reader in (store, another):
        assert find(reader, record.id) == record
        assert reader.get(record.id) == record


records = st.builds(
    ApiKeyRecord,
    id=st.text(min_size=1, max_size=32, alphabet="abcXYZ019"),
    owner=st.text(min_size=1, max_size=40, alphabet=st.characters(codec="utf-8", exclude_characters="\0")),
    digest=st.binary(min_size=32, max_size=32),
    scopes=st.frozensets(st.text(max_size=10), max_size=4),
    networks=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    created=st.floats(0, 4e9),
    expires=st.none() | st.floats(0, 4e9),
    revoked=st.none() | st.floats(0, 4e9),
    replaced_by=st.none() | st.text(max_size=32),
    last_used=st.none() | st.floats(0, 4e9),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(record=records)
def test_any_record_comes_back_as_it_went_in(store, record):
    if store.get(record.id) is None:
        store.add(record)
        assert store.get(record.id) == record


def test_all_are_listed_oldest_first(store):
    for record in (FULL, PLAIN, replace(PLAIN, id="zz", created=1000.5), replace(PLAIN, id="aa", created=1000.5)):
        store.add(record)
    assert [record.id for record in store.all()] == [PLAIN.id, FULL.id, "aa", "zz"]


def test_what_is_not_there_is_not_found(store):
    assert find(store, "nobody") is None
    assert find(store, "") is None
    assert find(store, "' OR 1=1 --") is None
    store.add(replace(PLAIN, id="nobody"))
    assert find(store, "nobody") is not None


def test_an_id_is_given_once(store):
    store.add(PLAIN)
    with pytest.raises(StoreError, match="UNIQUE") as caught:
        store.add(replace(FULL, id=PLAIN.id))
    assert "orders:read" not in str(caught.value)  # the statement's values stay out of the message
    assert store.all() == [PLAIN]


def test_a_change_is_seen_by_the_next_find_of_every_store(store, another):
    store.add(PLAIN)
    assert find(another, PLAIN.id) == PLAIN
    store.change(PLAIN.id, revoked=5.0)
    assert find(another, PLAIN.id).revoked == 5.0
    assert find(store, PLAIN.id).revoked == 5.0
    another.change(PLAIN.id, revoked=None, scopes=["a"])
    assert find(store, PLAIN.id) == replace(PLAIN, scopes=frozenset("a"))


def test_a_key_is_replaced_whole_or_not_at_all(store, another):
    store.add(PLAIN)
    store.replace(PLAIN.id, {"revoked": 7.0, "replaced_by": FULL.id}, FULL)
    assert (find(another, PLAIN.id).revoked, find(another, PLAIN.id).replaced_by) == (7.0, FULL.id)
    assert find(another, FULL.id) == FULL
    with pytest.raises(StoreError, match="UNIQUE"):
        store.replace(PLAIN.id, {"revoked": 1.0}, FULL)  # the successor's id is taken
    assert find(another, PLAIN.id).revoked == 7.0


def test_uses_are_noted_without_making_every_reader_look_again(store, another):
    store.add(PLAIN)
    store.add(FULL)
    assert find(another, PLAIN.id).last_used is None
    before = store._revision.read()
    store.note_uses({PLAIN.id: Use(5000.0, 2), FULL.id: Use(6000.0, 1), "gone": Use(7000.0, 1)})
    another.note_uses({PLAIN.id: Use(4000.0, 3)})  # written down late
    store.note_uses({})
    assert store._revision.read() == before
    assert [(record.last_used, record.uses) for record in another.all()] == [(5000.0, 5), (6000.0, 1)]


def test_a_find_that_a_writer_overtakes_is_not_remembered(store, another, monkeypatch):
    """Two threads of one worker: one has read the record, then the key is revoked and found by the other."""
    store.add(PLAIN)
    read = store.get

    def slow_get(key_id):
        record = read(key_id)
        monkeypatch.setattr(store, "get", read)
        another.change(PLAIN.id, revoked=5.0)
        assert find(store, PLAIN.id).revoked == 5.0
        return record

    monkeypatch.setattr(store, "get", slow_get)
    assert find(store, PLAIN.id).revoked is None  # asked before the revocation
    assert find(store, PLAIN.id).revoked == 5.0


def run_python(code: str, *arguments: object) -> str:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], check=True, capture_output=True, text=True, timeout=30
    ).stdout


REVOKE = """
import sys
from pathlib import Path
from stockade.stores import KeyStore
store = KeyStore(Path(sys.argv[1]))
store.change(sys.argv[2], revoked=5.0)
print(store.get(sys.argv[2]).owner)
"""


def test_another_process_revokes(store, path):
    store.add(PLAIN)
    assert find(store, PLAIN.id).revoked is None
    assert run_python(REVOKE, path, PLAIN.id) == "alice\n"
    assert find(store, PLAIN.id).revoked == 5.0


def in_threads(count: int, work: Callable[[int], None]) -> list[str]:
    """Run `work(number)` so many times at once; what went wrong."""
    failures: list[str] = []
    ready = threading.Barrier(count, timeout=10)

    def run(number: int) -> None:
        ready.wait()
        try:
            work(number)
        except StoreError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def open_and_close(path: Path, number: int) -> None:
    KeyStore(path).close()


def test_workers_that_start_at_once_make_one_table(tmp_path):
    for attempt in range(5):
        path = tmp_path / f"keys-{attempt}.db"
        assert in_threads(4, partial(open_and_close, path)) == []


def test_writers_wait_for_each_other(path):
    """Four writers on one file: nothing is lost and nobody gives up."""

    def write(writer):
        mine = KeyStore(path)
        for number in range(15):
            mine.add(replace(PLAIN, id=f"{writer}-{number}"))
            mine.change(f"{writer}-{number}", revoked=float(number))
        mine.close()

    assert in_threads(4, write) == []
    reader = KeyStore(path)
    assert len(reader.all()) == 60
    assert all(record.revoked is not None for record in reader.all())
    assert reader._revision.read() == 120
    reader.close()


def test_the_files_are_ours_alone(path):
    before = os.umask(0)
    try:
        store = KeyStore(path)
        store.add(PLAIN)
        connection = sqlite3.connect(path)  # while somebody reads, the journal's files are there
        connection.execute("SELECT * FROM api_keys").fetchall()
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        connection.close()
        store.close()
    finally:
        os.umask(before)
    assert modes == {f"keys.db{end}": 0o600 for end in ("", "-shm", "-wal", ".revision")}


def test_a_file_that_others_may_read_is_closed_to_them(path):
    path.touch(mode=0o666)
    path.chmod(0o666)
    KeyStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["a b.db", "what?mode=memory", "50%25.db", "hash#tag.db", "né.db"])
def test_any_file_name(tmp_path, name):
    store = KeyStore(tmp_path / name)
    store.add(PLAIN)
    store.close()
    assert (tmp_path / name).stat().st_size > 0
    again = KeyStore(tmp_path / name)
    assert again.all() == [PLAIN]
    again.close()


def test_readers_in_several_threads_share_one_connection(store):
    for number in range(50):
        store.add(replace(PLAIN, id=f"{number}"))
    before = open_files()

    def read(start: int) -> None:
        for number in range(200):
            assert store.get(f"{(start + number) % 50}") is not None

    assert in_threads(4, read) == []
    assert open_files() <= before + 1


def test_remembered_records_are_bounded(store, monkeypatch):
    monkeypatch.setattr(keys_module, "_REMEMBERED", 5)
    for number in range(12):
        store.add(replace(PLAIN, id=f"{number}"))
    for number in range(12):
        assert find(store, f"{number}").id == f"{number}"
        assert len(store._known) <= 5


def test_strangers_are_not_remembered(store):
    """Else whoever tries keys at random would push out those that are in use."""
    for number in range(20):
        assert find(store, f"{number}") is None
    assert store._known == {}


def test_a_stores_answer_shows_no_digest(store):
    store.add(FULL)
    assert "digest" not in repr(find(store, FULL.id))
