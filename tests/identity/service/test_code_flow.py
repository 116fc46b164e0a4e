"""The authorization code flow: the whole of it, and what attackers do with it (RFC 9700)."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import pytest

from stockade.grants import challenge_of
from tests.identity.service.token_service import BACK, ISSUER, VERIFIER, Browser, TokenService, told


def claims(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_the_whole_flow(served: TokenService) -> None:
    web = served.web()
    with Browser(served) as browser:
        page = browser.authorize(web, scope="openid read", nonce="n-1")
        assert "The &lt;b&gt;web&lt;/b&gt; shop" in page.text
        assert "script" not in page.headers["content-security-policy"]
        cookie = page.headers["set-cookie"]
        assert cookie.startswith("__Host-stockade=")
        assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
        assert "wrong" in browser.log_in(password="wrong").text
        consent = browser.log_in()
        assert "form-action 'self' https://app.example;" in consent.headers["content-security-policy"]
        assert ["<li>openid</li>" in consent.text, "<li>write</li>" in consent.text] == [True, False]
        answer = told(browser.submit(decision="allow"))
    assert (answer["state"], answer["iss"]) == ("s t/a+te", ISSUER)
    reply = served.exchange(web, answer["code"])
    assert reply.status_code == 200, reply.text
    tokens = reply.json()
    assert (tokens["scope"], tokens["token_type"], tokens["expires_in"]) == ("openid read", "Bearer", 300)
    said = claims(tokens["access_token"])
    assert (said["sub"], said["aud"], said["client_id"]) == ("user-alice", "shop", web.client.id)
    assert (said["acr"], said["amr"], said["auth_time"]) == ("pwd", ["pwd"], int(served.now))
    assert said["roles"] == ["clerk"]
    identity = claims(tokens["id_token"])
    assert (identity["aud"], identity["nonce"], identity["sub"]) == (web.client.id, "n-1", "user-alice")
    assert served.active(tokens["access_token"])["active"]


def test_a_second_factor(served: TokenService) -> None:
    web = served.web()
    served.users.factors.add("alice")
    with Browser(served) as browser:
        browser.authorize(web)
        assert "Second factor" in browser.log_in().text
        assert "wrong" in browser.submit(code="000000").text
        assert "Allow access?" in browser.submit(code="123456").text
        code = told(browser.submit(decision="allow"))["code"]
    said = claims(served.exchange(web, code).json()["access_token"])
    assert (said["acr"], said["amr"]) == ("mfa", ["pwd", "otp", "mfa"])


def test_the_second_factor_cannot_be_passed_over(served: TokenService) -> None:
    web = served.web()
    served.users.factors.add("alice")
    with Browser(served) as browser:
        browser.authorize(web)
        page = browser.log_in()
        browser.page = page
        sealed = page.text.split('name="ticket" value="')[1].split('"')[0]
        reply = browser.http.post("/id/oauth2/consent", data={"ticket": sealed, "decision": "allow"})
        assert (reply.status_code, "location" in reply.headers) == (400, False)
        for _ in range(10):
            browser.submit(code="000000")
        assert "Too many" in browser.submit(code="123456").text


def test_denied(served: TokenService) -> None:
    web = served.web()
    with Browser(served) as browser:
        browser.authorize(web)
        browser.log_in()
        answer = told(browser.submit(decision="deny"))
    assert (answer["error"], answer["state"], "code" in answer) == ("access_denied", "s t/a+te", False)


# Codes.


def test_a_code_is_good_once_and_its_replay_revokes_its_tokens(served: TokenService) -> None:
    web = served.web()
    code = served.code(web)
    tokens = served.exchange(web, code).json()
    assert served.active(tokens["access_token"])["active"]
    again = served.exchange(web, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert served.active(tokens["access_token"]) == {"active": False}
    refresh = served.token(web, {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert refresh.json()["error"] == "invalid_grant"


def test_a_code_used_by_many_at_once_gives_one_set_of_tokens_at_most(served: TokenService) -> None:
    web = served.web()
    code = served.code(web)
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: served.exchange(web, code), range(8)))
    assert sum(reply.status_code == 200 for reply in replies) == 1
    token = next(reply.json()["access_token"] for reply in replies if reply.status_code == 200)
    assert served.active(token) == {"active": False}  # somebody else had it too


def test_a_code_of_another_client(served: TokenService) -> None:
    web, thief = served.web(), served.web()
    code = served.code(web)
    assert served.exchange(thief, code).json()["error"] == "invalid_grant"
    assert served.exchange(web, code).json()["error"] == "invalid_grant"  # it is known to have leaked


def test_a_code_that_is_over(served: TokenService) -> None:
    web = served.web()
    code = served.code(web)
    served.now += 61
    assert served.exchange(web, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": ""},
        {"code_verifier": "another-verifier-of-forty-three-characters-an"},
        {"code_verifier": challenge_of(VERIFIER)},
        {"code_verifier": VERIFIER[:42]},
        {"redirect_uri": ""},
        {"redirect_uri": BACK + "/"},
        {"code": ""},
        {"code": "stc_made-up"},
    ],
    ids=lambda changes: ",".join(f"{name}={value}" for name, value in changes.items()),
)
def test_an_exchange_that_does_not_fit(served: TokenService, changes: dict[str, str]) -> None:
    web = served.web()
    reply = served.exchange(web, served.code(web), **changes)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


# Requests: who may be redirected, and to where.


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/back",
        "https://app.example/back/",
        "https://app.example/back?x=1",
        "https://app.example/back#x",
        "https://app.example/back%2f..",
        "https://app.example/./back",
        "HTTPS://app.example/back",
        "https://app.example:443/back",
        "https://app.example@evil.example/back",
        "https://app.example/back\r\nx: y",
        "//app.example/back",
        "javascript:alert(1)",
        '"<>\\^`{|}',
        "",
    ],
)
def test_no_redirect_to_a_stranger(served: TokenService, uri: str) -> None:
    web = served.web()
    with Browser(served) as browser:
        reply = browser.authorize(web, redirect_uri=uri)
    assert reply.status_code == 400
    assert "location" not in reply.headers
    assert "evil" not in reply.text


@pytest.mark.parametrize("client_id", ["", "unknown", "x" * 100, "' OR 1=1 --"])
def test_no_redirect_for_a_client_that_is_none(served: TokenService, client_id: str) -> None:
    web = served.web()
    with Browser(served) as browser:
        reply = browser.authorize(web, client_id=client_id)
    assert (reply.status_code, "location" in reply.headers) == (400, False)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ"}, "invalid_request"),
        ({"request_uri": "https://evil.example/r"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "read admin"}, "invalid_scope"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"prompt": "none"}, "login_required"),
        ({"state": "s" * 2049}, "invalid_request"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(f"{n}={v[:20]}" for n, v in value.items()),
)
def test_what_the_client_is_told(served: TokenService, asked: dict[str, str], error: str) -> None:
    web = served.web()
    with Browser(served) as browser:
        answer = told(browser.authorize(web, **asked))
    assert (answer["error"], answer["iss"]) == (error, ISSUER)
    assert "code" not in answer


def test_a_parameter_that_stands_twice(served: TokenService) -> None:
    web = served.web()
    with Browser(served) as browser:
        url = str(browser.authorize(web).request.url)
        for twice in ("&redirect_uri=https%3A%2F%2Fevil.example", "&state=x", "&client_id=y"):
            reply = browser.http.get(url + twice)
            assert (reply.status_code, "location" in reply.headers) == (400, False)


def test_a_redirect_uri_keeps_its_query(served: TokenService) -> None:
    back = "https://app.example/back?tenant=1"
    web = served.web(redirects=[back])
    with Browser(served) as browser:
        browser.authorize(web, redirect_uri=back)
        browser.log_in()
        location = browser.submit(decision="allow").headers["location"]
    assert dict(parse_qsl(urlsplit(location).query)).keys() == {"tenant", "code", "state", "iss"}


# Pages: other sites, other browsers.


def test_no_form_of_another_site(served: TokenService) -> None:
    """CSRF and login CSRF: the ticket that an attacker got is of no use in the victim's browser."""
    web = served.web()
    with Browser(served) as attacker, Browser(served) as victim:
        attacker.authorize(web)
        attacker.log_in("bob", "battery staple")
        ticket = attacker.page.text.split('name="ticket" value="')[1].split('"')[0]
        for prepare in (lambda: None, lambda: victim.authorize(web)):  # without a cookie, and with one
            prepare()
            reply = victim.http.post("/id/oauth2/consent", data={"ticket": ticket, "decision": "allow"})
            assert (reply.status_code, "location" in reply.headers) == (400, False)
        assert "code" in told(attacker.submit(decision="allow")), "the same ticket, where it was given out"


@pytest.mark.parametrize("ticket", ["", "x", "A" * 200, "é", "A" * 13_000])
def test_tickets_that_are_none(served: TokenService, ticket: str) -> None:
    web = served.web()
    with Browser(served) as browser:
        browser.authorize(web)
        for step in ("login", "factor", "consent", "device", "device/consent"):
            reply = browser.http.post(f"/id/oauth2/{step}", data={"ticket": ticket, "decision": "allow"})
            assert reply.status_code in (400, 413)


def test_a_page_grows_old(served: TokenService) -> None:
    web = served.web()
    with Browser(served) as browser:
        for seconds, status in ((599, 200), (601, 400)):
            browser.authorize(web)
            served.now += seconds
            assert browser.log_in().status_code == status


def test_rights_that_were_taken_meanwhile(served: TokenService) -> None:
    web = served.web()
    code = served.code(web)
    served.users.disabled.add("user-alice")
    assert served.exchange(web, code).json()["error"] == "invalid_grant"
    served.users.disabled.clear()
    with Browser(served) as browser:
        browser.authorize(web)
        browser.log_in()
        served.clients.disable(web.client.id, served.now)
        reply = browser.submit(decision="allow")
    assert (reply.status_code, "location" in reply.headers) == (400, False)


def test_no_more_than_the_user_may(served: TokenService) -> None:
    web = served.web(scopes=["openid", "read", "write", "admin"])
    with Browser(served) as browser:
        browser.authorize(web, scope="openid read write admin")
        page = browser.log_in("bob", "battery staple")
        assert [f"<li>{scope}</li>" in page.text for scope in ("admin", "write", "read")] == [False, False, True]
        code = told(browser.submit(decision="allow"))["code"]
    tokens = served.exchange(web, code).json()
    assert tokens["scope"] == "openid read"
    served.users.rights["bob"] = set()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert served.token(web, form).json()["scope"] == "openid"


def test_a_code_bound_to_a_key(served: TokenService) -> None:
    """RFC 9449, section 10: whoever steals the code needs the key too."""
    web = served.web()
    code = served.code(web, dpop_jkt="k" * 43)
    assert served.exchange(web, code).json()["error"] == "invalid_grant"
