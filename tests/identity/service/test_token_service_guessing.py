"""Guessing at the token service, simulated: its ASGI application over real stores and budgets, hours handed in.

Credential stuffing, password spraying and a botnet on one account at the login page; client secrets, device codes and
user codes at the rest. Each run prints how many guesses were judged (those at passwords are counted where a password is
compared), asserts the bound that is promised, and has the owner log in while it goes on.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from stockade.envelopes import Envelope, KeyRing
from stockade.grants import challenge_of
from stockade.identity.answers import Answers
from stockade.identity.clients import Registered
from stockade.identity.factors import Factors
from stockade.identity.service.people import People
from stockade.identity.users import Users, derived
from stockade.passwords import Argon2, User
from stockade.stores import Counters, Database
from stockade.stores.factors import FactorStore
from stockade.stores.passwords import PasswordChecks
from stockade.stores.users import AuditEntry, UserStore
from tests.identity.service.token_service import BACK, HASH_KEY, START, VERIFIER, TokenService

HOUR, DAY = 3600.0, 86_400.0
GOOD = "correct horse battery staple"
HOME, NEW = "192.0.2.1", "203.0.113.5"
ACCOUNTS = 400
Send = Callable[["Internet", int], Any]


class Plain:
    """Passwords as they are, and how often one was compared: argon2 is tried elsewhere."""

    def __init__(self) -> None:
        self.compared = 0

    def matches(self, encoded: str, password: str) -> bool:
        self.compared += 1
        return encoded == password

    def waste(self, password: str) -> None:
        self.matches("", password)

    def outdated(self, encoded: str) -> bool:
        return False


class Town(TokenService):
    """The service, with users of our own."""

    def __init__(self, database: Database) -> None:
        self.plain = Plain()
        counters, store = Counters(), UserStore(database)
        self.checks = PasswordChecks(store, cast(Argon2, self.plain))
        factors = FactorStore(store, Envelope(KeyRing.of(b"k" * 32)), derived(HASH_KEY, "recovery codes"))
        answers = Answers(store, self.checks, factors, counters)
        people = People(Users(answers, HASH_KEY), Factors(answers, HASH_KEY))
        super().__init__(database, people=people, counters=counters, device=DAY)
        for number in range(ACCOUNTS):
            user = User(f"id-{number}", f"user{number}", password=GOOD, scopes=frozenset({"read"}), created=START)
            store.add(user, AuditEntry(START, "test", user.id, user.name, "added", {}))
        self.shop = self.web()
        self.service.keep_house(self.now)


class Internet:
    """Whoever has as many addresses as they like, and the pages of the service."""

    def __init__(self, town: Town, http: httpx.AsyncClient) -> None:
        self.town, self.http = town, http
        self._ticket, self._until = "", 0.0

    async def post(self, path: str, form: dict[str, str], address: str, **more: Any) -> httpx.Response:
        told = {"x-stockade-peer-address": address}
        return await self.http.post(f"/id/oauth2/{path}", data=form, headers=told, **more)

    async def log_in(self, name: str, password: str, address: str) -> str:
        """What the browser sees."""
        if self.town.now >= self._until:
            asked = {
                "response_type": "code",
                "client_id": self.town.shop.client.id,
                "redirect_uri": BACK,
                "code_challenge": challenge_of(VERIFIER),
                "code_challenge_method": "S256",
            }
            page = await self.http.get("/id/oauth2/authorize", params=asked)
            self._ticket, self._until = ticket_of(page), self.town.now + 500
        form = {"ticket": self._ticket, "username": name, "password": password}
        return seen(await self.post("login", form, address))

    async def is_in(self, number: int, address: str) -> bool:
        return await self.log_in(f"user{number}", GOOD, address) == "in"

    async def secret(self, client: str, secret: str, address: str) -> httpx.Response:
        return await self.post("token", {"grant_type": "client_credentials"}, address, auth=(client, secret))


def ticket_of(page: httpx.Response) -> str:
    found = re.search(r'name="ticket" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return unescape(found[1])


def seen(page: httpx.Response) -> str:
    if page.status_code == 429:
        assert int(page.headers["retry-after"]) > 0
        assert "Too many wrong tries" in page.text
        return "wait"
    assert page.status_code == 200, page.text
    return "in" if "Allow access?" in page.text else "wrong"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with closing(Database(tmp_path / "stockade.db")) as database:
        town = Town(database)
        yield town
        town.checks.close()


def during(town: Town, work: Callable[[Internet], Any]) -> Any:
    async def run() -> Any:
        transport = httpx.ASGITransport(town.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://auth.example") as http:
            return await work(Internet(town, http))

    return asyncio.run(run())


async def attack(net: Internet, count: int, send: Send, hours: float = 1.0) -> Counter[str]:
    """So many guesses, evenly over simulated time: what came of them."""
    begun, answers = net.town.now, Counter[str]()
    for number in range(count):
        net.town.now = begun + number * hours * HOUR / count
        answers[await send(net, number)] += 1
    net.town.now = begun + hours * HOUR
    return answers


def address(number: int) -> str:
    return f"198.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str, float], None]:
    def say(what: str, value: float) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {what}: {value:g} judged")

    return say


# The login page.


def test_stuffing_at_the_login_page(town: Town, say: Callable[[str, float], None]) -> None:
    """2,000 leaked pairs within an hour from 4 addresses; most of the names are nobody's here."""

    async def run(net: Internet) -> None:
        assert await net.is_in(7, HOME)
        before = town.plain.compared
        answers = await attack(net, 2000, lambda net, n: net.log_in(f"user{n}", f"leaked {n}", address(n % 4)))
        judged = town.plain.compared - before
        say("stuffing at /login, 2000 tried in an hour from 4 addresses", judged)
        assert answers == {"wrong": judged, "wait": 2000 - judged}
        assert 4 * 30 <= judged <= 4 * 165
        assert await net.is_in(7, HOME), "at home"
        assert await net.is_in(8, NEW), "somewhere new"
        more = [await net.log_in("nobody", f"one more {number}", address(0)) for number in range(2)]
        assert more[-1] == "wait"
        assert await net.log_in("user9", GOOD, address(0)) == "wait", "where the guesser is, a stranger has to wait"
        town.now += 60
        assert await net.is_in(9, address(0)), "and not for long"

    during(town, run)


def test_spraying_at_the_login_page(town: Town, say: Callable[[str, float], None]) -> None:
    """Three passwords on 400 accounts within an hour, each guess from an address of its own."""
    sprayed = ("Winter2026!Winter", "CompanyName2026!", "Password123456!")

    async def run(net: Internet) -> None:
        count = 3 * ACCOUNTS
        await attack(net, count, lambda net, n: net.log_in(f"user{n // 3}", sprayed[n % 3], address(n)))
        judged = town.plain.compared
        say("spraying at /login, 1200 tried in an hour from as many addresses, 3 passwords", judged)
        assert 3 <= judged <= 3 * 29
        assert await net.is_in(7, NEW)

    during(town, run)


def test_a_botnet_on_one_account(town: Town, say: Callable[[str, float], None]) -> None:
    """A guess every two seconds, each from a new address, and the owner at home every six minutes."""
    owner = Counter[str]()

    async def send(net: Internet, number: int) -> str:
        if number % 180 == 0:
            owner[await net.log_in("user7", GOOD, HOME)] += 1
        return await net.log_in("user7", f"guess {number}", address(number))

    async def run(net: Internet) -> None:
        assert await net.is_in(7, HOME)
        answers = await attack(net, 1800, send)
        say("one account at /login, 1800 tried in an hour from as many addresses", answers["wrong"])
        assert 4 < answers["wrong"] <= 17
        assert owner == {"in": 10}
        await net.log_in("user7", "one more", address(9))
        assert await net.log_in("user7", GOOD, NEW) == "wait"
        town.now += HOUR
        assert await net.is_in(7, NEW), "when it is over"

    during(town, run)


def test_the_right_password_gets_the_same_answer(town: Town) -> None:
    """Whose budget is spent: a right password, a wrong one and nobody's name look alike, and nothing is compared."""

    async def run(net: Internet) -> None:
        for number in range(40):
            await net.log_in("user1", f"guess {number}", address(number))
            await net.log_in("nobody", f"guess {number}", address(number))
        before = town.plain.compared
        told = {await net.log_in(*who, NEW) for who in (("user1", GOOD), ("user1", "x" * 15), ("nobody", GOOD))}
        assert told == {"wait"}
        assert town.plain.compared == before

    during(town, run)


# The token endpoint.


def test_client_secrets(town: Town, say: Callable[[str, float], None]) -> None:
    """From one address, and from as many as there are guesses: the client's own address is never stopped."""
    robot = town.robot()

    def guess(near: Callable[[int], str]) -> Send:
        async def send(net: Internet, number: int) -> str:
            if number % 100 == 0:
                good = await net.secret(robot.client.id, robot.secret, HOME)
                assert good.status_code == 200, good.text
            reply = await net.secret(robot.client.id, f"sts_{town.now}", near(number))
            assert reply.status_code == 401 or int(reply.headers["retry-after"]) > 0
            return str(reply.status_code)

        return send

    async def run(net: Internet) -> None:
        answers = await attack(net, 1800, guess(lambda _: NEW))
        say("one client's secret at /oauth2/token, 1800 tried in an hour from one address", answers["401"])
        assert answers == {"401": answers["401"], "429": 1800 - answers["401"]}
        assert 30 <= answers["401"] <= 165
        more = [(await net.secret(robot.client.id, f"sts_more{n}", NEW)).status_code for n in range(2)]
        assert more[-1] == 429
        assert (await net.secret(robot.client.id, robot.secret, NEW)).status_code == 429, "it is not judged there"
        town.now += 31
        assert (await net.secret(robot.client.id, robot.secret, NEW)).status_code == 200

    during(town, run)


def test_an_old_secret_costs_once(town: Town) -> None:
    """A program that was forgotten asks every five seconds: who shares its address goes on."""
    robot, other = town.robot(), town.robot()

    async def run(net: Internet) -> None:
        for _ in range(200):
            town.now += 5
            assert (await net.secret(robot.client.id, "sts_old", NEW)).status_code == 401
            assert (await net.secret(other.client.id, other.secret, NEW)).status_code == 200

    during(town, run)


def test_forty_good_ones_at_once_are_no_guesses(town: Town) -> None:
    robot = town.robot()

    async def run(net: Internet) -> None:
        replies = await asyncio.gather(*(net.secret(robot.client.id, robot.secret, NEW) for _ in range(40)))
        assert Counter(reply.status_code for reply in replies) == {200: 40}

    during(town, run)


def test_parallel_guesses_are_paid_for(town: Town) -> None:
    robot = town.robot()

    async def run(net: Internet) -> None:
        replies = await asyncio.gather(*(net.secret(robot.client.id, f"sts_{n}", NEW) for n in range(100)))
        assert Counter(reply.status_code for reply in replies) == {401: 30, 429: 70}

    during(town, run)


async def begin(net: Internet, television: Registered) -> dict[str, Any]:
    reply = await net.post("device_authorization", {"client_id": television.client.id}, HOME)
    assert reply.status_code == 200, reply.text
    return cast(dict[str, Any], reply.json())


def test_device_codes(town: Town, say: Callable[[str, float], None]) -> None:
    """256 bits, and no secret needed to try: answered as long as the address can pay; a real device goes on."""
    television = town.television()

    async def poll(net: Internet, code: str) -> tuple[int, str]:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": television.client.id,
            "device_code": code,
        }
        reply = await net.post("token", form, NEW)
        return reply.status_code, reply.json()["error"]

    async def run(net: Internet) -> None:
        code = (await begin(net, television))["device_code"]

        async def send(net: Internet, number: int) -> str:
            if number % 100 == 0:
                assert await poll(net, code) == (400, "authorization_pending"), "at the guesser's own address"
            return str((await poll(net, f"stc_{number}"))[0])

        answers = await attack(net, 1800, send)
        say("device codes at /oauth2/token, 1800 tried in an hour from one address", answers["400"])
        assert answers == {"400": answers["400"], "429": 1800 - answers["400"]}
        assert 30 <= answers["400"] <= 165

    during(town, run)


def test_user_codes(town: Town, say: Callable[[str, float], None]) -> None:
    """34 bits, so counted per user too, whatever addresses there are; nobody else is stopped by it."""
    television = town.television()
    letters = "BCDFGHJKLMNPQRSTVWXZ"

    async def enter(net: Internet, name: str) -> Callable[[str, str], Any]:
        """Log in on the device page: how to enter a code."""
        page = await net.http.get("/id/oauth2/device")
        form = {"ticket": ticket_of(page), "username": name, "password": GOOD}
        page = await net.post("login", form, HOME)
        ticket = ticket_of(page)
        return lambda code, near: net.post("device", {"ticket": ticket, "user_code": code}, near)

    async def run(net: Internet) -> None:
        wanted = (await begin(net, television))["user_code"]
        answers = Counter[int]()
        for number in range(720):
            if number % 100 == 0:
                type_in = await enter(net, "user7")
            code = "".join(letters[number // 20**place % 20] for place in range(8))
            answers[(await type_in(code, address(number))).status_code] += 1
            town.now += 5
        say("user codes at /oauth2/device, 720 tried in an hour by one user", answers[200])
        assert answers == {200: answers[200], 429: 720 - answers[200]}
        assert 4 < answers[200] <= 17
        type_in = await enter(net, "user8")
        assert "Allow access?" in (await type_in(wanted, NEW)).text

    during(town, run)
