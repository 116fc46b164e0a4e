"""Second factors over a real database: enrolled, used up, removed; sealed at rest."""

from __future__ import annotations

from base64 import b32decode
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from stockade.controls.authentication import Denied, Proven
from stockade.identity.factors import NoSuchFactor, TooManyGuesses
from stockade.passwords import User
from stockade.vocabulary import StoreError
from tests.identity.conftest import AT, GOOD, HOME, World


def enrol(world: World, at: float = AT) -> tuple[User, pyotp.TOTP]:
    user = world.users.find("alice")
    enrolment = world.factors.enrol_totp(user, at)
    app = pyotp.TOTP(enrolment.secret)
    assert world.factors.confirm_totp(user, enrolment.id, app.at(int(at)), at, "test")
    return world.users.find("alice"), app


def test_an_app_is_asked_for_once_it_works(world: World) -> None:
    user = world.users.find("alice")
    enrolment = world.factors.enrol_totp(user, AT)
    assert enrolment.uri.startswith("otpauth://totp/The%20Shop:alice?secret=")
    assert isinstance(world.users.prove("alice", GOOD, AT, address=HOME), Proven), "not confirmed"
    assert not world.factors.confirm_totp(user, enrolment.id, "000000", AT, "test")
    assert world.factors.confirm_totp(user, enrolment.id, pyotp.TOTP(enrolment.secret).at(int(AT)), AT, "test")
    assert world.users.find("alice").factors == {"totp"}
    assert world.users.prove("alice", GOOD, AT + 30, address=HOME) == Denied("second-factor-missing")


def test_a_login_with_a_code(world: World) -> None:
    _, app = enrol(world)
    at = AT + 60
    code = app.at(int(at))
    proven = world.users.prove("alice", GOOD, at, address=HOME, code=code)
    assert isinstance(proven, Proven)
    assert (proven.methods.acr, sorted(proven.methods.amr)) == ("mfa", ["mfa", "otp", "pwd"])
    assert world.users.prove("alice", GOOD, at + 1, address=HOME, code=code) == Denied("second-factor-wrong")
    assert isinstance(world.users.prove("alice", GOOD, at, address=HOME, first=True), Proven), "in two steps"
    assert world.factors.check_code(world.users.find("alice"), app.at(int(at + 30)), at + 30) == "totp"


def test_of_a_hundred_at_once_one_code_is_taken_once(world: World) -> None:
    user, app = enrol(world)
    at = AT + 60
    code = app.at(int(at))
    with ThreadPoolExecutor(8) as threads:
        good = list(threads.map(lambda _: world.factor_store.use_passcode(user.id, code, at), range(100)))
    assert sum(good) == 1


def test_recovery_codes_are_good_once(world: World) -> None:
    user, _ = enrol(world)
    codes = world.factors.make_recovery(user, AT, "test")
    assert world.factors.check_code(user, codes[3].lower(), AT) == "recovery"
    assert world.factors.check_code(user, codes[3], AT) is None
    proven = world.users.prove("alice", GOOD, AT, address=HOME, code=codes[4])
    assert isinstance(proven, Proven)
    again = world.factors.make_recovery(user, AT, "test")
    assert world.factors.check_code(user, codes[5], AT) is None
    assert world.factors.check_code(user, again[0], AT) == "recovery"
    bob = world.users.add("bob", AT, "test", password=GOOD + "s")
    assert world.factors.check_code(bob, again[1], AT) is None


def test_guesses_of_codes_are_few(world: World) -> None:
    user, app = enrol(world)
    judged, waits = 0, []
    for number in range(3600):
        try:
            world.factors.check_code(user, f"{number:06d}", AT + 100 + number)
        except TooManyGuesses as error:
            waits.append(error.wait)
        else:
            judged += 1
    assert 4 < judged <= 13 + 4
    assert judged + len(waits) == 3600
    assert min(waits) >= 1
    with pytest.raises(TooManyGuesses):
        world.factors.check_code(user, app.at(int(AT + 3600)), AT + 3600)
    codes = world.factors.make_recovery(user, AT, "test")
    assert world.factors.check_code(user, codes[0], AT + 3600) == "recovery", "a budget of its own"


def test_removing(world: World) -> None:
    user, _ = enrol(world)
    (factor,) = world.factors.of(user)
    with pytest.raises(NoSuchFactor):
        world.factors.remove(user, "another", AT, "test")
    world.factors.remove(user, factor.id, AT, "test")
    assert world.users.find("alice").factors == frozenset()
    assert isinstance(world.users.prove("alice", GOOD, AT, address=HOME), Proven)
    assert [entry.action for entry in world.users.audit("alice")][:2] == [
        "second factor removed",
        "second factor added",
    ]


def test_no_secret_is_readable_at_rest(world: World) -> None:
    user = world.users.find("alice")
    enrolment = world.factors.enrol_totp(user, AT)
    codes = world.factors.make_recovery(user, AT, "test")
    raw = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in world.contents())
    for secret in (b32decode(enrolment.secret), enrolment.secret.encode(), GOOD.encode(), *(c.encode() for c in codes)):
        assert secret not in raw
        assert secret.hex().encode() not in raw.lower()
    assert user.id.encode() in raw
    assert enrolment.secret not in repr(enrolment)


def test_a_sealed_secret_works_for_its_user_alone(world: World) -> None:
    _, app = enrol(world)
    mallory = world.users.add("mallory", AT, "test", password=GOOD + "s")
    world.sql('UPDATE user_factors SET "user" = :user', user=mallory.id)
    with pytest.raises(StoreError, match="cannot be opened"):
        world.factors.check_code(mallory, app.at(int(AT + 60)), AT + 60)


def test_an_app_that_was_never_confirmed_is_replaced(world: World) -> None:
    user = world.users.find("alice")
    for _ in range(30):
        world.factors.enrol_totp(user, AT)
    assert len(world.factors.of(user)) == 1
