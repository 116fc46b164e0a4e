"""Guessing, simulated: attackers with as many addresses as they like, in simulated hours, against the real counters.

Each run prints how many guesses were judged, and asserts the bound that the policy promises. Nothing is hashed here:
what is counted is how often a password was compared at all.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest

from stockade.controls.authentication import Denied, Guessing, Lockout, LoginRules, Logins, Proven
from stockade.controls.authentication.guessing import networks_of, steps
from stockade.engine import drive
from stockade.passwords import Login, Place, User
from stockade.stores import Counters
from stockade.vocabulary import (
    Ask,
    CheckPassword,
    FindPlace,
    FindUser,
    GiveBack,
    NotePlace,
    TakeAll,
    UsePasscode,
)

AT = 1_763_766_422.0
HOUR, DAY = 3600.0, 86400.0
KEY = b"k" * 32
GOOD = "correct horse battery staple"


class World:
    """Users without a database, and a count of the passwords that were compared."""

    def __init__(self, *names: str, lockout: Lockout | None = None) -> None:
        self.users = {name: User(f"id-{name}", name, password=GOOD) for name in names}
        self.places: dict[tuple[str, bytes], Place] = {}
        self.counters = Counters()
        self.logins = Logins(KEY, Guessing(KEY, lockout or Lockout()), LoginRules())
        self.judged: list[tuple[str, str]] = []
        self.codes = {"123456"}

    def answer(self, ask: Ask[Any]) -> Any:
        match ask:
            case FindUser(name):
                return self.users.get(name)
            case FindPlace(user, place):
                return self.places.get((user, place))
            case NotePlace(user, place, at, strong):
                self.places[user, place] = Place(at, strong)
                return None
            case CheckPassword(user, password):
                self.judged.append((user.name if user is not None else "", password))
                return user is not None and user.password == password
            case UsePasscode(_, code):
                good = code in self.codes
                self.codes.discard(code)
                return good
            case TakeAll():
                return self.counters.take_all(ask)
            case GiveBack():
                return self.counters.give_back(ask)
        raise AssertionError(ask)

    def log_in(self, name: str, password: str, at: float, address: str, **fields: Any) -> Proven | Denied:
        return drive(self.logins.prove(Login(name, password), at, address=address, **fields), self.answer)

    def is_in(self, name: str, at: float, address: str) -> bool:
        return isinstance(self.log_in(name, GOOD, at, address), Proven)


def address(number: int) -> str:
    return f"198.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def attack(world: World, hours: float, every: float, guess: Any, start: float = AT) -> int:
    """A guess each `every` seconds for so many simulated hours: how many were judged."""
    before = len(world.judged)
    for number in range(int(hours * HOUR / every)):
        name, password = guess(number)
        world.log_in(name, password, start + number * every, address(number))
    return len(world.judged) - before


# One account.


def test_one_account_from_as_many_addresses_as_there_are(record_figure):
    """A guess a second, each from a new address, for a day."""
    world = World("alice")
    assert world.is_in("alice", AT - DAY, "192.0.2.1")
    in_an_hour = attack(world, 1, 1.0, lambda number: ("alice", f"guess {number}"))
    assert not world.is_in("alice", AT + HOUR - 0.5, "203.0.113.77"), "a stranger cannot be told from an attacker"
    rest = attack(world, 24, 1.0, lambda number: ("alice", f"another guess {number}"), AT + HOUR)
    record_figure("one account, 3600 tried in an hour", in_an_hour)
    record_figure("one account, 86400 tried in a day", rest)
    assert in_an_hour <= 13 + 4
    assert rest <= 100 + 8
    # The owner, at home, at every moment of it; and from somewhere new, not now, but some time.
    assert all(world.is_in("alice", AT + hour * HOUR, "192.0.2.1") for hour in range(1, 25))
    assert world.is_in("alice", AT + 29 * HOUR, "203.0.113.77")


def test_parallel_guesses_pay_before_they_are_judged():
    """A thousand at the same moment, none of them finished before the last has begun."""
    world = World("alice")
    waiting = []
    for number in range(1000):
        steps_of_one = world.logins.prove(Login("alice", f"guess {number}"), AT, address=address(number))
        ask = next(steps_of_one)
        try:
            while not isinstance(ask, CheckPassword):
                ask = steps_of_one.send(world.answer(ask))
        except StopIteration:
            continue
        waiting.append((steps_of_one, ask))
    assert len(waiting) == 5


def test_the_owner_mistypes_and_gets_in(record_figure):
    world = World("alice")
    home = "192.0.2.1"
    assert world.is_in("alice", AT, home)
    for day in range(30):  # four times a day, each time with two slips
        for time in range(4):
            at = AT + day * DAY + time * 6 * HOUR
            assert world.log_in("alice", f"slip {day} {time}", at, home) == Denied("login-wrong")
            assert world.log_in("alice", f"slop {day} {time}", at + 3, home) == Denied("login-wrong")
            assert world.is_in("alice", at + 6, home)


def test_who_sits_beside_the_owner_has_the_owners_budget_and_no_more(record_figure):
    """The same address: what is guessed there costs the account nothing elsewhere."""
    world = World("alice")
    assert world.is_in("alice", AT - HOUR, "192.0.2.1")
    for number in range(3600):
        world.log_in("alice", f"guess {number}", AT + number, "192.0.2.1")
    record_figure("one account, from the owner's own address, 3600 tried in an hour", len(world.judged) - 1)
    assert len(world.judged) - 1 <= 13 + 4
    assert world.is_in("alice", AT + HOUR, "203.0.113.5")


def test_a_device_is_a_place_too():
    world = World("alice")
    assert isinstance(world.log_in("alice", GOOD, AT - HOUR, "192.0.2.1", device="laptop"), Proven)
    attack(world, 0.1, 1.0, lambda number: ("alice", f"guess {number}"))
    new = "203.0.113.5"
    assert isinstance(world.log_in("alice", GOOD, AT + 361, new), Denied)
    assert isinstance(world.log_in("alice", GOOD, AT + 361, new, device="laptop"), Proven)


# Many accounts.


def test_credential_stuffing(record_figure):
    """40,000 leaked pairs, two of each of 20,000 accounts, from 100 addresses, within an hour."""
    rng = random.Random(7)
    world = World(*(f"user{number}" for number in range(20_000)))
    owners = rng.sample(range(20_000), 200)
    for number in owners:
        assert world.is_in(f"user{number}", AT - DAY, f"192.0.{number >> 8}.{number & 255}")
    before = len(world.judged)
    for number in range(40_000):
        at = AT + number * HOUR / 40_000
        world.log_in(f"user{number // 2}", f"leaked {number}", at, address(number % 100))
    judged = len(world.judged) - before
    record_figure("stuffing, 40000 tried in an hour from 100 addresses", judged)
    record_figure("stuffing, per address", judged / 100)
    assert judged / 100 <= 45 + 120 + 1
    assert all(world.is_in(f"user{number}", AT + HOUR, f"192.0.{number >> 8}.{number & 255}") for number in owners)
    assert world.is_in("user19999", AT + HOUR, "203.0.113.5"), "an account of which nobody tried more than a few"


def test_password_spraying(record_figure):
    """Three passwords against 20,000 accounts, each guess from an address of its own, for an hour."""
    world = World(*(f"user{number}" for number in range(20_000)))
    sprayed = ("Winter2026!Winter", "CompanyName2026!", "Password123456!")
    judged = attack(world, 1, HOUR / 60_000, lambda number: (f"user{number // 3}", sprayed[number % 3]))
    record_figure("spraying, 60000 tried in an hour from as many addresses, 3 passwords", judged)
    assert judged <= 3 * (25 + 4)
    assert world.is_in("user7", AT + HOUR, "203.0.113.5")


@pytest.mark.parametrize("prefix", ["2001:db8::", "2001:db8:0:1::"])
def test_a_network_of_ipv6_is_one_address(prefix):
    """2**64 addresses are one host's; 65536 such networks are one customer's."""
    world = World()
    wide = prefix == "2001:db8::"
    for number in range(2000):
        at = f"2001:db8:0:{number:x}::1" if wide else f"{prefix}{number:x}"
        world.log_in(f"user{number}", f"guess {number}", AT + number / 1000, at)
    assert len(world.judged) <= (180 if wide else 45) + 1


def test_who_is_changed_has_new_budgets():
    """What `stockade users unlock` does: the owner gets in at a new address, and strangers have a few guesses again."""
    world = World("alice")
    attack(world, 1, 1.0, lambda number: ("alice", f"guess {number}"))
    at = AT + HOUR
    world.log_in("alice", "one more", at, address(1))
    assert not world.is_in("alice", at, "203.0.113.77")
    world.users["alice"] = User("id-alice", "alice", password=GOOD, stamp=1)
    assert world.is_in("alice", at, "203.0.113.77")
    assert attack(world, 1, 1.0, lambda number: ("alice", f"other {number}"), at) <= 13 + 4


# What costs nothing.


def test_asking_the_same_again_costs_nothing_and_tells_nothing():
    """A program with an old password asks every second for a day: its user is not locked out by it."""
    world = World("robot")
    for number in range(3600):
        denied = world.log_in("robot", "the old password", AT + number, "198.51.100.9")
        assert denied == Denied("login-wrong-again" if number else "login-wrong")
    assert len(world.judged) == 1
    assert world.is_in("robot", AT + HOUR, "203.0.113.5")
    world.users["robot"] = User("id-robot", "robot", password="the old password", stamp=1)
    assert isinstance(world.log_in("robot", "the old password", AT + HOUR, "198.51.100.9"), Proven)


def test_a_right_password_costs_nothing():
    world = World("alice")
    for number in range(1000):
        assert world.is_in("alice", AT + number / 1000, address(number))


def test_one_client_with_many_connections_makes_one_guess():
    world = World("alice")
    runs = [world.logins.prove(Login("alice", GOOD), AT, address="192.0.2.1") for _ in range(50)]
    asks = []
    for run in runs:
        ask = next(run)
        while not isinstance(ask, CheckPassword):
            ask = run.send(world.answer(ask))
        asks.append(ask)
    ends = []
    for run, ask in zip(runs, asks, strict=True):
        try:
            while True:
                ask = run.send(world.answer(ask))
        except StopIteration as end:
            ends.append(end.value)
    assert all(isinstance(end, Proven) for end in ends)
    assert len(ends) == 50


def test_what_is_locked_says_nothing_of_the_guess():
    """The right password, a wrong one and nobody's name: the same answer, and nothing is compared."""
    world = World("alice")
    for name in ("alice", "nobody"):
        for number in range(20):
            world.log_in(name, f"guess {number} {name}", AT, address(number))
    judged = len(world.judged)
    answers = [
        world.log_in(name, password, AT + 0.5, "203.0.113.5")
        for name, password in (("alice", GOOD), ("alice", "wrong"), ("nobody", GOOD))
    ]
    assert [answer.reason for answer in answers if isinstance(answer, Denied)] == ["too-many-guesses"] * 3
    assert len({round(answer.wait, 3) for answer in answers if isinstance(answer, Denied)}) == 1
    assert len(world.judged) == judged


# The second factor.


def test_a_wrong_code_costs_as_much_as_a_wrong_password():
    world = World("alice")
    judged = 0
    for number in range(3600):
        world.log_in("alice", GOOD, AT + number, address(number), codes=(f"{number:06d}",))
    judged = len(world.judged)
    assert judged <= 13 + 4


def test_a_code_is_good_for_a_while_where_it_was_shown():
    world = World("alice")
    world.users["alice"] = User("id-alice", "alice", password=GOOD, factors=frozenset({"totp"}))
    home = "192.0.2.1"
    assert world.log_in("alice", GOOD, AT, home) == Denied("second-factor-missing")
    proven = world.log_in("alice", GOOD, AT + 1, home, codes=("123456",))
    assert isinstance(proven, Proven)
    assert (proven.methods.acr, sorted(proven.methods.amr)) == ("mfa", ["mfa", "otp", "pwd"])
    again = world.log_in("alice", GOOD, AT + 500, home)
    assert isinstance(again, Proven)
    assert (again.auth_time, again.methods.acr) == (AT + 1, "mfa")
    assert world.log_in("alice", GOOD, AT + 602, home) == Denied("second-factor-missing")
    assert world.log_in("alice", GOOD, AT + 500, "192.0.2.2") == Denied("second-factor-missing")
    assert world.log_in("alice", GOOD, AT + 700, home, codes=("123456",)) == Denied("second-factor-wrong")


# The arithmetic.


def test_steps_grow_and_end():
    paces = steps(5, 900.0)
    assert [round(pace.interval / 1e9, 2) for pace in paces] == [1.76, 14.06, 112.5, 900.0]
    assert [pace.burst for pace in paces] == [5, 8, 10, 13]


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("192.0.2.1", ("192.0.2.1", "")),
        ("::ffff:192.0.2.1", ("192.0.2.1", "")),
        ("2001:db8:1:2:3::4", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
        ("no address", ("no address", "")),
    ],
)
def test_whose_address_it_is(address, networks):
    assert networks_of(address) == networks


@pytest.fixture
def record_figure(capsys):
    """Say a figure where it is seen, whatever pytest swallows."""

    def say(what: str, value: float) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {what}: {value:g} judged")

    return say
