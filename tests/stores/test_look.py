"""Who only looks at a database makes, changes and leaves nothing, and sees what is there all the same."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sql

from stockade.stores import Database, DatabasePlace, KeyStore
from stockade.tokens import ApiKeyRecord
from stockade.vocabulary import StoreError
from tests.stores.test_migrations import BEFORE

KEY = ApiKeyRecord(id="k1", owner="alice", digest=b"d" * 32, created=1000.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "stockade.db"


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}


def made(place: Path | DatabasePlace, *records: ApiKeyRecord) -> None:
    with closing(Database(place)) as database:
        for record in records:
            KeyStore(database).add(record)


def seen(place: Path | DatabasePlace, name: str = "k1") -> str | None:
    with closing(Database(place, passive=True)) as database:
        found = KeyStore(database).get(name)
        return found.owner if found is not None else None


def test_what_is_not_there_is_empty(file: Path) -> None:
    assert seen(file) is None
    assert seen(file.parent / "nowhere" / "stockade.db") is None
    assert everything(file.parent) == {}


def test_what_is_there_is_seen(file: Path) -> None:
    made(file, KEY)
    before = everything(file.parent)
    assert seen(file) == "alice"
    assert everything(file.parent) == before


def test_a_file_that_may_only_be_read(file: Path) -> None:
    made(file, KEY)
    file.chmod(0o400)
    assert seen(file) == "alice"
    assert file.stat().st_mode & 0o777 == 0o400


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(file: Path) -> None:
    made(file, KEY)
    file.chmod(0)
    with pytest.raises(StoreError, match="you may not read it: run this as"):
        seen(file)


@pytest.mark.parametrize("passive", [True, False], ids=["look", "open"])
def test_what_is_no_file_keeps_its_rights_and_stays_alone(file: Path, passive: bool) -> None:
    for make, name in ((os.mkdir, "folder"), (os.mkfifo, "pipe")):
        other = file.with_name(name)
        make(other)
        other.chmod(0o755)
        with pytest.raises(StoreError, match=r"it is (a folder|no ordinary file)"):
            Database(other, passive=passive)
        assert other.stat().st_mode & 0o777 == 0o755
    assert {path.name for path in file.parent.iterdir()} == {"folder", "pipe"}


def test_nothing_can_be_written(file: Path) -> None:
    made(file, KEY)
    with closing(Database(file, passive=True)) as database, pytest.raises(StoreError):
        database.write(sql.text("DELETE FROM api_keys"))
    assert seen(file) == "alice"


WRITER = """
import sys, time
from pathlib import Path
from stockade.stores import Database, KeyStore
from tests.stores.test_look import KEY
database = Database(Path(sys.argv[1]))
reader = database._backend._readers.connect()
reader.exec_driver_sql("BEGIN")
reader.exec_driver_sql("SELECT count(*) FROM api_keys").fetchall()  # holds the journal back
KeyStore(database).add(KEY)
print("written", flush=True)
time.sleep(60)
"""


def test_beside_a_writer_and_after_it_was_killed(file: Path) -> None:
    """What stands in the journal alone is seen, too."""
    made(file)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(Path(__file__).parents[2])])},
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        names = {path.name for path in file.parent.iterdir()}
        assert seen(file) == "alice"
        assert {path.name for path in file.parent.iterdir()} == names
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert {path.name for path in file.parent.iterdir()} == names
    assert f"{file.name}-wal" in names
    assert seen(file) == "alice"
    assert {path.name for path in file.parent.iterdir()} == names
    file.with_name(f"{file.name}-shm").unlink()
    before = everything(file.parent)
    assert seen(file) == "alice"
    assert everything(file.parent) == before


def test_older_tables_are_brought_up_to_date_in_a_copy(file: Path) -> None:
    with closing(sqlite3.connect(file)) as old:
        old.executescript(BEFORE)
    before = everything(file.parent)
    assert seen(file, "T9vTjNA81K74") == "alice"
    assert everything(file.parent) == before


@pytest.mark.parametrize("damage", ["newer", "folder", "text"])
def test_what_is_no_database_of_ours(file: Path, damage: str) -> None:
    if damage == "folder":
        file.mkdir()
    elif damage == "text":
        file.write_text("no database " * 1000)
    else:
        made(file)
        with closing(sqlite3.connect(file)) as newer:
            newer.execute("UPDATE stockade_version SET version_num = '9999_later'")
            newer.commit()
    names = {path.name for path in file.parent.iterdir()}
    with pytest.raises(StoreError, match=r"stockade\.db: the database cannot be opened"):
        seen(file)
    assert {path.name for path in file.parent.iterdir()} == names


def test_a_server(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = request.getfixturevalue("postgresql").place(tmp_path)
    with pytest.raises(StoreError, match="stockade up"):
        seen(place)
    assert list(tmp_path.iterdir()) == []
    made(place, KEY)
    for path in tmp_path.iterdir():
        path.unlink()
    assert seen(place) == "alice"
    with closing(Database(place, passive=True)) as database, pytest.raises(StoreError):
        database.write(sql.text("DELETE FROM api_keys"))
    assert list(tmp_path.iterdir()) == []
