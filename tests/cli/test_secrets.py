"""`stockade secrets`: status, rotation, in a file and from the environment."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sql

from stockade.envelopes import Envelope
from stockade.stores import Database, sealed
from stockade.stores.key_file import KeyFile
from tests.cli.conftest import Stockade

TABLE = sql.Table(
    "secrets_of_the_command",
    sql.MetaData(),
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("secret", sql.LargeBinary, info={"sealed": True}),
)


@pytest.fixture
def secrets(shop: Path, stockade: Stockade, monkeypatch: pytest.MonkeyPatch) -> KeyFile:
    """The shop's key file; three secrets are sealed under it, by a process that goes on running."""
    monkeypatch.setattr(sealed, "sealed_columns", lambda: [TABLE.c.secret])
    with closing(Database(shop / "stockade.db")) as database:
        database.write(sql.schema.CreateTable(TABLE))
        assert stockade("secrets", "rewrap").status == 0  # which makes the key
        ring = KeyFile(shop / "stockade.secret-key")
        rows = [{"id": number, "secret": Envelope(ring).seal(b"%d" % number, b"test")} for number in range(3)]
        database.write_many(sql.insert(TABLE), rows)
    return ring


def opened(shop: Path, ring: KeyFile) -> list[bytes]:
    with closing(Database(shop / "stockade.db")) as database:
        return [Envelope(ring).open(bytes(row["secret"]), b"test") for row in database.read(sql.select(TABLE))]


def test_rotation_without_downtime(shop: Path, stockade: Stockade, secrets: KeyFile) -> None:
    before = secrets.current
    assert stockade("secrets", "status", "--json").json() == [{"key": before, "current": True, "secrets": 3}]
    answer = stockade("secrets", "rotate", "--json").json()
    assert answer == {"key": secrets.current, "rewrapped": 3}
    assert secrets.current != before
    assert opened(shop, secrets) == [b"0", b"1", b"2"]
    assert stockade("secrets", "status", "--json").json() == [{"key": secrets.current, "current": True, "secrets": 3}]
    assert stockade("secrets", "rewrap").out == f"0 secrets brought under the key {secrets.current}\n"


def test_the_key_is_made_once_and_is_ours_alone(shop: Path, stockade: Stockade, secrets: KeyFile) -> None:
    assert oct(secrets.path.stat().st_mode)[-3:] == "600"
    content = secrets.path.read_bytes()
    for _ in range(2):
        assert content.decode().strip() not in stockade("secrets", "status").out
    assert secrets.path.read_bytes() == content


def test_a_key_from_the_environment(
    shop: Path, stockade: Stockade, secrets: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = shop / "stockade.yaml"
    policy.write_text(policy.read_text() + 'secrets: {key: "${NEW}", old_keys: ["${OLD}"]}\n')
    monkeypatch.setenv("OLD", secrets.path.read_text().strip())
    monkeypatch.setenv("NEW", "ab" * 32)
    refused = stockade("secrets", "rotate")
    assert refused.status == 2
    assert "secrets.old_keys" in refused.err
    rows = stockade("secrets", "status", "--json").json()
    assert [(row["current"], row["secrets"]) for row in rows] == [(True, 0), (False, 3)]
    assert stockade("secrets", "rewrap", "--json").json()["rewrapped"] == 3
    (row,) = stockade("secrets", "status", "--json").json()
    assert (row["current"], row["secrets"]) == (True, 3)


def test_a_key_that_is_lost(shop: Path, stockade: Stockade, secrets: KeyFile) -> None:
    """A new one is made, for the file was never named; what it cannot open stays as it is, and is told."""
    secrets.path.unlink()
    ended = stockade("secrets", "rewrap")
    assert ended.status == 2
    assert "secrets_of_the_command.secret" in ended.err
    assert "which is not here" in ended.err
