"""The life of a user: added, changed, disabled, removed; logins judged; all of it in the audit."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from stockade.controls.authentication import Denied, Proven
from stockade.identity.users import BadChoice, BadUser, NoSuchUser
from stockade.passwords import Argon2, PasswordPolicy
from stockade.second_factors import OneTime
from tests.identity.conftest import AT, GOOD, HOME, OTHER, World


def prove(world: World, password: str = GOOD, name: str = "alice", at: float = AT) -> Proven | Denied:
    return world.users.prove(name, password, at, address=HOME)


def reason(judged: Proven | Denied) -> str:
    return judged.reason if isinstance(judged, Denied) else "in"


# Added.


def test_a_user_has_what_was_given(world: World) -> None:
    user = world.users.add("Bob", AT, "root", password=OTHER, roles=["clerk"], scopes=["a", "b"], tenant="acme")
    assert world.users.find("BOB") == world.users.get(user.id) == user
    assert (user.name, sorted(user.roles), sorted(user.scopes), user.tenant) == ("bob", ["clerk"], ["a", "b"], "acme")
    assert [each.name for each in world.users.all()] == ["alice", "bob"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "x" * 129, "ALICE", "ａｌｉｃｅ", "\u200b"])
def test_names_that_cannot_be(world: World, name: str) -> None:
    with pytest.raises(BadUser):
        world.users.add(name, AT, "root", password=GOOD + name)


@pytest.mark.parametrize(
    "fields",
    [{"roles": ["a b"]}, {"scopes": ['"']}, {"tenant": "\n"}, {"email": "nobody"}, {"email": "a@b\nbcc: c@d"}],
    ids=str,
)
def test_rights_that_cannot_be(world: World, fields: dict[str, object]) -> None:
    with pytest.raises(BadUser):
        world.users.add("bob", AT, "root", **fields)  # type: ignore[arg-type]


def test_a_bad_password_is_told_whole(world: World) -> None:
    with pytest.raises(BadChoice) as caught:
        world.users.add("bob", AT, "root", password="alice")
    assert [fault.rule for fault in caught.value.faults] == ["too-short", "guessable"]
    assert "alice" not in str(caught.value)
    with pytest.raises(NoSuchUser):
        world.users.find("bob")


def test_without_a_password_nobody_gets_in(world: World) -> None:
    world.users.add("robot", AT, "root")
    assert reason(prove(world, "", "robot")) == "user-unknown"
    assert reason(prove(world, GOOD, "robot")) == "user-unknown"


# Logins.


def test_logins(world: World) -> None:
    assert reason(prove(world)) == "in"
    assert reason(prove(world, OTHER)) == "login-wrong"
    assert reason(prove(world, name="nobody")) == "user-unknown"
    assert reason(prove(world, name="a:b")) == "login-malformed"
    assert reason(prove(world, "\0")) == "login-malformed"
    found = world.users.verify("Alice", GOOD, AT)
    assert found is not None
    assert found.name == "alice"
    assert world.users.verify("alice", OTHER, AT) is None


def test_a_disabled_user_and_one_whose_time_is_over(world: World) -> None:
    world.users.disable("alice", AT, "root")
    assert reason(prove(world)) == "user-disabled"
    world.users.enable("alice", AT, "root")
    assert reason(prove(world)) == "in"
    world.users.add("guest", AT, "root", password=OTHER, expires=AT + 60)
    assert reason(prove(world, OTHER, "guest")) == "in"
    assert reason(prove(world, OTHER, "guest", at=AT + 60)) == "user-expired"


def test_passwords_expire_only_where_asked(world: World, tmp_path: Path) -> None:
    assert reason(prove(world, at=AT + 10 * 365 * 86400)) == "in"
    other = World(tmp_path / "other.db", policy=PasswordPolicy(expires=90 * 86400.0))
    other.users.add("bob", AT, "root", password=GOOD)
    assert reason(prove(other, name="bob", at=AT + 90 * 86400 - 1)) == "in"
    assert reason(prove(other, name="bob", at=AT + 90 * 86400)) == "password-expired"
    other.close()


def test_parameters_that_changed_are_caught_up_with_at_the_next_login(world: World) -> None:
    before = world.users.find("alice")
    world.checks.argon2 = Argon2(memory=8192, passes=2)
    assert reason(prove(world, OTHER)) == "login-wrong"
    assert world.users.find("alice").password == before.password
    assert reason(prove(world)) == "in"
    after = world.users.find("alice")
    assert "t=2" in after.password
    assert after.stamp == before.stamp, "nobody need look again"
    assert reason(prove(world)) == "in"


def test_a_hash_that_somebody_spoiled_lets_nobody_in(world: World) -> None:
    from stockade.vocabulary import StoreError

    world.sql("UPDATE users SET password = '$argon2id$v=19$m=99999999,t=99,p=1$c2FsdHNhbHQ$aGFzaGhhc2g'")
    with pytest.raises(StoreError):
        prove(world)


def test_nobody_takes_as_long_as_somebody(world: World) -> None:
    """The time that the processor spends, of interleaved logins: what else the machine does is not in it.

    Lower quartiles, for what disturbs a run only makes it longer.
    """
    world.checks.argon2 = world.users._argon2 = Argon2(memory=8192, passes=4)
    world.users.add("disabled", AT, "root", password=GOOD)
    world.users.set_password("alice", OTHER, AT, "root")
    world.users.disable("disabled", AT, "root")
    times: dict[str, list[float]] = {"alice": [], "nobody": [], "disabled": [], "robot": []}
    world.users.add("robot", AT, "root")
    for number in range(40):
        for name, kept in times.items():
            start = time.thread_time()
            world.users.prove(name, f"guess {number} of {name}", AT + 86400.0 * number)
            kept.append(time.thread_time() - start)
    quartiles = {name: statistics.quantiles(kept, n=4)[0] for name, kept in times.items()}
    assert max(quartiles.values()) < 1.2 * min(quartiles.values()), quartiles


def test_as_often_as_a_password_is_judged_argon2_works(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, whoever it is and whatever is wrong."""
    calls: list[str] = []
    matches = Argon2.matches

    def counted(self: Argon2, encoded: str, password: str) -> bool:
        calls.append(encoded[:20])
        return matches(self, encoded, password)

    world.users.add("robot", AT, "root")
    world.users.add("disabled", AT, "root", password=GOOD)
    world.users.disable("disabled", AT, "root")
    monkeypatch.setattr(Argon2, "matches", counted)
    for name, password in [("alice", OTHER), ("alice", GOOD), ("nobody", GOOD), ("robot", GOOD), ("disabled", GOOD)]:
        calls.clear()
        prove(world, password, name)
        assert len(calls) == 1, name


# Passwords.


def test_a_new_password_ends_the_old(world: World) -> None:
    world.users.set_password("alice", OTHER, AT, "root")
    assert reason(prove(world)) == "login-wrong"
    assert reason(prove(world, OTHER)) == "in"
    generated = world.users.reset_password("alice", AT, "root")
    assert reason(prove(world, generated)) == "in"


def test_former_passwords_do_not_come_back(world: World) -> None:
    chosen = [f"{GOOD} number {number}{number * 7}" for number in range(7)]
    for password in chosen:
        world.users.set_password("alice", password, AT, "root")
    for password in chosen[2:]:
        with pytest.raises(BadChoice, match="used before"):
            world.users.set_password("alice", password, AT, "root")
    world.users.set_password("alice", chosen[1], AT, "root")
    assert len(world.store.former_passwords(world.users.find("alice").id)) == 5


def test_breached_passwords_are_refused(tmp_path: Path) -> None:
    world = World(tmp_path / "other.db", breached=lambda password: int(password == GOOD))
    with pytest.raises(BadChoice, match="1 times"):
        world.users.add("bob", AT, "root", password=GOOD)
    world.users.add("bob", AT, "root", password=OTHER)
    world.close()


# Removed.


def test_a_removed_user_leaves_the_audit_and_a_name_that_nobody_gets(world: World) -> None:
    tables = ("users", "user_passwords", "user_places", "user_factors", "user_codes")
    world.users.set_password("alice", OTHER, AT, "root")
    prove(world, OTHER)
    world.factors.make_recovery(world.users.find("alice"), AT, "root")
    world.factors.enrol_totp(world.users.find("alice"), AT)
    world.factor_store.add_once(OneTime("code", world.users.find("alice").id, "login", b"d" * 32, AT + 600), AT)
    assert [table for table in tables if not world.count(table)] == []
    gone = world.users.remove("alice", AT, "root")
    assert reason(prove(world, OTHER)) == "user-unknown"
    with pytest.raises(BadUser, match="taken, or was once"):
        world.users.add("Alice", AT, "root", password=GOOD)
    assert [entry.action for entry in world.store.audit(gone.id)][:1] == ["removed"]
    assert [table for table in tables if world.count(table)] == []
    assert not any("alice@example.com" in str(value) for value in world.contents())


# The audit.


def test_everything_is_in_the_audit_and_nothing_secret(world: World) -> None:
    world.users.set_password("alice", OTHER, AT + 1, "cli:root")
    world.users.set_rights("alice", AT + 2, "cli:root", roles=["clerk"])
    world.users.disable("alice", AT + 3, "admin:bob")
    entries = world.users.audit("alice")
    assert [(entry.at - AT, entry.actor, entry.action) for entry in entries] == [
        (3, "admin:bob", "disabled"),
        (2, "cli:root", "rights set"),
        (1, "cli:root", "password set"),
        (0, "test", "added"),
    ]
    assert not any(secret in repr(entries) for secret in (GOOD, OTHER, "argon2"))


def test_nothing_shows_a_hash(world: World) -> None:
    user = world.users.find("alice")
    assert "argon2" not in f"{user!r} {user} {user.__rich_repr__()} {prove(world)!r}"


def test_places_are_bounded_and_forgotten(world: World) -> None:
    for number in range(40):
        world.users.prove("alice", GOOD, AT + number, address=f"198.51.100.{number}")
    user = world.users.find("alice")
    assert world.count("user_places") == 20
    world.users.forget_places("alice", AT, "root")
    assert world.count("user_places") == 0
    assert world.users.find("alice").stamp == user.stamp + 1
