"""Commands that only look, at a PostgreSQL server: no table is made, and none that is older or newer is touched."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sql

from stockade.stores import Database, DatabasePlace
from tests.cli.conftest import POLICY, Stockade
from tests.postgres import Postgres


@pytest.fixture
def place(shop: Path, postgresql: Postgres) -> DatabasePlace:
    found = postgresql.place(shop)
    (shop / "database-url").write_text(found.url)
    (shop / "stockade.hash-key").write_text("k" * 64)
    database = f"database: {{url: {{file: database-url}}, tls: {{ca: {postgresql.authority.ca}}}}}\n"
    (shop / "stockade.yaml").write_text(database + POLICY)
    return found


def tables(place: DatabasePlace) -> int:
    engine = sql.create_engine(place.url)
    try:
        return len(sql.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_where_there_are_no_tables_yet(shop: Path, place: DatabasePlace, stockade: Stockade) -> None:
    before = {path.name for path in shop.iterdir()}
    assert stockade("check").status == 0
    listed = stockade("keys", "list")
    assert (listed.status, listed.out) == (2, "")
    assert listed.err.endswith("its tables are not those of this Stockade yet: `stockade up` makes them so\n")
    assert tables(place) == 0
    assert {path.name for path in shop.iterdir()} == before


def test_where_they_are_there(shop: Path, place: DatabasePlace, stockade: Stockade) -> None:
    with closing(Database(place)):
        pass
    for path in shop.glob("stockade.db*"):
        path.unlink()
    before = {path.name for path in shop.iterdir()}
    for words in (["check"], ["keys", "list"], ["access", "report", "/dev/null"]):
        ended = stockade(*words)
        assert ended.status == 0, ended
    assert {path.name for path in shop.iterdir()} == before


def test_where_they_are_newer(place: DatabasePlace, stockade: Stockade) -> None:
    with closing(Database(place)) as database:
        database.write(sql.text("UPDATE stockade_version SET version_num = '9999_later'"))
    for words in (["check"], ["keys", "list"]):
        ended = stockade(*words)
        assert ended.status == 2
        (line,) = ended.err.splitlines()
        assert "its tables are at 9999_later, of a newer Stockade" in line
        assert line.endswith(": update it")
        assert "of-the-tests-alone" not in line
