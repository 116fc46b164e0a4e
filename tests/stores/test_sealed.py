"""All sealed columns: counted by key and brought under a new one, while others write."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sql

from stockade.envelopes import Envelope, KeyRing, sealed_under
from stockade.stores import Database, DatabasePlace
from stockade.stores import sealed as sealed_module
from stockade.stores.sealed import count_sealed, rewrap_all
from stockade.vocabulary import StoreError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
BEFORE, BOTH, AFTER = Envelope(KeyRing.of(OLD)), Envelope(KeyRing.of(NEW, OLD)), Envelope(KeyRing.of(NEW))
TABLE = sql.Table(
    "secrets_of_this_test",
    sql.MetaData(),
    sql.Column("owner", sql.String(32), primary_key=True),
    sql.Column("kind", sql.Integer, primary_key=True),
    sql.Column("secret", sql.LargeBinary, info={"sealed": True}),
)
COLUMNS = [TABLE.c.secret]


def context(owner: str, kind: int) -> bytes:
    return f"test:{owner}:{kind}".encode()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    place = DatabasePlace(tmp_path / "stockade.db")
    if request.param == "postgresql":
        place = request.getfixturevalue("postgresql").place(tmp_path)
    with closing(Database(place)) as database:
        database.write(sql.schema.CreateTable(TABLE))
        names = [(f"user-{number % 40:02}", number // 40) for number in range(200)]
        rows = [
            {"owner": owner, "kind": kind, "secret": BEFORE.seal(b"%d" % number, context(owner, kind))}
            for number, (owner, kind) in enumerate(names)
        ]
        database.write_many(sql.insert(TABLE), [*rows, {"owner": "none", "kind": 0, "secret": None}])
        yield database


def opened(database: Database, envelope: Envelope) -> set[bytes]:
    rows = database.read(sql.select(TABLE).where(TABLE.c.secret.is_not(None)))
    return {envelope.open(bytes(row["secret"]), context(row["owner"], row["kind"])) for row in rows}


def test_all_are_brought_under_the_new_key(database, monkeypatch):
    monkeypatch.setattr(sealed_module, "_AT_ONCE", 17)
    assert count_sealed(database, COLUMNS) == {BEFORE.ring.current: 200}
    assert rewrap_all(database, COLUMNS, BOTH) == 200
    assert count_sealed(database, COLUMNS) == {AFTER.ring.current: 200}
    assert opened(database, AFTER) == {b"%d" % number for number in range(200)}
    assert rewrap_all(database, COLUMNS, BOTH) == 0


def test_what_somebody_writes_meanwhile_stays(database, monkeypatch):
    """Between our look at a row and our change of it."""
    rewrap = Envelope.rewrap

    def overtaken(self, data):
        monkeypatch.setattr(Envelope, "rewrap", rewrap)
        fresh = BOTH.seal(b"theirs", context("user-00", 0))
        database.write(sql.update(TABLE).where(TABLE.c.owner == "user-00", TABLE.c.kind == 0).values(secret=fresh))
        return rewrap(self, data)

    monkeypatch.setattr(Envelope, "rewrap", overtaken)
    assert rewrap_all(database, COLUMNS, BOTH) == 199
    assert b"theirs" in opened(database, AFTER)


def test_one_that_cannot_be_opened_is_named_and_the_rest_can_be_done_again(database):
    database.write(sql.update(TABLE).where(TABLE.c.owner == "user-20").values(secret=b"\x01rubbish"))
    with pytest.raises(StoreError, match=r"secrets_of_this_test\.secret: that is no envelope"):
        rewrap_all(database, COLUMNS, BOTH)
    with pytest.raises(StoreError, match="no envelope"):
        count_sealed(database, COLUMNS)
    database.write(sql.delete(TABLE).where(TABLE.c.owner == "user-20"))
    left = 195 - sum(sealed_under(bytes(row["secret"])) == AFTER.ring.current for row in rows(database))
    assert rewrap_all(database, COLUMNS, BOTH) == left
    assert len(opened(database, AFTER)) == 195


def rows(database: Database) -> list[sql.RowMapping]:
    return database.read(sql.select(TABLE).where(TABLE.c.secret.is_not(None)))


def test_without_the_old_key_nothing_is_spoiled(database):
    with pytest.raises(StoreError, match="which is not here"):
        rewrap_all(database, COLUMNS, AFTER)
    assert len(opened(database, BEFORE)) == 200


def test_every_store_is_asked():
    assert all(column.info["sealed"] for column in sealed_module.sealed_columns())
