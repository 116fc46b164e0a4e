"""Refresh tokens, devices, introspection, revocation and signing keys over time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stockade.controls.authentication import Lockout
from stockade.grants import Schedule, make_user_code, read_user_code, show_user_code
from stockade.identity.clients import Registered
from stockade.tokens import BadToken, JwtRules, VerificationKeys, parse_jwks, verify_jwt
from tests.identity.service.test_code_flow import claims
from tests.identity.service.test_token_endpoint import CLIENT, error
from tests.identity.service.token_service import ISSUER, SCHEDULE, Browser, TokenService

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def refreshed(served: TokenService, client: Registered, token: str, **more: str) -> dict[str, str]:
    reply = served.token(client, {"grant_type": "refresh_token", "refresh_token": token, **more})
    found: dict[str, str] = reply.json()
    return found


# Refresh tokens.


def test_refresh_tokens_rotate(served: TokenService) -> None:
    web = served.web()
    first = served.exchange(web, served.code(web)).json()
    second = refreshed(served, web, first["refresh_token"], scope="read")
    assert second["scope"] == "read"
    third = refreshed(served, web, second["refresh_token"])
    assert third["scope"] == "openid read write", "a narrow token does not narrow the grant"
    assert len({each["refresh_token"] for each in (first, second, third)}) == 3
    assert refreshed(served, web, third["refresh_token"], scope="read admin")["error"] == "invalid_scope"


def test_a_refresh_token_used_twice_ends_the_family(served: TokenService) -> None:
    web = served.web(tokens="opaque")
    first = served.exchange(web, served.code(web)).json()
    second = refreshed(served, web, first["refresh_token"])
    assert served.active(second["access_token"])["active"]
    assert refreshed(served, web, first["refresh_token"])["error"] == "invalid_grant"
    assert refreshed(served, web, second["refresh_token"])["error"] == "invalid_grant"
    for tokens in (first, second):
        assert served.active(tokens["access_token"]) == {"active": False}


def test_one_of_many_at_once_refreshes(served: TokenService) -> None:
    web = served.web()
    token = served.exchange(web, served.code(web)).json()["refresh_token"]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: refreshed(served, web, token), range(8)))
    assert sum("access_token" in answer for answer in answers) == 1


def test_refresh_tokens_end(served: TokenService) -> None:
    web, other = served.web(), served.web()
    token = served.exchange(web, served.code(web)).json()["refresh_token"]
    assert refreshed(served, other, token)["error"] == "invalid_grant"
    token = served.exchange(web, served.code(web)).json()["refresh_token"]
    served.now += served.settings.refresh
    assert refreshed(served, web, token)["error"] == "invalid_grant"
    token = served.exchange(web, served.code(web)).json()["refresh_token"]
    served.users.disabled.add("user-alice")
    assert refreshed(served, web, token)["error"] == "invalid_grant"


def test_a_grant_ends_however_often_it_is_renewed(served: TokenService) -> None:
    web = served.web()
    token, end = served.exchange(web, served.code(web)).json()["refresh_token"], served.now + served.settings.grant
    while served.now + served.settings.refresh / 2 < end:
        served.now += served.settings.refresh / 2
        token = refreshed(served, web, token)["refresh_token"]
    served.now = end
    assert refreshed(served, web, token)["error"] == "invalid_grant"


def test_of_several_audiences_some_for_each_token(served: TokenService) -> None:
    """RFC 8707, section 2.2: what was agreed to is for both, each token for those that the client names."""
    for form in ("jwt", "opaque"):
        web = served.web(audiences=["shop", "stock"], tokens=form)
        code = served.code(web, resource=["shop", "stock"])
        tokens = served.exchange(web, code, resource="stock").json()
        assert own(served, web, tokens["access_token"])["aud"] == "stock"
        fresh = refreshed(served, web, tokens["refresh_token"])
        assert own(served, web, fresh["access_token"])["aud"] == ["shop", "stock"]
        refresh = {"grant_type": "refresh_token", "refresh_token": fresh["refresh_token"]}
        last = served.token(web, {**refresh, "resource": "shop"}).json()
        assert own(served, web, last["access_token"])["aud"] == "shop"
    web = served.web(audiences=["shop", "stock"])
    code = served.code(web, resource="shop")
    assert served.exchange(web, code, resource="stock").json()["error"] == "invalid_target"


def own(served: TokenService, client: Registered, token: str) -> dict[str, Any]:
    reply = served.post("introspect", {"token": token}, auth=(client.client.id, client.secret))
    found: dict[str, Any] = reply.json()
    return found


# Devices.


def begin(served: TokenService, client: Registered) -> dict[str, str]:
    reply = served.post("device_authorization", {"client_id": client.client.id, "scope": "read"})
    assert reply.status_code == 200, reply.text
    found: dict[str, str] = reply.json()
    return found


def poll(served: TokenService, client: Registered, code: str) -> dict[str, str]:
    served.now += 6
    found: dict[str, str] = served.token(client, {"grant_type": DEVICE, "device_code": code}).json()
    return found


def enter(browser: Browser, code: str, decision: str = "allow") -> str:
    browser.page = browser.http.get("/id/oauth2/device")
    assert "The code that your device shows" in browser.log_in().text
    if "Allow access?" in browser.submit(user_code=code).text:
        browser.submit(decision=decision)
    return browser.page.text


def test_a_device_is_let_in(served: TokenService) -> None:
    television = served.television()
    codes = begin(served, television)
    assert poll(served, television, codes["device_code"])["error"] == "authorization_pending"
    with Browser(served) as browser:
        assert "Go back to your device" in enter(browser, codes["user_code"].lower().replace("-", " "))
        assert "No device waits" in enter(browser, codes["user_code"])
    tokens = poll(served, television, codes["device_code"])
    assert claims(tokens["access_token"])["sub"] == "user-alice"
    assert "access_token" in refreshed(served, television, tokens["refresh_token"])
    assert poll(served, television, codes["device_code"])["error"] == "invalid_grant"


def test_a_device_code_used_twice_ends_the_family(served: TokenService) -> None:
    television = served.television()
    codes = begin(served, television)
    with Browser(served) as browser:
        enter(browser, codes["user_code"])
    tokens = poll(served, television, codes["device_code"])
    assert served.active(tokens["access_token"])["active"]
    assert poll(served, television, codes["device_code"])["error"] == "invalid_grant"
    assert served.active(tokens["access_token"]) == {"active": False}


def test_a_device_that_is_refused_hurries_or_is_late(served: TokenService) -> None:
    television, other = served.television(), served.television()
    codes = begin(served, television)
    with Browser(served) as browser:
        assert "not let in" in enter(browser, codes["user_code"], "deny")
    assert poll(served, television, codes["device_code"])["error"] == "access_denied"
    codes = begin(served, television)
    assert poll(served, other, codes["device_code"])["error"] == "invalid_grant"
    assert poll(served, television, codes["device_code"])["error"] == "authorization_pending"
    served.now -= 5
    assert poll(served, television, codes["device_code"])["error"] == "slow_down"
    assert poll(served, television, codes["device_code"])["error"] == "slow_down", "it must wait longer now"
    served.now += 600
    assert poll(served, television, codes["device_code"])["error"] == "expired_token"
    with Browser(served) as browser:
        assert "No device waits" in enter(browser, codes["user_code"])


def test_user_codes_cannot_be_guessed(served: TokenService) -> None:
    television = served.television()
    codes = begin(served, television)
    with Browser(served) as browser:
        browser.page = browser.http.get("/id/oauth2/device")
        browser.log_in()
        for _ in range(Lockout().account):
            assert "No device waits" in browser.submit(user_code="BCDF-GHJK").text
        refused = browser.submit(user_code=codes["user_code"])
        assert "Too many" in refused.text
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    with Browser(served) as browser:
        served.now += 1
        assert "Too many" in enter(browser, codes["user_code"]), "a new page is no new chance"
    served.now += Lockout().longest
    codes = begin(served, television)
    with Browser(served) as browser:
        assert "Go back to your device" in enter(browser, codes["user_code"])


def test_user_codes() -> None:
    code = make_user_code(bytes(range(16)))
    assert read_user_code(show_user_code(code).lower()) == code
    assert [read_user_code(text) for text in ("", "BCDFGHJ", "AAAAAAAA", "B" * 9, "é" * 8, " " * 100)] == [None] * 6


def test_the_device_flow_is_for_those_who_may(served: TokenService) -> None:
    robot = served.robot()
    reply = served.post("device_authorization", {"scope": "read"}, auth=(robot.client.id, robot.secret))
    assert error(reply) == (400, "unauthorized_client")


# Introspection and revocation.


def test_a_refresh_token_is_no_access_token(served: TokenService) -> None:
    web = served.web()
    tokens = served.exchange(web, served.code(web)).json()
    assert served.active(tokens["refresh_token"]) == {"active": False}, "to the API it is for"
    own = served.post("introspect", {"token": tokens["refresh_token"]}, auth=(web.client.id, web.secret))
    assert own.json()["token_type"] == "refresh_token"


@pytest.mark.parametrize("form", ["jwt", "opaque"])
def test_introspection_is_for_the_audience(served: TokenService, form: str) -> None:
    robot = served.robot(tokens=form)
    token = served.token(robot, CLIENT).json()["access_token"]
    told = served.active(token)
    assert (told["active"], told["sub"], told["aud"], told["iss"]) == (
        True,
        f"client:{robot.client.id}",
        "shop",
        ISSUER,
    )
    stranger = served.robot(audiences=["elsewhere"])
    asked = served.post("introspect", {"token": token}, auth=(stranger.client.id, stranger.secret))
    assert asked.json() == {"active": False}
    public = served.television()
    assert error(served.post("introspect", {"token": token, "client_id": public.client.id})) == (401, "invalid_client")
    assert error(served.post("introspect", {}, auth=(robot.client.id, robot.secret))) == (400, "invalid_request")
    served.now += 301
    assert served.active(token) == {"active": False}


@pytest.mark.parametrize("form", ["jwt", "opaque"])
def test_revocation(served: TokenService, form: str) -> None:
    robot, stranger = served.robot(tokens=form), served.robot()
    token, other = (served.token(robot, CLIENT).json()["access_token"] for _ in range(2))
    auth = (robot.client.id, robot.secret)
    reply = served.post("revoke", {"token": token}, auth=(stranger.client.id, stranger.secret))
    assert error(reply) == (400, "unauthorized_client")
    assert served.active(token)["active"]
    for _ in range(2):
        assert served.post("revoke", {"token": token, "token_type_hint": "x"}, auth=auth).status_code == 200
    assert [served.active(each)["active"] for each in (token, other)] == [False, True]
    assert served.post("revoke", {"token": "made up"}, auth=auth).status_code == 200


def test_revoking_a_refresh_token_ends_its_family(served: TokenService) -> None:
    web = served.web(authentication="none")
    tokens = served.exchange(web, served.code(web)).json()
    form = {"token": tokens["refresh_token"], "client_id": web.client.id}
    assert served.post("revoke", form).status_code == 200
    assert served.active(tokens["access_token"]) == {"active": False}
    assert refreshed(served, web, tokens["refresh_token"])["error"] == "invalid_grant"


@pytest.mark.parametrize("form", ["jwt", "opaque"])
def test_a_client_that_is_disabled_loses_its_tokens(served: TokenService, form: str) -> None:
    robot = served.robot(tokens=form)
    old = served.token(robot, CLIENT).json()["access_token"]
    served.now += 2
    served.clients.disable(robot.client.id, served.now)
    assert served.active(old) == {"active": False}
    served.clients.enable(robot.client.id)
    served.now += 2
    new = served.token(robot, CLIENT).json()["access_token"]
    assert [served.active(each)["active"] for each in (old, new)] == [False, True]
    served.clients.remove(robot.client.id, served.now)
    assert served.active(new) == {"active": False}


# Signing keys.


def published(served: TokenService) -> VerificationKeys:
    with served.http() as client:
        return parse_jwks(client.get("/id/oauth2/jwks").content)


def verify(served: TokenService, token: str, keys: VerificationKeys) -> str | None:
    rules = JwtRules(algorithms=frozenset({"ES256"}), issuer=ISSUER, audience="shop", typ=frozenset({"at+jwt"}))
    return verify_jwt(token, keys, rules, served.now).subject


CLOSE, FAR = 300.0, 1800.0  # seconds


def test_keys_rotate_with_an_overlap(served: TokenService) -> None:
    robot, kids = served.robot(), set()
    start = SCHEDULE.slot(served.now) * SCHEDULE.rotate
    served.now, token, seen, step = start, "", published(served), FAR
    while served.now < start + 3 * SCHEDULE.rotate:
        served.service.keep_house(served.now)
        if token and step == CLOSE:
            verify(served, token, published(served))  # of five minutes ago
        token = served.token(robot, CLIENT).json()["access_token"]
        verify(served, token, seen)  # by who looked at the keys up to half an hour ago
        seen = published(served) if served.now % 1800 == 0 else seen
        kids.add(tuple(sorted(str(key.kid) for key in published(served))))
        # Nothing changes but near the hour at which keys do: there, every five minutes are looked at.
        away = (served.now - start + SCHEDULE.rotate / 2) % SCHEDULE.rotate - SCHEDULE.rotate / 2
        step = CLOSE if abs(away) < 2 * SCHEDULE.lead else FAR
        served.now += step
    assert len({kid for each in kids for kid in each}) == 4
    assert {len(each) for each in kids} == {1, 2}


def test_a_key_that_leaked_is_withdrawn(served: TokenService) -> None:
    robot = served.robot()
    token = served.token(robot, CLIENT).json()["access_token"]
    kid = served.keys.replace(served.now)
    with pytest.raises(BadToken):
        verify(served, token, published(served))
    new = served.token(robot, CLIENT).json()["access_token"]
    assert verify(served, new, published(served))
    assert kid in {key.kid for key in published(served)}


def test_many_processes_make_one_key(served: TokenService) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: served.keys.ensure(served.now), range(8)))
    assert len(published(served)) == 1


def test_when_keys_are_made() -> None:
    schedule = Schedule(rotate=100.0, lead=10.0, overlap=5.0)
    assert [schedule.wanted(at) for at in (100.0, 189.0, 190.0, 200.0)] == [[1], [1], [1, 2], [2]]
    assert schedule.expires(1) == 205.0


def test_what_is_over_is_forgotten(served: TokenService) -> None:
    web, robot, television = served.web(), served.robot(tokens="opaque"), served.television()
    served.exchange(web, served.code(web))
    served.token(robot, CLIENT)
    begin(served, television)
    served.clients.disable(robot.client.id, served.now)
    served.now += served.settings.grant + 100_000
    for _ in range(2):  # tokens go after their grants
        served.service.keep_house(served.now)
    from sqlalchemy import func, select

    from stockade.stores.tokens import DEVICES, GRANTS, ONCE, REVOCATIONS, TOKENS

    for table in (DEVICES, GRANTS, ONCE, REVOCATIONS, TOKENS):
        rows = served.tokens.database.read(select(func.count().label("n")).select_from(table))
        assert rows[0]["n"] == 0, table.name
