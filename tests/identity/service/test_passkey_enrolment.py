"""A user adds a passkey, on a page of the token service: after a login, and never for another."""

from __future__ import annotations

import json

import httpx
import pyotp
import pytest

from tests.chromium import Page
from tests.identity.conftest import GOOD, OTHER
from tests.identity.service.passkey_site import MAKE, Site, answer, at_factor, options_of, shown_by, ticket_of
from tests.identity.service.token_service import Browser, TokenService

REFUSED = "The passkey was not accepted."


def at_enrolment(browser: Browser, name: str = "alice", password: str = GOOD) -> httpx.Response:
    browser.page = browser.http.get("/id/oauth2/passkeys")
    assert "add a passkey" in browser.page.text
    assert "script" not in browser.page.headers["content-security-policy"]
    return browser.log_in(name, password)


def made_by(page: Page, shown: httpx.Response) -> str:
    return str(page.run(f"{MAKE}({json.dumps(options_of(shown))})"))


def add(browser: Browser, ticket: str, text: str, label: str = "laptop") -> httpx.Response:
    return browser.http.post("/id/oauth2/passkeys", data={"ticket": ticket, "answer": text, "label": label})


def kinds(site: Site, name: str = "alice") -> list[str]:
    return [factor.kind for factor in site.world.factors.of(site.world.users.find(name))]


def test_in_chromium(page: Page, authenticator: str, site: Site) -> None:
    page.go(f"{site.origin}/id/oauth2/passkeys")
    page.fill(username="alice", password=GOOD)
    page.click()
    assert page.title == "Add a passkey"
    page.fill(label="my laptop")
    page.click()
    assert page.title == "Done"
    alice = site.world.users.find("alice")
    (factor,) = site.world.factors.of(alice)
    assert (factor.kind, factor.label, factor.confirmed) == ("passkey", "my laptop", True)
    assert alice.factors == {"passkey"}
    (entry,) = [entry for entry in site.world.store.audit(alice.id) if entry.action == "second factor added"]
    assert entry.actor == "user:alice"
    with Browser(site.served) as browser:
        shown = at_factor(site, browser)
        assert "Allow access?" in answer(browser, ticket_of(shown), shown_by(page, options_of(shown))).text


def test_whoever_has_a_factor_shows_it_first(page: Page, authenticator: str, site: Site) -> None:
    alice, now = site.world.users.find("alice"), site.served.now
    enrolment = site.world.factors.enrol_totp(alice, now)
    first = pyotp.TOTP(enrolment.secret).at(int(now) - 30)
    assert site.world.factors.confirm_totp(alice, enrolment.id, first, now, "test")
    with Browser(site.served) as browser:
        early = at_enrolment(browser)
        assert "Second factor" in early.text
        assert add(browser, ticket_of(early), "{}").status_code == 400
        shown = browser.submit(code=pyotp.TOTP(enrolment.secret).at(int(now)))
        assert "Done" in add(browser, ticket_of(shown), made_by(page, shown)).text
    assert sorted(kinds(site)) == ["passkey", "totp"]


def test_a_passkey_lets_in_to_add_another(page: Page, authenticator: str, site: Site) -> None:
    """The same authenticator makes no second one, and the page of the factor is no way around."""
    site.enrol(page)
    with Browser(site.served) as browser:
        asked = at_enrolment(browser)
        shown = answer(browser, ticket_of(asked), shown_by(page, options_of(asked)))
        assert "Add a passkey" in shown.text
        assert len(options_of(shown)["excludeCredentials"]) == 1
        with pytest.raises(RuntimeError, match="InvalidStateError"):
            made_by(page, shown)
        other = page.add_authenticator(transport="usb")
        try:
            page.call("WebAuthn.clearCredentials", authenticatorId=authenticator)
            assert "Done" in add(browser, ticket_of(shown), made_by(page, shown)).text
        finally:
            page.remove_authenticator(other)
    assert kinds(site) == ["passkey", "passkey"]


def test_good_once_and_in_its_place(page: Page, authenticator: str, site: Site) -> None:
    with Browser(site.served) as one, Browser(site.served) as other:
        mine, theirs = at_enrolment(one), at_enrolment(other, "bob", OTHER)
        given = made_by(page, mine)
        assert REFUSED in add(other, ticket_of(theirs), given).text, "a challenge of another's page"
        assert add(other, ticket_of(mine), given).status_code == 400, "a ticket of another browser"
        assert kinds(site) == kinds(site, "bob") == []
        assert "Done" in add(one, ticket_of(mine), given).text
        assert REFUSED in add(one, ticket_of(mine), given).text, "a second time"
        late = at_enrolment(other, "bob", OTHER)
        given = made_by(page, late)
        site.served.now += 301
        assert REFUSED in add(other, ticket_of(late), given).text
    assert (kinds(site), kinds(site, "bob")) == (["passkey"], [])


def test_tickets_of_other_pages(page: Page, authenticator: str, site: Site) -> None:
    """What a login for an application proved is no leave to add a passkey, nor the other way round."""
    with Browser(site.served) as browser:
        browser.authorize(site.web, redirect_uri=site.back)
        consent = browser.log_in("alice", GOOD)
        assert "Allow access?" in consent.text
        assert add(browser, ticket_of(consent), "{}").status_code == 400
        enrolment = at_enrolment(browser)
        reply = browser.http.post("/id/oauth2/consent", data={"ticket": ticket_of(enrolment), "decision": "allow"})
        assert (reply.status_code, "location" in reply.headers) == (400, False)


@pytest.mark.parametrize("text", ["", "{}", "[" * 4000, '{"id":"x","rawId":"eA","response":{}}'])
def test_hostile_answers(page: Page, site: Site, text: str) -> None:
    with Browser(site.served) as browser:
        shown = at_enrolment(browser)
        reply = add(browser, ticket_of(shown), text, "‮<script>" * 20)
        assert (reply.status_code, REFUSED in reply.text, "<script>" in reply.text) == (200, True, False)
    assert kinds(site) == []


def test_no_more_than_anybody_needs(page: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockade.identity.factors._MOST", 0)
    with Browser(site.served) as browser:
        assert at_enrolment(browser).status_code == 409


def test_only_where_the_policy_says_so(served: TokenService) -> None:
    with served.http() as http:
        assert http.get("/id/oauth2/passkeys").status_code == 404
        assert http.post("/id/oauth2/passkeys", data={"ticket": "x"}).status_code == 404
