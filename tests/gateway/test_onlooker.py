"""Who only looks changes nothing: every question has its class, and the stores are the same before and after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stockade.vocabulary as vocabulary
from stockade.gateway.onlooker import COUNTING, READING, Onlooker
from stockade.passwords import Argon2, User
from stockade.second_factors import recovery_digest
from stockade.stores import Counters, Database, KeySources, KeyStore, LoginSessions, SessionTable, Stores
from stockade.stores.factors import Factor, FactorStore
from stockade.stores.passwords import PasswordChecks
from stockade.stores.users import AuditEntry, UserStore
from stockade.vocabulary import Ask, CheckPassword, NotePlace, StoreError, Teach, UsePasscode

AT = 1_700_000_000.0
KEY = b"k" * 32
WEAK, STRONG = Argon2(memory=8192, passes=1), Argon2(memory=8192, passes=2)
CODE = "ABCD-EFGH-JKLM-NPQR"


class Plain:
    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        return plaintext

    def open(self, sealed: bytes, context: bytes) -> bytes:
        return sealed


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    database = Database(tmp_path / "stockade.db")
    users = UserStore(database)
    factors = FactorStore(users, Plain(), KEY)
    sources = KeySources()
    login_sessions = LoginSessions((), SessionTable(database), sources)
    stores = Stores(Counters(), KeyStore(database), sources, login_sessions=login_sessions, database=database)
    stores.add_users(users, PasswordChecks(users, STRONG), factors)
    user = User("u", "alice", WEAK.hash("right", b"s" * 16))
    users.add(user, AuditEntry(AT, "test", "u", "alice", "added"))
    factors.add(Factor("f", "u", "recovery", handle=recovery_digest(KEY, "u", CODE), confirmed=True))
    yield stores
    stores.close()


def rows(stores: Stores) -> list[str]:
    assert stores.database is not None
    with sqlite3.connect(stores.database.path) as connection:
        said = list(connection.iterdump())
    connection.close()
    return said


def all_asks() -> set[type[Any]]:
    return {each for each in vars(vocabulary).values() if isinstance(each, type) and issubclass(each, Ask)} - {Ask}


def test_every_question_is_of_one_class(stores: Stores) -> None:
    """A new one must be put into READING or COUNTING, or be imitated, in `gateway/onlooker.py`."""
    imitated = set(Onlooker(stores).imitated)
    assert set(READING | COUNTING | imitated) == all_asks()
    assert len(READING) + len(COUNTING) + len(imitated) == len(all_asks())
    declared = {each for each in Ask.__subclasses__() if each.__module__.startswith("stockade.")}
    assert declared == all_asks()  # none elsewhere


def test_what_nobody_has_classed_is_refused(stores: Stores) -> None:
    class Burn(Ask[None], frozen=True):
        pass

    with pytest.raises(StoreError, match="Burn may change something"):
        Onlooker(stores).answer(Burn())


def test_a_code_and_a_password_stay_as_they_are(stores: Stores) -> None:
    onlooker, before = Onlooker(stores), rows(stores)
    assert stores.checks is not None
    user = stores.checks.users.by_name("alice")
    for _ in range(2):
        assert onlooker.answer(CheckPassword(user, "right"))  # whose hash is due for renewal
        assert onlooker.answer(UsePasscode("u", CODE, AT))
    assert not onlooker.answer(CheckPassword(user, "wrong"))
    assert not onlooker.answer(UsePasscode("u", "ABCD-EFGH-JKLM-NPQS", AT))
    assert not onlooker.answer(UsePasscode("somebody", CODE, AT))
    assert onlooker.answer(NotePlace("u", b"p" * 32, AT)) is None
    assert onlooker.answer(Teach("order", ("1",), ("u",), AT, 60.0, "hold", "test")) == ()
    assert rows(stores) == before
    assert stores.factors is not None
    assert stores.factors.use_passcode("u", CODE, AT)  # in earnest it is good, once
    assert not onlooker.answer(UsePasscode("u", CODE, AT))
