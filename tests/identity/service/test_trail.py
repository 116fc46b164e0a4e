"""What the token service tells of what happened at it: each event, nothing secret, and never without bound."""

from __future__ import annotations

import threading

import pytest

from stockade.identity.service.trail import Trail
from stockade.stores import Database, events
from stockade.stores.events import Event, EventStore
from stockade.vocabulary import StoreError
from tests.identity.service.token_service import Browser, TokenService

CLIENT = {"grant_type": "client_credentials"}


def told(served: TokenService) -> list[Event]:
    """Oldest first."""
    served.service.keep_house(served.now)
    return served.trail.store.newest(most=1000)[::-1]


def kinds(served: TokenService) -> list[tuple[str, str, str, int]]:
    return [(each.event, each.client, each.user, each.times) for each in told(served)]


def test_clients_that_are_refused(served: TokenService) -> None:
    robot = served.robot()
    for _ in range(5):
        assert served.post("token", CLIENT, auth=(robot.client.id, "a wrong secret")).status_code == 401
    served.post("token", CLIENT, auth=("a pasted secret", "x"))
    served.post("token", {**CLIENT, "client_id": robot.client.id, "client_secret": "a wrong secret"})
    rows = [row for row in told(served) if row.event == "client.refused"]
    assert [(row.client, row.times, row.detail) for row in rows] == [
        (robot.client.id, 5, "basic"),
        ("", 1, "basic"),
        (robot.client.id, 1, "secret"),
    ]
    assert "secret" not in str([(row.client, row.user, row.address) for row in rows])


def test_logins_and_their_failure(served: TokenService) -> None:
    web = served.web()
    served.users.factors.add("alice")
    with Browser(served) as browser:
        browser.authorize(web)
        browser.log_in("user-alice", "wrong horse")
        browser.log_in("correct horse", "alice")  # in the wrong order
        browser.log_in()
        browser.submit(code="000000")
        browser.submit(code="123456")
    rows = [row for row in told(served) if row.event.startswith(("login", "factor"))]
    assert sorted((row.event, row.user, row.detail) for row in rows) == [
        ("factor.failed", "user-alice", ""),
        ("login", "user-alice", "pwd otp mfa"),
        ("login.failed", "", ""),
        ("login.failed", "user-alice", ""),
    ]
    assert {row.client for row in rows} == {web.client.id}
    assert "horse" not in str(rows)


def test_replays(served: TokenService) -> None:
    web = served.web()
    code = served.code(web)
    first = served.exchange(web, code).json()["refresh_token"]
    second = served.token(web, {"grant_type": "refresh_token", "refresh_token": first}).json()
    for _ in range(3):
        served.token(web, {"grant_type": "refresh_token", "refresh_token": first})
    code = served.code(web)
    assert served.exchange(web, code).status_code == 200
    assert served.exchange(web, code).status_code == 400
    found = [row for row in kinds(served) if row[0] in ("refresh.reused", "code.replayed")]
    who = (web.client.id, "user-alice")
    # The first is written at once, what follows is counted.
    assert found == [("refresh.reused", *who, 1), ("code.replayed", *who, 1), ("refresh.reused", *who, 2)]
    text = str(told(served))
    assert all(secret not in text for secret in (code, first, second["refresh_token"]))


def test_devices(served: TokenService) -> None:
    television = served.television()
    for decision, event in (("allow", "device.approved"), ("deny", "device.denied")):
        codes = served.post("device_authorization", {"client_id": television.client.id}).json()
        with Browser(served) as browser:
            browser.page = browser.http.get("/id/oauth2/device")
            browser.log_in()
            browser.submit(user_code=codes["user_code"])
            browser.submit(decision=decision)
        assert (event, television.client.id, "user-alice", 1) in kinds(served)
        assert codes["user_code"] not in str(told(served))


def test_signing_keys(served: TokenService) -> None:
    made = [row.detail for row in told(served) if row.event == "signing_key.made"]
    assert made
    fresh = served.keys.replace(served.now)
    rows = [(row.event, row.detail) for row in told(served)][-2:]
    assert rows[0][0] == "signing_key.withdrawn"
    assert rows[0][1] in made
    assert rows[1] == ("signing_key.made", fresh)


def test_a_flood_is_counted_not_written(served: TokenService) -> None:
    """Every address and client makes a row of its own, up to a bound; the rest is told as one."""
    for number in range(5000):
        served.trail.count(Event(served.now, "client.refused", address=f"2001:db8::{number:x}"))
    rows = [row for row in told(served) if row.event == "client.refused"]
    assert len(rows) == 201
    assert sum(row.times for row in rows) == 5000
    assert max(row.times for row in rows) == 4800


def test_the_table_is_bounded_in_size_and_age(served: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_KEPT", 10)
    served.trail.store.add([Event(served.now, "login", user=f"u{number}") for number in range(50)])
    rows = told(served)
    assert "u49" in [row.user for row in rows]
    assert len(rows) == 10
    served.now += events.KEPT + 1
    assert [row.event for row in told(served) if row.event == "login"] == []


def test_nobody_is_refused_because_nothing_can_be_told(served: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("full")

    with monkeypatch.context() as broken:
        broken.setattr(EventStore, "add", fail)
        code = served.code(served.web())
        served.service.keep_house(served.now)
    assert code
    assert "login" in [row.event for row in told(served)]  # once it can be again


def test_from_many_threads(served: TokenService) -> None:
    trail = Trail(served.trail.store)

    def count() -> None:
        for _ in range(500):
            trail.count(Event(served.now, "x"))

    work = [threading.Thread(target=count) for _ in range(4)]
    for each in work:
        each.start()
    for each in work:
        each.join()
    trail.keep_house(served.now)
    assert [row.times for row in trail.store.newest(event="x")] == [2000]


def test_what_is_long_is_cut(served: TokenService) -> None:
    served.trail.now(Event(served.now, "login", "c" * 999, "u" * 999, "a" * 999, "d" * 999))
    row = served.trail.store.newest(event="login")[0]
    assert [len(text) for text in (row.client, row.user, row.address, row.detail)] == [64, 256, 64, 256]


def test_the_table_is_made_by_its_migration(tmp_path_factory: pytest.TempPathFactory) -> None:
    database = Database(tmp_path_factory.mktemp("events") / "stockade.db")
    assert EventStore(database).newest() == []
    database.close()
