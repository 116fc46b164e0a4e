"""The Basic scheme in its control, and what a wrong API key costs: answers, memory, overload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.controls.authentication import ApiKeys, Authentication, Basic, Guessing, Lockout, LoginRules, Logins
from stockade.engine import NotNow, drive, resume
from stockade.operations import OperationTable
from stockade.passwords import Argon2, User, make_basic
from stockade.stores import Counters, Database, KeySources, KeyStore, Stores
from stockade.stores import passwords as passwords_module
from stockade.stores.factors import FactorStore
from stockade.stores.passwords import PasswordChecks
from stockade.stores.users import AuditEntry, UserStore
from stockade.tokens import make_api_key
from stockade.vocabulary import CheckPassword, Pass, Stop, StoreError
from tests.exchanges import AT, make_exchange, make_request

KEY = b"k" * 32
GOOD, BAD = "correct horse battery staple", "seven quiet otters juggle lamps"
QUICK = Argon2(memory=8192, passes=1)


class Nothing:
    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        return plaintext

    def open(self, sealed: bytes, context: bytes) -> bytes:
        return sealed


class World:
    """Stores with one user, and a control before them; `asked` counts the passwords that were hashed."""

    def __init__(self, path: Path, **fields: Any) -> None:
        self.database = Database(path)
        self.users = UserStore(self.database)
        self.checks = PasswordChecks(self.users, QUICK)
        self.stores = Stores(Counters(), KeyStore(self.database), KeySources(), database=self.database)
        self.stores.add_users(self.users, self.checks, FactorStore(self.users, Nothing(), KEY))
        self.add("alice")
        guessing = Guessing(KEY, Lockout())
        logins = Logins(KEY, guessing, LoginRules())
        basic = Basic(logins=logins, key=KEY, **fields)
        keys = ApiKeys(header="X-API-Key", hash_key=KEY, guessing=guessing)
        self.control = Authentication(realm="shop", any_of=[basic, keys], anonymous=OperationTable(()))
        self.asked = 0

    def add(self, name: str, **fields: Any) -> None:
        user = User(f"id-{name}", name, QUICK.hash(GOOD, b"s" * 16), **fields)
        self.users.add(user, AuditEntry(AT, "test", user.id, name, "added"))

    def change(self, **values: Any) -> None:
        self.users.change("id-alice", AuditEntry(AT, "test", "id-alice", "alice", "changed"), **values)

    def verdict(self, *headers: tuple[str, str], at: float = AT, client: str = "203.0.113.9") -> Any:
        exchange = make_exchange(make_request(headers=headers, at=at), client=client)
        return asyncio.run(self._judge(exchange))

    async def _judge(self, exchange: Any) -> Any:
        try:
            return drive(self.control.on_request(exchange), self.answer)
        except NotNow as waiting:
            return await resume(waiting, self.answer_later)

    def answer(self, ask: Any) -> Any:
        self.asked += isinstance(ask, CheckPassword)
        return self.stores.answer(ask)

    async def answer_later(self, ask: Any) -> Any:
        return await self.stores.answer_later(ask)

    def log_in(self, password: str = GOOD, name: str = "alice", **fields: Any) -> Any:
        return self.verdict(("authorization", make_basic(name, password)), **fields)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "stockade.db")
    yield world
    world.stores.close()


def status(verdict: Any) -> int:
    return verdict.response.status if isinstance(verdict, Stop) else 200


def test_who_it_is(world: World) -> None:
    verdict = world.log_in()
    assert isinstance(verdict, Pass)
    principal = verdict.principal
    assert principal is not None
    assert (principal.id, principal.kind, principal.credential) == ("alice", "user", "id-alice")
    assert (principal.acr, sorted(principal.amr), principal.auth_time) == ("pwd", ["pwd"], AT)
    assert verdict.edits is not None
    assert verdict.edits.remove == ("authorization",)


def test_a_right_password_is_hashed_once_in_a_while(world: World) -> None:
    for second in range(300):
        assert status(world.log_in(at=AT + second)) == 200
    assert world.asked == 1
    assert status(world.log_in(at=AT + 300)) == 200
    assert world.asked == 2
    assert status(world.log_in(client="203.0.113.10", at=AT + 301)) == 200
    assert world.asked == 3, "elsewhere it is shown anew"


@pytest.mark.parametrize(
    "values",
    [{"disabled": AT - 1}, {"password": ""}, {"password": QUICK.hash(BAD, b"s" * 16)}, {"expires": AT - 1}],
    ids=["disabled", "no password", "another", "expired"],
)
def test_it_is_forgotten_with_the_next_change(world: World, values: dict[str, Any]) -> None:
    assert status(world.log_in()) == 200
    world.change(**values)
    assert status(world.log_in()) == 401


def test_new_rights_are_had_at_once(world: World) -> None:
    world.log_in()
    world.change(scopes=frozenset({"orders:write"}))
    assert world.log_in().principal.scopes == {"orders:write"}


def test_an_account_ends_while_it_is_remembered(world: World) -> None:
    world.change(expires=AT + 10)
    assert status(world.log_in()) == 200
    assert status(world.log_in(at=AT + 10)) == 401


def test_every_refusal_looks_alike(world: World) -> None:
    world.add("disabled", disabled=1.0)
    world.add("secured", factors=frozenset({"totp"}))
    refusals = [world.log_in(BAD + name, name) for name in ("alice", "nobody")]
    refusals += [world.log_in(GOOD, name) for name in ("disabled", "secured")]
    refusals.append(world.verdict(("authorization", "Basic !")))
    assert len({(item.response.body, tuple(item.response.headers), item.response.status) for item in refusals}) == 1
    assert [item.findings[0].rule for item in refusals] == [
        "login-wrong",
        "user-unknown",
        "user-disabled",
        "second-factor-missing",
        "login-malformed",
    ]


def test_what_is_no_users_name_is_not_logged_whole(world: World) -> None:
    (finding,) = world.log_in(BAD, "hunter2-hunter2").findings
    assert "hunter2-hunter2" not in finding.evidence
    (finding,) = world.log_in(BAD).findings
    assert finding.evidence == "alice"


def test_many_at_once_are_refused_and_cost_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many wait already, nothing is judged, so nothing is paid."""
    monkeypatch.setattr(passwords_module, "_MOST_WAITING", 0)
    for _ in range(20):
        with pytest.raises(StoreError, match="wait to be checked"):
            world.log_in()
    monkeypatch.undo()
    assert status(world.log_in()) == 200


def test_known_places_do_not_wait_behind_strangers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status(world.log_in(client="192.0.2.1")) == 200
    world.checks._waiting[0] = 10_000
    with pytest.raises(StoreError):
        world.log_in(client="198.51.100.1")
    world.change(scopes=frozenset({"new"}))
    assert status(world.log_in(client="192.0.2.1")) == 200


def test_passwords_in_nothing_that_is_shown(world: World) -> None:
    assert GOOD not in f"{CheckPassword(None, GOOD)!r} {world.control.describe()} {world.log_in()!r}"


# API keys.


def test_wrong_api_keys_of_an_address_end_in_429_and_right_ones_go_on(world: World) -> None:
    from stockade.identity import ApiKeys as Issuance

    assert world.stores.keys is not None
    issued = Issuance(world.stores.keys, KEY).issue("bob", AT - 1)
    wrong = [make_api_key(number.to_bytes(16, "big"), b"s" * 32) for number in range(100)]
    answers = [world.verdict(("x-api-key", key)) for key in wrong]
    assert [status(item) for item in answers[:30]] == [401] * 30
    assert {status(item) for item in answers[50:]} == {429}
    assert answers[-1].action == "throttle"
    assert int(dict(answers[-1].response.headers)["retry-after"]) >= 1
    assert status(world.verdict(("x-api-key", issued.text))) == 200
    assert status(world.verdict(("x-api-key", "stk_mistyped"))) == 401, "a mistyped key is no guess"
