"""Passkeys on the login page: the whole code flow in Chromium, and what attackers do with it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest

from stockade.config.users import UserSettings
from stockade.controls.authentication import Lockout
from stockade.grants import challenge_of
from stockade.identity.service.opening import party_at
from stockade.passwords import PasswordPolicy
from stockade.second_factors import RelyingParty
from tests.chromium import Page
from tests.identity.conftest import GOOD, OTHER, QUICK
from tests.identity.service.passkey_site import (
    Site,
    answer,
    at_factor,
    free_socket,
    listening_on,
    options_of,
    shown_by,
    ticket_of,
)
from tests.identity.service.test_code_flow import claims
from tests.identity.service.token_service import VERIFIER, Browser, told

REFUSED = "The passkey was not accepted."


def to_factor_in(page: Page, site: Site, password: str = GOOD) -> None:
    query = {"response_type": "code", "client_id": site.web.client.id, "redirect_uri": site.back, "state": "s"}
    query |= {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256", "scope": "read"}
    page.go(f"{site.origin}/id/oauth2/authorize?" + "&".join(f"{name}={value}" for name, value in query.items()))
    page.fill(username="alice", password=password)
    page.click()
    assert page.title == "Second factor", page.text


PASSKEY_FORM = "document.querySelector('form[data-passkey]')"
PASSKEY_BUTTON = "form[data-passkey] button"


def test_the_whole_code_flow_in_chromium(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    to_factor_in(page, site)
    assert page.run(f"{PASSKEY_FORM}.hidden") is False
    page.click(PASSKEY_BUTTON)
    assert page.title == "Allow access?"
    page.click("button[value=allow]")
    assert page.url.startswith(f"{site.back}?")
    code = page.run("new URL(location.href).searchParams.get('code')")
    reply = site.served.exchange(site.web, code, redirect_uri=site.back)
    assert reply.status_code == 200, reply.text
    said = claims(reply.json()["access_token"])
    assert (said["sub"], said["acr"], said["amr"]) == ("alice", "phr", ["mfa", "pwd", "swk", "user"])
    assert said["auth_time"] == int(site.served.now)


def test_no_other_script_runs_on_that_page(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    to_factor_in(page, site)
    hit = "const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s)"
    page.run(f"(() => {{ {hit} }})()")
    assert page.run("window.hit === undefined") is True
    with pytest.raises(RuntimeError, match="Failed to fetch"):
        page.run(f"fetch('{site.origin}/id/oauth2/jwks')")


def test_a_browser_that_has_no_passkey_says_so_and_takes_a_code(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    codes = site.world.factors.make_recovery(site.world.users.find("alice"), site.served.now, "test")
    page.call("WebAuthn.clearCredentials", authenticatorId=authenticator)
    to_factor_in(page, site)
    page.run(f"void document.querySelector('{PASSKEY_BUTTON}').click()")
    page.wait("!document.getElementById('passkey-trouble').hidden")
    page.fill(code=codes[0])
    page.click()
    assert page.title == "Allow access?"


def test_without_script(page: Page, authenticator: str, site: Site) -> None:
    """The form is not shown, and the page says why; a recovery code is good."""
    site.enrol(page)
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        to_factor_in(page, site)
        assert page.run(f"{PASSKEY_FORM}.hidden") is True
        assert "allow this page its own" in page.run("document.body.innerText")
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


def test_script_on_that_page_alone(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    enrolment = site.world.factors.enrol_totp(site.world.users.find("bob"), site.served.now)
    code = pyotp.TOTP(enrolment.secret).at(int(site.served.now))
    assert site.world.factors.confirm_totp(site.world.users.find("bob"), enrolment.id, code, site.served.now, "test")
    with Browser(site.served) as browser:
        asked = at_factor(site, browser)
        csp = asked.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src" in csp
        assert "unsafe" not in csp
        assert asked.text.count("<script") == 1
        assert '<script src="/id/oauth2/passkey.js" defer></script>' in asked.text
        for other in (browser.authorize(site.web, redirect_uri=site.back), at_factor(site, browser, "bob", OTHER)):
            assert "script" not in other.headers["content-security-policy"]
            assert "<script" not in other.text
        script = browser.http.get("/id/oauth2/passkey.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["x-content-type-options"] == "nosniff"
    assert not any(word in script.text for word in ("http://", "https://", "eval", "innerHTML", "fetch", "import"))


def test_an_app_and_a_passkey(page: Page, authenticator: str, site: Site) -> None:
    """Whoever has both may choose."""
    site.enrol(page)
    alice, now = site.world.users.find("alice"), site.served.now
    enrolment = site.world.factors.enrol_totp(alice, now)
    first = pyotp.TOTP(enrolment.secret).at(int(now) - 30)
    assert site.world.factors.confirm_totp(alice, enrolment.id, first, now, "test")
    with Browser(site.served) as browser:
        at_factor(site, browser)
        shown = browser.submit(code="000000")
        assert "wrong" in shown.text
        chosen = answer(browser, ticket_of(shown), shown_by(page, options_of(shown)))
        assert "Allow access?" in chosen.text
        at_factor(site, browser)
        browser.submit(code=pyotp.TOTP(enrolment.secret).at(int(now)))
        code = told(browser.submit(decision="allow"), site.back)["code"]
    said = claims(site.served.exchange(site.web, code, redirect_uri=site.back).json()["access_token"])
    assert (said["acr"], said["amr"]) == ("mfa", ["pwd", "otp", "mfa"])


# Attacks.


def test_a_replayed_answer(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    with Browser(site.served) as browser:
        shown = at_factor(site, browser)
        ticket, given = ticket_of(shown), shown_by(page, options_of(shown))
        assert "Allow access?" in answer(browser, ticket, given).text
        again = answer(browser, ticket, given)
        assert REFUSED in again.text
        assert REFUSED in answer(browser, ticket_of(again), given).text
        assert REFUSED in answer(browser, ticket_of(at_factor(site, browser)), given).text


def test_an_answer_sent_many_times_at_once(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    with Browser(site.served) as browser:
        shown = at_factor(site, browser)
        ticket, given = ticket_of(shown), shown_by(page, options_of(shown))
        with ThreadPoolExecutor(8) as threads:
            replies = list(threads.map(lambda _: answer(browser, ticket, given).text, range(8)))
    assert sum("Allow access?" in reply for reply in replies) == 1


def test_the_passkey_of_another_user(page: Page, authenticator: str, site: Site) -> None:
    """Whoever has bob's password, and a passkey of their own, is not bob."""
    site.enrol(page)
    site.enrol(page, "bob")
    mine = site.world.factors.of(site.world.users.find("alice"))[0].handle
    assert mine is not None
    with Browser(site.served) as browser:
        own = options_of(at_factor(site, browser))["allowCredentials"]
        shown = at_factor(site, browser, "bob", OTHER)
        assert options_of(shown)["allowCredentials"] != own
        given = shown_by(page, {**options_of(shown), "allowCredentials": own})
        assert REFUSED in answer(browser, ticket_of(shown), given).text
        # … nor by answering a challenge of alice's page with it.
        theirs = at_factor(site, browser)
        given = shown_by(page, options_of(theirs))
        shown = at_factor(site, browser, "bob", OTHER)
        assert REFUSED in answer(browser, ticket_of(shown), given).text


def test_another_origin(page: Page, authenticator: str, site: Site) -> None:
    """A page on the same host, but another port: a browser lets it ask, we do not let it answer."""
    site.enrol(page)
    elsewhere = free_socket()
    with listening_on(elsewhere, site.served.app), Browser(site.served) as browser:
        shown = at_factor(site, browser)
        page.go(f"http://localhost:{elsewhere.getsockname()[1]}/id/oauth2/device")
        given = shown_by(page, options_of(shown))
        assert page.run("location.origin") not in (site.origin, "null")
        assert REFUSED in answer(browser, ticket_of(shown), given).text
        page.go(f"{site.origin}/id/oauth2/device")
        shown = at_factor(site, browser)
        assert "Allow access?" in answer(browser, ticket_of(shown), shown_by(page, options_of(shown))).text


def test_a_stale_challenge(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    with Browser(site.served) as browser:
        shown = at_factor(site, browser)
        given = shown_by(page, options_of(shown))
        site.served.now += 301
        assert REFUSED in answer(browser, ticket_of(shown), given).text
        site.served.now += 300  # and now the ticket is over too
        assert answer(browser, ticket_of(shown), given).status_code == 400


def test_a_foreign_challenge(page: Page, authenticator: str, site: Site) -> None:
    """Answers are for the page that asked, in the browser that was asked: another's is refused, and then too late."""
    site.enrol(page)
    with Browser(site.served) as one, Browser(site.served) as other:
        first, second = at_factor(site, one), at_factor(site, other)
        given = shown_by(page, options_of(first))
        assert REFUSED in answer(other, ticket_of(second), given).text
        assert REFUSED in answer(other, ticket_of(second), shown_by(page, options_of(second))).text
        stolen = answer(other, ticket_of(first), given)
        assert (stolen.status_code, "Allow" in stolen.text) == (400, False)
        assert "Allow access?" in answer(one, ticket_of(first), given).text


def test_a_challenge_that_we_made_for_another_purpose(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    alice = site.world.users.find("alice")
    with Browser(site.served) as browser:
        shown = at_factor(site, browser)
        loose = site.passkeys.challenge(site.served.now, alice)
        given = shown_by(page, json.loads(loose.options))
        form = {"ticket": ticket_of(shown), "answer": given, "challenge": loose.id}
        assert REFUSED in browser.http.post("/id/oauth2/passkey", data=form).text


def test_a_count_that_goes_back(page: Page, authenticator: str, site: Site) -> None:
    """Two authenticators with one key: a copy."""
    site.enrol(page)
    (kept,) = page.call("WebAuthn.getCredentials", authenticatorId=authenticator)["credentials"]
    with Browser(site.served) as browser:
        for _ in range(2):
            shown = at_factor(site, browser)
            assert "Allow access?" in answer(browser, ticket_of(shown), shown_by(page, options_of(shown))).text
        page.call("WebAuthn.clearCredentials", authenticatorId=authenticator)
        page.call("WebAuthn.addCredential", authenticatorId=authenticator, credential=kept)
        shown = at_factor(site, browser)
        assert REFUSED in answer(browser, ticket_of(shown), shown_by(page, options_of(shown))).text


@pytest.mark.parametrize("site", [True, False], indirect=True, ids=["verified", "present"])
def test_a_user_who_did_not_show_themselves(page: Page, site: Site, request: pytest.FixtureRequest) -> None:
    strict = request.node.callspec.params["site"]
    made = page.add_authenticator()
    try:
        site.enrol(page)
        page.call("WebAuthn.setUserVerified", authenticatorId=made, isUserVerified=False)
        with Browser(site.served) as browser:
            shown = at_factor(site, browser)
            options = options_of(shown)
            assert options["userVerification"] == ("required" if strict else "preferred")
            given = shown_by(page, {**options, "userVerification": "discouraged"})
            browser.page = answer(browser, ticket_of(shown), given)
            assert (REFUSED in browser.page.text) is strict
            if strict:
                return
            code = told(browser.submit(decision="allow"), site.back)["code"]
        said = claims(site.served.exchange(site.web, code, redirect_uri=site.back).json()["access_token"])
        assert (said["acr"], said["amr"]) == ("phr", ["mfa", "pwd", "swk"])
    finally:
        page.remove_authenticator(made)


def test_a_passkey_that_was_removed_meanwhile(page: Page, authenticator: str, site: Site) -> None:
    site.enrol(page)
    alice = site.world.users.find("alice")
    with Browser(site.served) as browser:
        shown = at_factor(site, browser)
        given = shown_by(page, options_of(shown))
        site.world.factors.remove(alice, "all", site.served.now, "test")
        assert REFUSED in answer(browser, ticket_of(shown), given).text


@pytest.mark.parametrize("text", ["", "{}", "null", "[" * 4000, '{"id": 1}', '{"id":"x","rawId":"eA","response":{}}'])
def test_hostile_answers(page: Page, authenticator: str, site: Site, text: str) -> None:
    site.enrol(page)
    with Browser(site.served) as browser:
        shown = at_factor(site, browser)
        reply = answer(browser, ticket_of(shown), text)
        assert (reply.status_code, REFUSED in reply.text) == (200, True)
        for spoiled in ("", "x", ticket_of(shown)[:-4] + "AAAA"):
            assert answer(browser, spoiled, text).status_code == 400


# Who we are.

_SHOP = RelyingParty("example.com", ("https://login.example.com",), "The Shop", verified=False)


@pytest.mark.parametrize(
    ("issuer", "party", "expected"),
    [
        ("https://auth.example.com/id", _SHOP, ("example.com", "https://auth.example.com")),
        ("https://example.com:8443", _SHOP, ("example.com", "https://example.com:8443")),
        ("https://auth.example.com:443", None, ("auth.example.com", "https://auth.example.com")),
        ("http://localhost:8080/auth", None, ("localhost", "http://localhost:8080")),
        ("https://auth.example.org", _SHOP, None),
        ("https://badexample.com", _SHOP, None),
        ("http://127.0.0.1:8080/auth", None, None),
        ("https://192.0.2.1", None, None),
        ("http://auth.example.com", None, None),
    ],
    ids=str,
)
def test_who_we_are_to_an_authenticator(issuer: str, party: Any, expected: tuple[str, str] | None) -> None:
    found = party_at(issuer, UserSettings(PasswordPolicy(), QUICK, Lockout(), party=party))
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert (found.id, *found.origins) == expected
    assert found.verified is (party is None)
