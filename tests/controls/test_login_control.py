"""Browser logins: a strict provider on the loopback interface, real stores; what must not get in, as tables."""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import sqlalchemy as sql
from joserfc.jwk import ECKey

from stockade.config import Built, Loaded, build, load_text
from stockade.gateway.dry_run import Decision, DryRun
from stockade.gateway.onlooker import Onlooker
from stockade.logins import return_target
from tests.controls.openid_provider import CLIENT, EVENT, SECRET, OpenIdProvider, b64, providing
from tests.exchanges import make_request

URL = "https://shop.example"
SESSION, BINDING = "__Host-shop-session", "__Host-shop-login"
CALLBACK, LOGOUT, BACKCHANNEL = "/.stockade/callback", "/.stockade/logout", "/.stockade/backchannel-logout"
PAGE = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.fixture(scope="module")
def served() -> Iterator[OpenIdProvider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def provider(served: OpenIdProvider) -> OpenIdProvider:
    vars(served).pop("signed", None)
    served.__init__(served.url)  # type: ignore[misc]
    return served


class Live(DryRun):
    """One in earnest: logins begin and end."""

    def __init__(self, loaded: Loaded, built: Built) -> None:
        super().__init__(loaded, built)
        self._answers = self._runtime.stores


class Shop:
    """An API, and who decides about what is sent to it."""

    def __init__(self, folder: Path, provider: OpenIdProvider, **oidc: Any) -> None:
        said = {"issuer": provider.url, "client_id": CLIENT, "client_secret": SECRET, "url": URL, **oidc}
        text = {
            "version": 1,
            "listen": [{"address": "127.0.0.1:8080"}],
            "apis": [
                {
                    "name": "shop",
                    "upstream": {"url": "http://127.0.0.1:9"},
                    "limits": [],
                    "waf": {"mode": "off"},
                    "authentication": {"any_of": [{"oidc": said}]},
                }
            ],
        }
        loaded = load_text(json.dumps(text), folder / "stockade.yaml", {})
        self.run = Live(loaded, build(loaded))

    def ask(
        self,
        target: str,
        method: str = "GET",
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
        at: float | None = None,
    ) -> Decision:
        path, _, query = target.partition("?")
        request = make_request(
            method,
            path,
            headers or [],
            query=query,
            host="shop.example",
            scheme="https",
            at=time.time() if at is None else at,
            has_body=bool(body),
        )
        return self.run.decide(request, body)


@pytest.fixture
def shops(tmp_path: Path, provider: OpenIdProvider) -> Iterator[Callable[..., Shop]]:
    made: list[Shop] = []

    def make(**oidc: Any) -> Shop:
        made.append(Shop(tmp_path, provider, **oidc))
        return made[-1]

    yield make
    for shop in made:
        shop.run.close()


@pytest.fixture
def shop(shops: Callable[..., Shop]) -> Shop:
    return shops()


@dataclass
class Browser:
    shop: Shop
    cookies: list[tuple[str, str]] = field(default_factory=list)
    late: float = 0.0

    def ask(self, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Decision:
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if self.cookies:
            fields.append(("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies)))
        decision = self.shop.ask(target, method, fields, body, time.time() + self.late)
        for name, value in decision.response.headers if decision.response is not None else ():
            if name == "set-cookie":
                self._take(value)
        return decision

    def _take(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            self.cookies = [pair for pair in self.cookies if pair[0] != name]
            if morsel["max-age"] != "0":
                self.cookies.append((name, morsel.value))

    def page(self, target: str) -> Decision:
        headers: dict[str, Any] = {name.replace("-", "_"): value for name, value in PAGE.items()}
        return self.ask(target, **headers)

    def begin(self, target: str = "/orders/7") -> dict[str, str]:
        """The parameters of the answer with which the provider sends the browser back."""
        location = header(self.page(target), "location")
        answer = httpx.get(location, follow_redirects=False, trust_env=False)
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def finish(self, answer: dict[str, str]) -> Decision:
        return self.page(f"{CALLBACK}?{urlencode(answer)}")

    def log_in(self, target: str = "/orders/7") -> Decision:
        return self.finish(self.begin(target))

    @property
    def cookie(self) -> str:
        return dict(self.cookies)[SESSION]


def header(decision: Decision, name: str) -> str:
    assert decision.response is not None
    return decision.response.headers.get(name) or ""


def rule(decision: Decision) -> str:
    return decision.said[-1].findings[-1].rule


def is_in(browser: Browser) -> bool:
    decision = browser.ask("/orders/7")
    assert decision.principal in (None, browser.shop.ask("/none").principal, "alice")
    return decision.principal == "alice"


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
    assert location in (f"{URL}{wanted}", f"{URL}{target}")
    assert urlsplit(location).netloc == "shop.example"


def test_a_login_leads_back_into_its_own_api() -> None:
    assert return_target("/shop/orders", "/shop") == "/shop/orders"
    for target in ("/other", "/shopping", "/shop/../other", "/shop/%2e%2e/other"):
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
