"""The table of API keys when its file cannot be used, is lost or was tampered with: it says so."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from stockade.stores import KeyStore, Use
from stockade.stores import keys as keys_module
from stockade.vocabulary import StoreError
from tests.stores.key_tables import FULL, PLAIN, another, find, open_files, path, store

__all__ = ["another", "path", "store"]


# When it cannot be used.


def in_no_folder(path):
    return path.parent / "missing" / "keys.db"


def in_a_file(path):
    path.write_text("x")
    return path / "keys.db"


def a_folder(path):
    path.mkdir()
    return path


def no_database(path: Path) -> Path:
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    return path


def a_broken_database(path):
    store = KeyStore(path)
    store.add(PLAIN)
    store.close()
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996
    path.write_bytes(data)
    return path


def another_database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE api_keys (id TEXT)")
    connection.close()
    return path


@pytest.mark.parametrize("spoil", [in_no_folder, in_a_file, a_folder, no_database, a_broken_database, another_database])
def test_a_store_that_cannot_be_opened(path, spoil):
    spoiled = spoil(path)
    with pytest.raises(StoreError) as caught:
        KeyStore(spoiled)
    assert str(spoiled) in str(caught.value)
    assert "SELECT" not in str(caught.value)


def test_a_store_that_cannot_be_opened_or_was_closed_leaves_no_file_open(path):
    """A policy that is reloaded while its store is broken would else run out of files."""
    before = open_files()
    for _ in range(5):
        with pytest.raises(StoreError):
            KeyStore(no_database(path))
    path.unlink()
    store = KeyStore(path)
    find(store, "x")
    store.close()
    assert open_files() == before


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Without root's right to read everything, where we have it."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_file_that_may_not_be_read(path):
    store = KeyStore(path)
    path.chmod(0o000)
    path.with_name("keys.db.revision").chmod(0o000)
    with as_somebody_else():
        with pytest.raises(StoreError, match=r"keys\.db: the database cannot be opened"):
            KeyStore(path)
        with pytest.raises(StoreError, match=r"keys\.db: unable to open"):
            store.get(PLAIN.id)
    store.close()


def delete(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def overwrite(path):
    path.write_bytes(b"garbage" * 1000)


def become_a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [delete, empty, overwrite, become_a_folder])
def test_a_file_that_is_spoiled_under_a_running_store(path, spoil):
    store = KeyStore(path)
    store.add(PLAIN)
    for journal in path.parent.glob("keys.db-*"):
        journal.unlink()
    spoil(path)
    for use in (
        lambda: find(store, PLAIN.id),
        lambda: store.get(PLAIN.id),
        store.all,
        lambda: store.add(FULL),
        lambda: store.change(PLAIN.id, revoked=1.0),
        lambda: store.replace(PLAIN.id, {"revoked": 1.0}, FULL),
        lambda: store.note_uses({PLAIN.id: Use(1.0, 1)}),
    ):
        with pytest.raises(StoreError, match=r"keys\.db"):
            use()
    store.close()


def test_a_lost_file_is_not_made_anew(path):
    """An empty table in its place would say that no key was ever issued."""
    store = KeyStore(path)
    path.unlink()
    with pytest.raises(StoreError, match="unable to open"):
        store.get("x")
    assert not path.exists()
    store.close()


@pytest.mark.parametrize("in_place", [False, True], ids=["renamed over it", "copied into it"])
def test_another_file_in_its_place_is_read_at_once(tmp_path, path, in_place):
    """A backup that is put back: no connection outlives the file it was opened on."""
    backup = tmp_path / "backup.db"
    other = KeyStore(backup)
    other.add(replace(PLAIN, owner="as it was"))
    other.close()
    store = KeyStore(path)
    store.add(PLAIN)
    assert store.get(PLAIN.id) == PLAIN
    for journal in path.parent.glob("keys.db-*"):
        journal.unlink()
    if in_place:
        path.write_bytes(backup.read_bytes())
    else:
        backup.replace(path)
    found = store.get(PLAIN.id)
    assert found is not None
    assert found.owner == "as it was"
    store.close()


def test_a_lost_file_is_noticed_though_records_are_remembered(store, path, monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(keys_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    store.add(PLAIN)
    assert find(store, PLAIN.id) == PLAIN
    path.unlink()
    clock.now += 9.9
    assert find(store, PLAIN.id) == PLAIN
    clock.now += 0.2
    with pytest.raises(StoreError, match="unable to open"):
        find(store, PLAIN.id)


@pytest.mark.parametrize("column", ["scopes", "networks"])
@pytest.mark.parametrize("text", ['["half', "", "null", "7"])
def test_a_row_that_was_tampered_with(store, path, column, text):
    store.add(PLAIN)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE api_keys SET {column} = ?", [text])
    connection.close()
    with pytest.raises(StoreError, match=r"keys\.db"):
        find(store, PLAIN.id)
