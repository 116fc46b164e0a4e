"""The tables' history: made, adopted, brought up to date, refused; the same whatever the database."""

from __future__ import annotations

import importlib.util
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
import setuptools
import sqlalchemy as sql

from stockade.stores import METADATA, Database, DatabasePlace, KeyStore, migrations
from stockade.stores.sealed import sealed_columns
from stockade.tokens import ApiKeyRecord
from stockade.vocabulary import StoreError
from tests.recorded_tables import WALK, recorded

FOLDER = Path(migrations.__file__).parent / "versions"
OURS = {"stockade_version", "stockade_revision"}  # kept by the database itself, and by no store

# As Stockade made it before its tables had a history.
BEFORE = """
CREATE TABLE api_keys (
    id VARCHAR(32) NOT NULL, owner VARCHAR(256) NOT NULL, digest BLOB NOT NULL, scopes JSON NOT NULL,
    networks JSON NOT NULL, created FLOAT NOT NULL, expires FLOAT, revoked FLOAT, replaced_by VARCHAR(32),
    last_used FLOAT, PRIMARY KEY (id)
);
CREATE INDEX ix_api_keys_owner ON api_keys (owner);
INSERT INTO api_keys VALUES ('T9vTjNA81K74', 'alice', x'00ff', '["a"]', '[]', 900.0, NULL, NULL, NULL, NULL);
"""


@pytest.fixture(autouse=True)
def _walked(monkeypatch):
    """Nothing here is made from the recording."""
    monkeypatch.setattr(migrations, "_upgrade", WALK)


def dump_of(path: Path) -> list[str]:
    with closing(Database(path)), closing(sqlite3.connect(path)) as connection:
        return sorted(connection.iterdump())  # the indexes of a table come in any order


def test_what_other_tests_begin_with_is_what_the_history_makes(tmp_path):
    walked = dump_of(tmp_path / "walked.db")
    with recorded():
        assert [dump_of(tmp_path / f"{number}.db") for number in range(3)] == [walked] * 3


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        return DatabasePlace(tmp_path / "stockade.db")
    return request.getfixturevalue("postgresql").place(tmp_path)


def engine_of(database: Database) -> sql.Engine:
    return database._backend.engine


def test_the_revisions_are_one_chain():
    last = None
    for name in migrations.known():
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert (module.revision, module.down_revision) == (name, last)
        last = name
    assert migrations.known()[0] == "0001_api_keys"


def test_the_revisions_are_in_the_wheel():
    packages = setuptools.find_packages("src")
    assert "stockade.stores.migrations.versions" in packages


def test_the_history_makes_what_the_stores_declare(place):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    sealed_columns()  # imports every store
    with closing(Database(place)) as database, engine_of(database).connect() as connection:
        options = {"include_name": lambda name, kind, parents: kind != "table" or name not in OURS}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
        assert set(sql.inspect(connection).get_table_names()) == set(METADATA.tables) | OURS


def test_one_from_before_the_history_is_adopted_without_loss(tmp_path):
    path = tmp_path / "stockade.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(BEFORE)
    connection.close()
    old = ApiKeyRecord("T9vTjNA81K74", "alice", b"\0\xff", frozenset("a"), (), 900.0)
    for _ in range(2):
        with closing(Database(path)) as database:
            assert KeyStore(database).all() == [old]
            assert database.read(sql.text("SELECT version_num FROM stockade_version")) == [
                {"version_num": migrations.known()[-1]}
            ]


def test_an_older_one_is_brought_up_to_date(place, monkeypatch):
    """Every step of the way, with the keys that are in it."""
    record = ApiKeyRecord("T9vTjNA81K74", "alice", b"\0\xff", frozenset("a"), (), 900.0)
    upgrade = migrations._upgrade
    for number, name in enumerate(migrations.known()):
        monkeypatch.setattr(migrations, "known", lambda name=name: (name,))
        monkeypatch.setattr(migrations, "_upgrade", lambda connection, name=name: upgrade(connection, name))
        with suppress(StoreError), closing(Database(place)) as database:
            if number == 0:
                KeyStore(database).add(record)
        monkeypatch.undo()
    with closing(Database(place)) as database:
        assert KeyStore(database).all() == [record]


def test_a_newer_one_is_refused(place):
    with closing(Database(place)) as database:
        database.write(sql.text("UPDATE stockade_version SET version_num = '9999_later'"))
    with pytest.raises(StoreError, match=r"9999_later, of a newer Stockade.* update it"):
        Database(place)


def test_a_step_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "stockade.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE api_keys (id TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="not Stockade's"):
        Database(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("api_keys",)]
    connection.close()


def test_many_at_once_make_the_tables_once(place):
    failures = []
    ready = threading.Barrier(4, timeout=10)

    def open_it():
        ready.wait()
        try:
            Database(place).close()
        except StoreError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with closing(Database(place)) as database:
        assert len(database.read(sql.text("SELECT number FROM stockade_revision"))) == 1


LOADED = """
import sys
from pathlib import Path
from stockade.stores import Database
Database(Path(sys.argv[1])).close()
print("alembic" in sys.modules, "psycopg" in sys.modules)
"""


def test_alembic_is_loaded_where_there_is_something_to_do(tmp_path):
    command = [sys.executable, "-c", LOADED, str(tmp_path / "stockade.db")]
    said = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert said == ["True False\n", "False False\n"]
