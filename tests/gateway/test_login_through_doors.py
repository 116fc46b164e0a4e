"""Login at an OpenID provider, the whole code flow, through both doors, as a browser without scripts does it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from tests.controls.openid_provider import CLIENT, SECRET, OpenIdProvider, providing
from tests.gateway.client import Reply
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, echo, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running

pytestmark = pytest.mark.envoy

URL = "http://localhost:8080"
NONE: Mapping[str, str] = {}
FORM = {"content-type": "application/x-www-form-urlencoded"}
PAGE = {"accept": "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
SCRIPT = {"accept": "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def served() -> Iterator[OpenIdProvider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def provider(served: OpenIdProvider) -> OpenIdProvider:
    served.said, served.header, served.callback_said, served.dead = {}, {}, {}, False
    return served


def apis(port: int, issuer: str) -> list[dict[str, Any]]:
    oidc = {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET, "url": URL, "scopes": ["orders:read"]}
    step_up = [{"operations": ["GET /transfers"], "acr": "mfa", "max_age": "5m"}]
    shown = {"any_of": [{"oidc": {**oidc, "forward": "access_token"}}]}
    return [
        api(port, "shop", authentication={"any_of": [{"oidc": oidc}], "step_up": step_up}, waf={"mode": "off"}),
        api(port, "desk", prefix="/desk", authentication=shown, waf={"mode": "off"}),
    ]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, served: OpenIdProvider) -> Iterator[dict[str, Door]]:
    folder, port = tmp_path_factory.mktemp("login"), free_port()
    asgi = folder / "asgi"
    asgi.mkdir()
    started = policy(*apis(port, served.url), workers=2)
    with ExitStack() as stack:
        stack.enter_context(serving(echo, port))
        gateway = stack.enter_context(running(Gateway(folder, started)))
        loop = Loop()
        stack.callback(loop.close)
        (asgi / "stockade.yaml").write_text(json.dumps({**started, "log": {**started["log"], "path": LOGS["asgi"]}}))
        inside = AsgiDoor(loop, asgi, echo)
        stack.callback(inside.close)
        yield {"envoy": EnvoyDoor(gateway), "asgi": inside}


@pytest.fixture(params=["asgi", "envoy"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    return doors[request.param]


class Browser:
    """Cookies, and links followed by hand."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.cookies: dict[str, str] = {}

    def send(self, target: str, method: str = "GET", body: bytes = b"", fields: Mapping[str, str] = NONE) -> Reply:
        pairs = [("host", "localhost:8080"), *fields.items()]
        if self.cookies:
            pairs.append(("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        reply = self.door.send(Sent(method, target, tuple(pairs), (body,) if body else ()))
        for line in [value for name, value in reply.headers if name == "set-cookie"]:
            for name, morsel in SimpleCookie(line).items():
                assert morsel["httponly"]
                assert morsel["samesite"] == "Lax"
                assert morsel["path"] == "/"
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return reply

    def page(self, target: str) -> Reply:
        return self.send(target, fields=PAGE)

    def script(self, target: str, method: str = "GET") -> Reply:
        return self.send(target, method, fields=SCRIPT)

    def at_provider(self, reply: Reply) -> str:
        """The target to which the provider sends the browser back."""
        assert reply.status == 302, reply.body
        answer = httpx.get(reply.header("location") or "", follow_redirects=False, trust_env=False)
        back = answer.headers["location"]
        assert back.startswith(f"{URL}/")
        return back.removeprefix(URL)

    def log_in(self, target: str = "/orders/7?a=1") -> Reply:
        return self.page(self.at_provider(self.page(target)))


@pytest.fixture
def browser(door: Door) -> Browser:
    return Browser(door)


def upstream_saw(reply: Reply) -> dict[str, str]:
    assert reply.status == 200, reply.body
    return dict(reply.json()["headers"])


def test_the_whole_way(browser: Browser, provider: OpenIdProvider) -> None:
    reply = browser.log_in("/orders/7?a=1")
    assert reply.status == 303, reply.body
    assert reply.header("location") == f"{URL}/orders/7?a=1"
    browser.cookies["own"] = "the-front-ends"
    saw = upstream_saw(browser.page("/orders/7?a=1"))
    assert saw["x-stockade-principal"] == "alice"
    assert saw["x-stockade-scopes"] == "openid orders:read"
    assert saw["cookie"] == "own=the-front-ends"
    assert upstream_saw(browser.script("/orders/7", "POST"))["x-stockade-principal"] == "alice"


def test_a_script_is_told_where_to_log_in(browser: Browser) -> None:
    reply = browser.script("/orders/7")
    assert (reply.status, reply.header("location")) == (401, None)
    assert 'login="/.stockade/login"' in (reply.header("www-authenticate") or "")
    back = browser.at_provider(browser.page("/.stockade/login?return_to=/orders/9"))
    assert browser.page(back).header("location") == f"{URL}/orders/9"


def test_logout_ends_the_session_here_and_there(browser: Browser, provider: OpenIdProvider) -> None:
    browser.log_in()
    cookies = dict(browser.cookies)
    reply = browser.page("/.stockade/logout")
    assert reply.status == 303
    parts = urlsplit(reply.header("location") or "")
    asked = dict(parse_qsl(parts.query))
    assert (parts.path, asked["client_id"]) == ("/logout", CLIENT)
    assert asked["id_token_hint"].count(".") == 2
    assert browser.script("/orders/7").status == 401
    browser.cookies = cookies  # kept by somebody
    assert browser.script("/orders/7").status == 401


def test_back_channel_logout_ends_it_in_every_worker(browser: Browser, provider: OpenIdProvider) -> None:
    browser.log_in()
    statuses = {browser.script("/orders/7").status for _ in range(8)}  # both workers know it now
    assert statuses == {200}
    token = provider.logout_token()
    form = urlencode({"logout_token": token}).encode()
    stranger = Browser(browser.door)
    reply = stranger.send("/.stockade/backchannel-logout", "POST", form, FORM)
    assert reply.status == 200, reply.body
    assert {browser.script("/orders/7").status for _ in range(8)} == {401}
    again = stranger.send("/.stockade/backchannel-logout", "POST", form, FORM)
    assert again.status == 400  # a token is good once


def test_step_up_goes_back_to_the_provider(browser: Browser, provider: OpenIdProvider) -> None:
    browser.log_in()
    told = browser.script("/transfers").header("www-authenticate") or ""
    assert 'error="insufficient_user_authentication"' in told
    reply = browser.page("/transfers")
    asked = dict(parse_qsl(urlsplit(reply.header("location") or "").query))
    assert (asked["acr_values"], asked["max_age"]) == ("mfa", "300")
    assert browser.page(browser.at_provider(reply)).header("location") == f"{URL}/transfers"
    upstream_saw(browser.page("/transfers"))


def test_a_step_up_that_is_not_done_leads_nowhere(browser: Browser, provider: OpenIdProvider) -> None:
    browser.log_in()
    provider.said = {"acr": "pwd"}
    back = browser.at_provider(browser.page("/transfers"))
    assert browser.page(back).status == 400  # and not back to where it would be sent away again
    upstream_saw(browser.page("/orders/7"))


def test_the_upstream_may_get_the_access_token(browser: Browser, provider: OpenIdProvider) -> None:
    reply = browser.page(browser.at_provider(browser.page("/desk/1")))
    assert reply.header("location") == f"{URL}/desk/1"
    token = upstream_saw(browser.page("/desk/1"))["authorization"].removeprefix("Bearer ")
    assert provider.access_tokens[token] == "alice"
    assert browser.script("/orders/7").status == 401  # another API's session
