"""People at the token service, through a real Envoy: our own users log in, as authlib and Chromium see it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pyotp
import pytest
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from stockade.identity.opening import opened
from tests.chromium import Page, chromium
from tests.gateway.harness import Gateway, running
from tests.gateway.test_token_service_gateway import (
    PATH,
    Registered,
    register,
    robot,
    service_policy,
    shop,
    stockade,
    token_of,
)
from tests.gateway.upstreams import Upstream

pytestmark = [pytest.mark.envoy, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

BACK = "http://127.0.0.1:9/back"
PASSWORD = "seven horses under a green moon"
_ROOMY = [{"name": "per-address", "key": "address", "rate": "1000/s", "burst": 1000}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, echoing: Upstream) -> Iterator[Gateway]:
    with running(
        Gateway(tmp_path_factory.mktemp("people"), service_policy(echoing.port, limits=_ROOMY, enrolment=True))
    ) as started:
        for name in ("alice", "carol", "erin"):
            words = ("users", "add", name, "--scope", "orders:read", "--stdin")
            stockade(started, *words, typed=PASSWORD + "\n")
        yield started


@pytest.fixture(scope="module")
def web(gateway: Gateway) -> Registered:
    rights = ("--scope", "openid", "--scope", "orders:read", "--scope", "orders:admin", "--audience", "shop")
    grants = ("--grant", "authorization_code", "--grant", "refresh_token")
    return register(gateway, "Shop front", *grants, *rights, "--redirect", BACK)


def base(gateway: Gateway) -> str:
    return f"http://localhost:{gateway.port}{PATH}"


def application(gateway: Gateway, client: Registered, **more: Any) -> Any:
    scope = "openid orders:read orders:admin"
    return OAuth2Session(client.id, client.secret, scope=scope, redirect_uri=BACK, code_challenge_method="S256", **more)


def submit(browser: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None, page.text
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    data = {**{name: unescape(value) for name, value in hidden}, **fields}
    return browser.post(str(page.url.join(unescape(action[1]))), data=data)


def walk(url: str, user: str, *codes: str) -> str:
    """Log in and allow; where the browser is sent."""
    with httpx.Client(trust_env=False) as browser:
        page = submit(browser, browser.get(url), username=user, password=PASSWORD)
        for code in codes:
            page = submit(browser, page, code=code)
        assert "Allow access?" in page.text, page.text
        assert "orders:admin" not in page.text, "what the user may not do cannot be allowed"
        reply = submit(browser, page, decision="allow")
    assert reply.status_code == 303, reply.text
    return str(reply.headers["location"])


VERIFIER = "v" * 64


def test_the_code_flow_with_authlib(gateway: Gateway, web: Registered) -> None:
    session = application(gateway, web)
    page = base(gateway) + "/oauth2/authorize"
    url, state = session.create_authorization_url(page, code_verifier=VERIFIER, nonce="n")
    location = walk(url, "alice")
    assert dict(parse_qsl(urlsplit(location).query))["iss"] == base(gateway)
    endpoint = base(gateway) + "/oauth2/token"
    tokens = session.fetch_token(endpoint, authorization_response=location, state=state, code_verifier=VERIFIER)
    assert (tokens["scope"], tokens["token_type"]) == ("openid orders:read", "Bearer")
    saw = dict(shop(gateway, tokens["access_token"]).json()["headers"])
    assert (saw["x-stockade-principal"], saw["x-stockade-scopes"]) == ("alice", "openid orders:read")
    keys = KeySet.import_key_set(httpx.get(base(gateway) + "/oauth2/jwks", trust_env=False).json())
    identity = jwt.decode(tokens["id_token"], keys).claims
    assert (identity["sub"], identity["nonce"], identity["aud"]) == ("alice", "n", web.id)
    session.scope = tokens["scope"]  # it would ask again for more than was granted (RFC 6749, section 6)
    again = session.refresh_token(endpoint, refresh_token=tokens["refresh_token"])
    assert shop(gateway, again["access_token"]).status == 200
    assert session.revoke_token(base(gateway) + "/oauth2/revoke", again["refresh_token"]).status_code == 200
    statuses = {shop(gateway, each["access_token"]).status for each in (tokens, again) for _ in range(10)}
    assert statuses == {401}, "the whole family, in both workers"


def test_a_second_factor(gateway: Gateway, web: Registered) -> None:
    now = time.time()
    with opened(gateway.folder / "stockade.yaml") as identity:
        carol = identity.users.find("carol")
        enrolment = identity.factors.enrol_totp(carol, now)
        first = pyotp.TOTP(enrolment.secret).at(int(now) - 30)
        assert identity.factors.confirm_totp(carol, enrolment.id, first, now, "test")
    session = application(gateway, web)
    url, state = session.create_authorization_url(base(gateway) + "/oauth2/authorize", code_verifier=VERIFIER)
    location = walk(url, "carol", "000000", pyotp.TOTP(enrolment.secret).at(int(now)))
    endpoint = base(gateway) + "/oauth2/token"
    tokens = session.fetch_token(endpoint, authorization_response=location, state=state, code_verifier=VERIFIER)
    keys = KeySet.import_key_set(httpx.get(base(gateway) + "/oauth2/jwks", trust_env=False).json())
    said = jwt.decode(tokens["access_token"], keys).claims
    assert (said["acr"], said["amr"]) == ("mfa", ["pwd", "otp", "mfa"])


def test_passwords_are_slow_to_guess_and_the_owner_gets_in(gateway: Gateway, web: Registered) -> None:
    session = application(gateway, web)
    url, _ = session.create_authorization_url(base(gateway) + "/oauth2/authorize", code_verifier=VERIFIER)
    told = set()
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(url)
        for name in ("alice", "nobody"):
            replies = [submit(browser, page, username=name, password=f"wrong {n}") for n in range(3)]
            told |= {re.sub(r'value="[^"]*"', "", reply.text) for reply in replies}
    (said,) = told  # nobody learns who there is
    assert "wrong" in said
    assert walk(url, "alice").startswith(BACK)


def test_a_user_who_is_disabled_is_out_at_once(gateway: Gateway, web: Registered) -> None:
    stockade(gateway, "users", "add", "dave", "--scope", "orders:read", "--stdin", typed=PASSWORD + "\n")
    session = application(gateway, web)
    url, state = session.create_authorization_url(base(gateway) + "/oauth2/authorize", code_verifier=VERIFIER)
    location, endpoint = walk(url, "dave"), base(gateway) + "/oauth2/token"
    tokens = session.fetch_token(endpoint, authorization_response=location, state=state, code_verifier=VERIFIER)
    assert shop(gateway, tokens["access_token"]).status == 200
    stockade(gateway, "users", "disable", "dave")
    assert {shop(gateway, tokens["access_token"]).status for _ in range(10)} == {401}


def test_a_client_with_a_key(gateway: Gateway, tmp_path: Path) -> None:
    """authlib makes the assertions of private_key_jwt."""
    from authlib.oauth2.rfc7523 import PrivateKeyJWT
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048, {"kid": "one"})
    (tmp_path / "jwks.json").write_bytes(KeySet([key]).as_dict(private=False).__str__().replace("'", '"').encode())
    client = register(
        gateway, "signer", "--grant", "client_credentials", "--audience", "shop", "--scope", "orders:read",
        "--authentication", "private_key_jwt", "--jwks", str(tmp_path / "jwks.json"),
    )  # fmt: skip
    endpoint = base(gateway) + "/oauth2/token"
    pem = key.as_pem(private=True).decode()
    session = OAuth2Session(client.id, pem, token_endpoint_auth_method=PrivateKeyJWT(endpoint))
    tokens = session.fetch_token(endpoint, grant_type="client_credentials")
    assert shop(gateway, tokens["access_token"]).status == 200


def test_nobody_logs_in_where_nobody_may(tmp_path: Path, echoing: Upstream) -> None:
    with running(Gateway(tmp_path, service_policy(echoing.port, login=False))) as gateway:
        assert token_of(gateway, robot(gateway))
        for page in ("authorize", "device"):
            assert httpx.get(f"{base(gateway)}/oauth2/{page}", trust_env=False).status_code == 404


def test_in_a_browser(gateway: Gateway, echoing: Upstream, tmp_path: Path) -> None:
    """Chromium, with the pages' own Content-Security-Policy in force: forms lead back to the application alone."""
    back = f"http://127.0.0.1:{echoing.port}/back"
    client = register(
        gateway, "Shop front", "--grant", "authorization_code", "--audience", "shop", "--scope", "orders:read",
        "--authentication", "none", "--redirect", back,
    )  # fmt: skip
    session = OAuth2Session(
        client.id, redirect_uri=back, code_challenge_method="S256", token_endpoint_auth_method="none"
    )
    url, state = session.create_authorization_url(base(gateway) + "/oauth2/authorize", code_verifier=VERIFIER)
    with chromium(tmp_path) as page:
        page.go(url)
        assert "to go on to Shop front" in page.text
        size = page.run("getComputedStyle(document.body).maxWidth")
        assert size == "384px", "the style is allowed by its hash"
        page.fill(username="alice", password=PASSWORD)
        page.click()
        assert "Shop front asks for:" in page.text
        cookie = page.cookies()["stockade"]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        page.click("button[value=allow]")
        location = page.url
    assert location.startswith(f"{back}?")
    endpoint = base(gateway) + "/oauth2/token"
    tokens = session.fetch_token(endpoint, authorization_response=location, state=state, code_verifier=VERIFIER)
    assert shop(gateway, tokens["access_token"]).status == 200


def test_a_passkey_in_a_browser(gateway: Gateway, echoing: Upstream, tmp_path: Path) -> None:
    """Added on the service's own page, and shown at the next login, with nothing of it known to the policy."""
    back = f"http://127.0.0.1:{echoing.port}/back"
    client = register(
        gateway, "Shop front", "--grant", "authorization_code", "--audience", "shop", "--scope", "orders:read",
        "--authentication", "none", "--redirect", back,
    )  # fmt: skip
    session = OAuth2Session(
        client.id, redirect_uri=back, code_challenge_method="S256", token_endpoint_auth_method="none"
    )
    url, state = session.create_authorization_url(base(gateway) + "/oauth2/authorize", code_verifier=VERIFIER)
    with chromium(tmp_path) as page:
        page.add_authenticator()
        _press(page, base(gateway) + "/oauth2/passkeys", "Add a passkey")
        assert "The passkey is yours" in page.text
        _press(page, url, "Second factor")
        assert "Allow access?" in page.text
        page.click("button[value=allow]")
        location = page.url
    assert location.startswith(f"{back}?")
    endpoint = base(gateway) + "/oauth2/token"
    tokens = session.fetch_token(endpoint, authorization_response=location, state=state, code_verifier=VERIFIER)
    keys = KeySet.import_key_set(httpx.get(base(gateway) + "/oauth2/jwks", trust_env=False).json())
    said = jwt.decode(tokens["access_token"], keys).claims
    assert (said["acr"], said["amr"]) == ("phr", ["mfa", "pwd", "swk", "user"])
    assert shop(gateway, tokens["access_token"]).status == 200


def _press(page: Page, url: str, heading: str) -> None:
    """erin logs in, and asks the authenticator."""
    page.go(url)
    page.fill(username="erin", password=PASSWORD)
    page.click()
    assert heading in page.text
    page.click("form[data-passkey] button")


def test_who_guesses_has_to_wait_and_the_owner_gets_in(tmp_path: Path, echoing: Upstream) -> None:
    """Passwords and client secrets, from one loopback address; the owner comes from another, and from the same one."""
    with running(Gateway(tmp_path, service_policy(echoing.port, limits=_ROOMY))) as gateway:
        for name in ("alice", "bob"):
            stockade(gateway, "users", "add", name, "--scope", "orders:read", "--stdin", typed=PASSWORD + "\n")
        web = register(
            gateway, "Shop front", "--grant", "authorization_code", "--audience", "shop", "--scope", "openid",
            "--scope", "orders:read", "--scope", "orders:admin", "--redirect", BACK,
        )  # fmt: skip
        session = application(gateway, web)
        url, _ = session.create_authorization_url(base(gateway) + "/oauth2/authorize", code_verifier=VERIFIER)

        def logged_in(name: str, password: str, source: str) -> httpx.Response:
            with httpx.Client(transport=httpx.HTTPTransport(local_address=source), trust_env=False) as browser:
                return submit(browser, browser.get(url), username=name, password=password)

        assert "Allow access?" in logged_in("alice", PASSWORD, "127.0.0.3").text, "at home"
        wrong = [logged_in("alice", f"guess number {number}", "127.0.0.2") for number in range(8)]
        assert [page.status_code for page in wrong[:3]] == [200] * 3
        assert wrong[-1].status_code == 429
        assert int(wrong[-1].headers["retry-after"]) > 0
        assert "Too many wrong tries" in wrong[-1].text
        assert logged_in("alice", PASSWORD, "127.0.0.2").status_code == 429, "right or wrong, it is not judged there"
        assert "Allow access?" in logged_in("alice", PASSWORD, "127.0.0.3").text, "the owner at home"
        assert "Allow access?" in logged_in("bob", PASSWORD, "127.0.0.4").text, "another, somewhere new"

        client, form = robot(gateway), {"grant_type": "client_credentials"}
        endpoint = base(gateway) + "/oauth2/token"

        def asked(secret: str, source: str) -> httpx.Response:
            with httpx.Client(transport=httpx.HTTPTransport(local_address=source), trust_env=False) as http:
                return http.post(endpoint, data=form, auth=(client.id, secret))

        tries = [asked(f"sts_{number}", "127.0.0.2") for number in range(60)]
        assert tries[0].status_code == 401
        refused, *others = [reply for reply in tries if reply.status_code == 429]
        assert len(others) > 10, "the time that passes allows one now and then"
        assert refused.json()["error"] == "temporarily_unavailable"
        assert int(refused.headers["retry-after"]) > 0
        assert asked(client.secret, "127.0.0.3").status_code == 200
