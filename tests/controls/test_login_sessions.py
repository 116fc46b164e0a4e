"""Sessions of browsers that are logged in: how they last, are refreshed and end, and what logs nobody out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sql

from stockade.gateway.dry_run import Decision
from stockade.gateway.onlooker import Onlooker
from tests.controls.login_shop import (
    BACKCHANNEL,
    BINDING,
    LOGOUT,
    SESSION,
    URL,
    Browser,
    Shop,
    is_in,
    provider,
    rule,
    served,
    shop,
    shops,
)
from tests.controls.openid_provider import EVENT, SECRET, OpenIdProvider

__all__ = ["provider", "served", "shop", "shops"]


# What a session may not be.


def test_sessions_end(shops: Callable[..., Shop], provider: OpenIdProvider) -> None:
    provider.lifetime = None  # its clock stands still, so it has nothing to refresh
    shop = shops(idle="10m", lifetime="1h")
    idle, busy = Browser(shop), Browser(shop)
    idle.log_in()
    busy.log_in()
    for minute in range(1, 60, 9):
        busy.late = minute * 60.0
        assert is_in(busy)
    busy.late = 3600.0
    assert not is_in(busy)
    idle.late = 601.0
    assert not is_in(idle)
    idle.late = 0.0
    assert not is_in(idle)  # what is over stays over


def test_cookies_that_are_none(shops: Callable[..., Shop], provider: OpenIdProvider) -> None:
    shop = shops()
    browser = Browser(shop)
    browser.log_in()
    good = browser.cookie
    for cookies, reason in [
        ([(SESSION, good[:-1] + ("A" if good[-1] != "A" else "B"))], "session-unknown"),
        ([(SESSION, "")], "session-unknown"),
        ([(SESSION, "A" * 9000)], "session-unknown"),
        ([(SESSION, good), (SESSION, good)], "session-ambiguous"),
        ([(SESSION, good), (SESSION, "planted")], "session-ambiguous"),
        ([(SESSION, dict(browser.cookies)[BINDING])], "session-unknown"),
    ]:
        decision = Browser(shop, cookies).ask("/orders/7")
        assert (decision.status, rule(decision)) == (401, reason)
    assert Browser(shop, [("shop-session", good)]).ask("/orders/7").status == 401


def test_another_sites_page_cannot_act(shop: Shop) -> None:
    browser = Browser(shop)
    browser.log_in()
    for site in ("cross-site", "same-site"):
        decision = browser.ask("/transfers", "POST", sec_fetch_site=site)
        assert (decision.status, rule(decision)) == (403, "session-cross-site")
    assert browser.ask("/transfers", "POST", origin="https://evil.example").status == 403
    assert browser.ask("/ws", upgrade="websocket", connection="upgrade", origin="https://evil.example").status == 403
    assert browser.ask("/transfers", "POST", sec_fetch_site="same-origin").principal == "alice"
    assert browser.ask("/transfers", "POST", origin=URL).principal == "alice"


def test_the_oldest_of_too_many_sessions_ends(shops: Callable[..., Shop]) -> None:
    shop = shops(sessions=2)
    browsers = [Browser(shop) for _ in range(3)]
    for browser in browsers:
        browser.log_in()
    assert [is_in(browser) for browser in browsers] == [False, True, True]


def test_a_new_login_ends_the_browsers_old_session(shop: Shop) -> None:
    browser = Browser(shop)
    browser.log_in()
    old = browser.cookies
    browser.log_in("/.stockade/login")
    assert is_in(browser)
    assert not is_in(Browser(shop, old))


# Tokens grow old.


def test_tokens_are_refreshed(shop: Shop, provider: OpenIdProvider) -> None:
    browser = Browser(shop)
    browser.log_in()
    provider.said = {"roles": ["admin"], "nonce": "none of ours"}
    browser.late = 245.0
    assert is_in(browser)
    assert is_in(browser)
    assert provider.asked.count("/token") == 2  # once, with a token that is good once


def test_a_provider_that_is_down(shops: Callable[..., Shop], provider: OpenIdProvider) -> None:
    provider.dead = True
    decision = Browser(shops()).page("/orders/7")
    assert (decision.status, rule(decision)) == (503, "control-error")
    provider.dead = False
    browser = Browser(shops())
    browser.log_in()
    provider.dead = True
    browser.late = 245.0
    assert is_in(browser)  # while the token it has still lives
    browser.late = 301.0
    decision = browser.ask("/orders/7")
    assert (decision.status, decision.principal) == (503, None)
    provider.dead = False
    assert is_in(browser)


@pytest.mark.parametrize("case", ["refused", "another"])
def test_a_refresh_that_ends_the_session(case: str, shop: Shop, provider: OpenIdProvider) -> None:
    browser = Browser(shop)
    browser.log_in()
    if case == "refused":
        provider.refresh_tokens.clear()
    else:
        provider.said = {"sub": "bob"}
    browser.late = 245.0
    assert browser.ask("/orders/7").status == 401
    browser.late = 0.0
    assert browser.ask("/orders/7").status == 401


# Out.


def test_logout(shop: Shop, provider: OpenIdProvider) -> None:
    browser = Browser(shop)
    browser.log_in()
    kept = browser.cookies
    assert browser.ask(LOGOUT, sec_fetch_site="cross-site").status == 403
    assert browser.ask(LOGOUT, sec_fetch_site="same-origin", sec_purpose="prefetch;prerender").status == 403
    assert is_in(browser)
    provider.dead = True
    decision = browser.ask(LOGOUT, "POST", sec_fetch_site="same-origin", sec_fetch_mode="cors")
    assert decision.status == 200  # whatever the provider does, and no redirect for a script
    assert not is_in(browser)
    assert not is_in(Browser(shop, kept))


LOGOUTS: dict[str, tuple[dict[str, Any], str]] = {
    "a nonce": ({"nonce": "x"}, "logout-token-wrong-type"),
    "no event": ({"events": {}}, "logout-token-wrong-type"),
    "an event that is no object": ({"events": {EVENT: True}}, "logout-token-wrong-type"),
    "no events": ({"events": None}, "logout-token-missing-claim"),
    "another audience": ({"aud": "other"}, "logout-token-wrong-audience"),
    "another issuer": ({"iss": "https://evil.example"}, "logout-token-wrong-issuer"),
    "nobody": ({"sub": None, "sid": None}, "logout-token-missing-claim"),
    "a session that is no text": ({"sid": 7}, "logout-token-bad-claim"),
    "no name of its own": ({"jti": None}, "logout-token-missing-claim"),
    "expired": ({"exp": 1000}, "logout-token-expired"),
    "old": ({"iat": 1000, "exp": 4_000_000_000}, "logout-token-expired"),
    "no end": ({"exp": None}, "logout-token-missing-claim"),
}


def send(shop: Shop, token: str) -> Decision:
    form = urlencode({"logout_token": token}).encode()
    return shop.ask(BACKCHANNEL, "POST", [("content-type", "application/x-www-form-urlencoded")], form)


@pytest.mark.parametrize("name", LOGOUTS)
def test_a_logout_token_that_is_none(name: str, shop: Shop, provider: OpenIdProvider) -> None:
    claims, reason = LOGOUTS[name]
    browser = Browser(shop)
    browser.log_in()
    decision = send(shop, provider.logout_token(**claims))
    assert (decision.status, rule(decision)) == (400, reason)
    assert is_in(browser)


def test_an_id_token_logs_nobody_out(shop: Shop, provider: OpenIdProvider) -> None:
    decision = send(shop, provider.id_token(nonce="x", jti="1"))
    assert (decision.status, rule(decision)) == (400, "logout-token-missing-claim")
    provider.header = {"typ": "at+jwt"}
    assert rule(send(shop, provider.logout_token())) == "logout-token-wrong-type"


@pytest.mark.parametrize(
    "body", [b"", b"logout_token=", b"logout_token=a&logout_token=b", b"\xff\xfe", b"x" * 5000, b"logout_token=a.b.c"]
)
def test_a_form_that_is_none(body: bytes, shop: Shop) -> None:
    fields = [("content-type", "application/x-www-form-urlencoded")]
    assert shop.ask(BACKCHANNEL, "POST", fields, body).status == 400


def test_whom_a_logout_token_logs_out(shop: Shop, provider: OpenIdProvider) -> None:
    first, second = Browser(shop), Browser(shop)
    first.log_in()
    second.log_in()
    assert send(shop, provider.logout_token(sub=None)).status == 200  # the provider's last session alone
    assert [is_in(first), is_in(second)] == [True, False]
    token = provider.logout_token(sid=None)
    assert send(shop, token).status == 200
    assert not is_in(first)
    assert rule(send(shop, token)) == "logout-replayed"


def test_secrets_stay_where_they_are(shop: Shop, provider: OpenIdProvider, tmp_path: Path) -> None:
    browser = Browser(shop)
    browser.log_in()
    at_rest = b"".join(path.read_bytes() for path in tmp_path.glob("stockade.db*"))
    tokens = [*provider.access_tokens, *provider.refresh_tokens]
    assert at_rest
    assert not any(token.encode() in at_rest for token in tokens)
    assert browser.cookie.encode() not in at_rest
    assert SECRET not in repr(shop.run._runtime.stores.login_sessions._parties)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("stockade.db*"))


def test_who_only_looks_leaves_the_session_as_it_is(shop: Shop, provider: OpenIdProvider) -> None:
    """Neither touched nor refreshed nor ended, and no code is redeemed."""
    browser = Browser(shop)
    browser.log_in()
    database = shop.run._runtime.stores.database
    assert database is not None
    live, looking = shop.run._answers, Onlooker(shop.run._runtime.stores)

    def rows() -> object:
        return database.read(sql.text("SELECT * FROM login_sessions"))

    before, asked = rows(), len(provider.asked)
    shop.run._answers = looking
    browser.late = 300.0
    assert is_in(browser)
    other = Browser(shop)
    assert other.finish(other.begin()).status == 503
    assert "/token" not in provider.asked[asked:]
    Browser(shop, list(browser.cookies)).page(LOGOUT)
    assert rows() == before
    shop.run._answers = live
    assert is_in(browser)
