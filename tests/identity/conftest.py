"""Our own users over a real database, with hashes that are quick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from stockade.envelopes import Envelope, KeyRing
from stockade.identity.answers import Answers
from stockade.identity.factors import Factors
from stockade.identity.users import Users, derived
from stockade.passwords import Argon2
from stockade.stores import METADATA, Database, DatabasePlace
from stockade.stores.factors import FactorStore
from stockade.stores.passwords import PasswordChecks
from stockade.stores.users import UserStore

AT = 1_763_766_422.0
KEY = b"k" * 32
QUICK = Argon2(memory=8192, passes=1)
GOOD = "correct horse battery staple"
OTHER = "seven quiet otters juggle lamps"
HOME = "192.0.2.1"


class World:
    """A database, its stores, and what `identity` offers over them."""

    def __init__(self, place: Path | DatabasePlace, **fields: object) -> None:
        self.database = Database(place)
        self.store = UserStore(self.database)
        self.checks = PasswordChecks(self.store, QUICK)
        self.factor_store = FactorStore(self.store, Envelope(KeyRing.of(b"e" * 32)), derived(KEY, "recovery codes"))
        self.answers = Answers(self.store, self.checks, self.factor_store)
        self.users = Users(self.answers, KEY, **fields)  # type: ignore[arg-type]
        self.factors = Factors(self.answers, KEY, issuer="The Shop")

    def sql(self, text: str, **values: object) -> None:
        self.database.write(sql.text(text).bindparams(**values))

    def contents(self) -> list[Any]:
        """Every value of every table."""
        tables = METADATA.sorted_tables
        return [value for table in tables for row in self.database.read(sql.select(table)) for value in row.values()]

    def count(self, table: str) -> int:
        return len(self.database.read(sql.select(METADATA.tables[table])))

    def close(self) -> None:
        self.checks.close()
        self.database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """One user, alice, in either database."""
    place: Path | DatabasePlace = tmp_path / "stockade.db"
    if request.param == "postgresql":
        place = request.getfixturevalue("postgresql").place(tmp_path)
    world = World(place)
    world.users.add("alice", AT, "test", password=GOOD, email="alice@example.com")
    yield world
    world.close()
