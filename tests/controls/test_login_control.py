"""Browser logins: a strict provider on the loopback interface, real stores; what must not get in, as tables."""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from stockade.logins import return_target
from tests.controls.login_shop import (
    BINDING,
    CALLBACK,
    PAGE,
    URL,
    Browser,
    Shop,
    header,
    is_in,
    provider,
    rule,
    served,
    shop,
    shops,
)
from tests.controls.openid_provider import CLIENT, EVENT, SECRET, OpenIdProvider, b64

__all__ = ["provider", "served", "shop", "shops"]


def test_the_honest_login(shop: Shop, provider: OpenIdProvider) -> None:
    browser = Browser(shop)
    decision = browser.log_in("/orders/7?a=1&b=%2F")
    assert (decision.status, header(decision, "location")) == (303, f"{URL}/orders/7?a=1&b=%2F")
    assert is_in(browser)
    assert provider.asked.count("/token") == 1
    assert all(len(value) < 256 for _, value in browser.cookies)


def test_two_tabs_may_log_in_at_once(shop: Shop, provider: OpenIdProvider) -> None:
    browser = Browser(shop)
    first, second = browser.begin("/a"), browser.begin("/b")
    assert header(browser.finish(second), "location") == f"{URL}/b"
    assert header(browser.finish(first), "location") == f"{URL}/a"


# What a callback may not be.

Change = Callable[[dict[str, str]], dict[str, str] | str]
CALLBACKS: dict[str, tuple[Change, str]] = {
    "no state": (lambda said: {**said, "state": ""}, "answer-malformed"),
    "no code": (lambda said: {**said, "code": ""}, "answer-malformed"),
    "a state of ours, changed": (lambda said: {**said, "state": said["state"][:-2] + "AA"}, "state-unknown"),
    "a state cut short": (lambda said: {**said, "state": said["state"][:20]}, "state-unknown"),
    "a state that is none": (lambda said: {**said, "state": "x" * 43}, "state-unknown"),
    "a state beyond all bounds": (lambda said: {**said, "state": "A" * 9000}, "state-unknown"),
    "a query beyond all bounds": (lambda said: {**said, "more": "A" * 20_000}, "answer-malformed"),
    "too many fields": (lambda said: {**said, **{f"f{number}": "x" for number in range(40)}}, "answer-malformed"),
    "another issuer's answer": (lambda said: {**said, "iss": "https://evil.example"}, "issuer-mixed-up"),
    "nobody's answer": (lambda said: {name: said[name] for name in ("state", "code")}, "issuer-mixed-up"),
    "the code twice": (lambda said: urlencode(said) + "&code=other", "answer-ambiguous"),
    "the state twice": (lambda said: urlencode(said) + "&state=" + said["state"], "answer-ambiguous"),
    "a code and an error": (lambda said: {**said, "error": "access_denied"}, "answer-malformed"),
    "a code with a line end": (lambda said: {**said, "code": "a\r\nb"}, "answer-malformed"),
    "broken UTF-8": (lambda said: urlencode(said) + "&x=%ff", "answer-malformed"),
    "a made-up code": (lambda said: {**said, "code": "made-up"}, "grant-refused"),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_that_is_none(name: str, shop: Shop) -> None:
    change, reason = CALLBACKS[name]
    browser = Browser(shop)
    changed = change(browser.begin())
    query = changed if isinstance(changed, str) else urlencode({key: value for key, value in changed.items() if value})
    decision = browser.page(f"{CALLBACK}?{query}")
    assert (decision.status, rule(decision)) == (400, reason)
    assert not is_in(browser)


def test_another_browser_cannot_finish_it(shop: Shop) -> None:
    attacker, victim = Browser(shop), Browser(shop)
    answer = attacker.begin()
    assert rule(victim.finish(answer)) == "not-this-browser"
    victim.begin()
    assert rule(victim.finish(answer)) == "not-this-browser"
    planted = [*victim.cookies, (BINDING, dict(attacker.cookies)[BINDING])]
    victim.cookies = planted
    assert rule(victim.finish(answer)) == "not-this-browser"
    assert not is_in(victim)


def test_an_answer_is_good_once_and_not_for_ever(shop: Shop) -> None:
    browser = Browser(shop)
    answer = browser.begin()
    assert browser.finish(answer).status == 303
    assert rule(browser.finish(answer)) == "login-replayed"
    late = browser.begin("/.stockade/login?return_to=/")
    browser.late = 661.0
    assert rule(browser.finish(late)) == "state-expired"


def test_the_provider_may_refuse(shop: Shop) -> None:
    browser = Browser(shop)
    answer = browser.begin()
    decision = browser.finish({"state": answer["state"], "iss": answer["iss"], "error": "access_denied"})
    assert (decision.status, rule(decision)) == (403, "login-refused-by-provider")


# What an ID token may not be.

HMAC = {"alg": "HS256", "kid": None}
ID_TOKENS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another nonce": ({"nonce": "other"}, {}, "id-token-wrong-nonce"),
    "no nonce": ({"nonce": None}, {}, "id-token-wrong-nonce"),
    "a nonce that is no text": ({"nonce": ["x"]}, {}, "id-token-wrong-nonce"),
    "another audience": ({"aud": "other"}, {}, "id-token-wrong-audience"),
    "several audiences": ({"aud": [CLIENT, "other"]}, {}, "id-token-of-another-client"),
    "another client's": ({"azp": "other"}, {}, "id-token-of-another-client"),
    "another issuer's": ({"iss": "https://evil.example"}, {}, "id-token-wrong-issuer"),
    "expired": ({"exp": 1000}, {}, "id-token-expired"),
    "no end": ({"exp": None}, {}, "id-token-missing-claim"),
    "no time of issue": ({"iat": None}, {}, "id-token-missing-claim"),
    "nobody": ({"sub": None}, {}, "id-token-missing-claim"),
    "an empty name": ({"sub": ""}, {}, "id-token-missing-claim"),
    "a name beyond all bounds": ({"sub": "a" * 256}, {}, "id-token-missing-claim"),
    "another access token": ({"at_hash": b64(bytes(16))}, {}, "id-token-of-another-access-token"),
    "a logout token": ({"events": {EVENT: {}}}, {}, "id-token-wrong-type"),
    "a logout token by type": ({}, {"typ": "logout+jwt"}, "id-token-wrong-type"),
    "an access token": ({}, {"typ": "at+jwt"}, "id-token-wrong-type"),
    "a DPoP proof": ({}, {"typ": "dpop+jwt"}, "id-token-wrong-type"),
    "a key of its own": ({}, {"jwk": {"kty": "oct", "k": "AAAA"}}, "id-token-header-refused"),
    "a key that nobody has": ({}, {"kid": "other"}, "id-token-unknown-key"),
}


@pytest.mark.parametrize("name", ID_TOKENS)
def test_an_id_token_that_is_none(name: str, shop: Shop, provider: OpenIdProvider) -> None:
    provider.said, provider.header, reason = ID_TOKENS[name]
    browser = Browser(shop)
    decision = browser.log_in()
    assert (decision.status, rule(decision)) == (400, reason)
    assert not is_in(browser)


def test_an_id_token_signed_by_another(shop: Shop, provider: OpenIdProvider) -> None:
    browser = Browser(shop)
    answer = browser.begin()
    published, honest = provider.key, provider.signed

    def forged(said: dict[str, Any], header: Any = None) -> str:
        provider.key = ECKey.generate_key("P-256", {"kid": str(published.kid)})
        try:
            return honest(said, header)
        finally:
            provider.key = published

    provider.signed = forged  # type: ignore[method-assign]
    assert rule(browser.finish(answer)) == "id-token-bad-signature"


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_an_id_token_that_we_could_have_made(alg: str, shop: Shop, provider: OpenIdProvider) -> None:
    """Without a signature, or under the client secret, which every reader of the front end's settings may know."""

    def forged(said: dict[str, Any], header: Any = None) -> str:
        kept = {name: value for name, value in said.items() if value is not None}
        message = f"{b64(json.dumps({'alg': alg}).encode())}.{b64(json.dumps(kept).encode())}"
        return f"{message}.{b64(hmac.digest(SECRET.encode(), message.encode(), 'sha256')) if alg != 'none' else ''}"

    provider.signed = forged  # type: ignore[method-assign]
    assert rule(Browser(shop).log_in()) in ("id-token-algorithm-refused", "id-token-unknown-key")


def test_what_the_policy_takes_from_claims(shops: Callable[..., Shop], provider: OpenIdProvider) -> None:
    shop = shops(userinfo=True, claims={"id": "email", "roles": "realm_access.roles"})
    provider.said = {"realm_access": {"roles": ["admin"]}}
    browser = Browser(shop)
    browser.log_in()
    assert browser.ask("/orders/7").principal == "alice@example.com"
    refused: list[tuple[dict[str, Any], str]] = [
        ({"email_verified": False}, "email-not-verified"),
        ({"email": None}, "id-claim-missing"),
        ({"sub": "bob"}, "userinfo-of-another"),
    ]
    for said, reason in refused:
        provider.userinfo_said = said
        assert rule(Browser(shop).log_in()) == reason


def test_a_step_up_is_not_sent_round(shops: Callable[..., Shop], provider: OpenIdProvider) -> None:
    """A provider that says more than was asked for is believed; one that says less leads nowhere, not back."""
    shop = shops()
    attempts = shop.run.policy.routes[1].bindings[-1].control.oidc.attempts  # type: ignore[attr-defined]
    answers: list[tuple[dict[str, Any], str]] = [
        ({"acr": "pwd"}, "login-too-weak"),
        ({"acr": None, "amr": ["pwd"]}, "login-too-weak"),
        ({"acr": "mfa", "auth_time": int(time.time()) - 330}, "login-too-old"),
        ({"acr": "mfa", "auth_time": None}, "login-too-old"),
        ({"acr": "mfa", "auth_time": int(time.time()) + 330}, "login-too-old"),
        ({"acr": None, "amr": ["mfa"]}, "logged-in"),
    ]
    for said, reason in answers:
        provider.said = said
        browser = Browser(shop)
        begun = attempts.begin(
            f"{provider.url}/authorize",
            random=os.urandom(60),
            at=time.time(),
            return_to="/",
            acr=("mfa",),
            max_age=300.0,
        )
        browser.cookies = [(BINDING, begun.binding)]
        answer = httpx.get(begun.url, follow_redirects=False, trust_env=False)
        assert rule(browser.finish(dict(parse_qsl(urlsplit(answer.headers["location"]).query)))) == reason


# Where a login may lead.

TARGETS = {
    "/orders/7?a=1": "/orders/7?a=1",
    "/": "/",
    "": "/",
    "//evil.example/": "/",
    "/\\evil.example": "/",
    "https://evil.example": "/",
    "/\t/evil.example": "/",
    "/%2f/evil.example/..": "/",
    "javascript:alert(1)": "/",
    "/a b": "/",
    "/a#b": "/",
    "/ö": "/",
    "/" + "a" * 2000: "/",
}


@pytest.mark.parametrize("number", range(len(TARGETS)))
def test_there_is_no_open_redirect(number: int, shop: Shop) -> None:
    target, wanted = list(TARGETS.items())[number]
    decision = Browser(shop).log_in(f"/.stockade/login?{urlencode({'return_to': target})}")
    location = header(decision, "location")
    assert location == f"{URL}{wanted}"


def test_a_login_leads_back_into_its_own_api() -> None:
    assert return_target("/shop/orders", "/shop") == "/shop/orders"
    for target in ("/other", "/shopping", "/shop/../other", "/shop/%2e%2e/other", "/shop/ö", "/shop/\0", "/shop/<b>"):
        assert return_target(target, "/shop") == "/shop/"


# Who is sent to log in.

WHO: dict[str, tuple[dict[str, str], int]] = {
    "a page": (PAGE, 302),
    "a browser without Fetch Metadata": ({"accept": "text/html,*/*"}, 302),
    "a script": ({"accept": "*/*", "sec-fetch-mode": "cors"}, 401),
    "a script that asks for a page": ({"accept": "text/html", "sec-fetch-mode": "cors"}, 401),
    "an old script": ({"accept": "text/html", "x-requested-with": "XMLHttpRequest"}, 401),
    "a frame": ({**PAGE, "sec-fetch-dest": "iframe"}, 401),
    "a picture": ({"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "accept": "image/*"}, 401),
    "ahead of time": ({**PAGE, "sec-purpose": "prefetch;prerender"}, 401),
    "a program": ({}, 401),
    "a program with a token": ({**PAGE, "authorization": "Bearer x"}, 401),
}


@pytest.mark.parametrize("name", WHO)
def test_who_is_sent_to_log_in(name: str, shop: Shop) -> None:
    headers, status = WHO[name]
    assert shop.ask("/orders/7", headers=list(headers.items())).status == status
    assert shop.ask("/orders/7", "POST", headers=list(headers.items())).status == 401
