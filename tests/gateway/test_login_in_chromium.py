"""The whole login in a real browser, through Envoy with TLS, at an OpenID provider that others have written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from tests.absent import installed
from tests.chromium import Page, chromium
from tests.gateway.certificates import Authority
from tests.gateway.doors import echo, serving
from tests.gateway.harness import Gateway, api, await_port, ended, free_port, policy, running

pytestmark = pytest.mark.envoy
SESSION = "__Host-shop-session"


class Site(NamedTuple):
    """url: of the API, https://localhost…; issuer: on another site, http://127.0.0.1…"""

    url: str
    issuer: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    installed("oidc_provider_mock")  # importing it here would warn
    folder, behind, issuing, listening = tmp_path_factory.mktemp("chromium"), free_port(), free_port(), free_port()
    server = Authority(folder, "Servers").issue("server")
    url, issuer = f"https://localhost:{listening}", f"http://127.0.0.1:{issuing}"
    user = '{"sub": "carol", "email": "carol@example.com", "roles": ["buyer"]}'
    command = [sys.executable, "-m", "oidc_provider_mock", "-p", str(issuing), "-n", "--user-claims", user]
    oidc = {"issuer": issuer, "client_id": "shop", "client_secret": "s3cret", "url": url, "scopes": ["email"]}
    tls = {"certificate": str(server.certificate), "key": str(server.key)}
    started = policy(
        api(behind, authentication={"any_of": [{"oidc": oidc}]}),
        listen={"address": f"127.0.0.1:{listening}", "tls": tls},
        workers=2,
    )
    provider = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with ended(provider), serving(echo, behind):
        await_port(issuing, provider)
        with running(Gateway(folder, started)):
            yield Site(url, issuer)


@pytest.fixture
def page(tmp_path: Path, site: Site) -> Iterator[Page]:
    with chromium(tmp_path / "profile", any_certificate=True) as page:
        yield page


@pytest.fixture
def application(tmp_path: Path, site: Site) -> Iterator[Page]:
    """Its pages are what the API answers, whose policy lets scripts ask for nothing; an application's pages would."""
    with chromium(tmp_path / "profile", any_certificate=True, bypass_csp=True) as page:
        yield page


def status(page: Page, target: str) -> object:
    return page.run(f"fetch('{target}', {{redirect: 'manual'}}).then(reply => reply.status)")


def log_in(page: Page, site: Site, target: str = "/orders/7?a=1") -> None:
    page.go(f"{site.url}{target}")
    assert page.url.startswith(f"{site.issuer}/")
    page.click("button[value=carol]")


def test_login_and_logout(application: Page, site: Site) -> None:
    log_in(application, site)
    assert application.url == f"{site.url}/orders/7?a=1"
    assert '"x-stockade-principal", "carol"' in application.text
    assert "cookie" not in application.text
    cookie = application.cookies()[SESSION]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    assert len(cookie["value"]) < 256
    assert application.run("document.cookie") == ""
    assert status(application, "/orders/8") == 200
    application.follow("location.href = '/.stockade/logout'")
    assert application.url.startswith(f"{site.issuer}/")
    assert SESSION not in application.cookies()
    application.go(f"{site.url}/orders/7")
    assert application.url.startswith(f"{site.issuer}/")  # to log in anew


def test_a_script_gets_401(application: Page, site: Site) -> None:
    application.go(f"{site.url}/.stockade/nothing-here")  # a page of the provider
    log_in(application, site)
    assert status(application, "/orders/8") == 200
    application.run("fetch('/.stockade/logout', {method: 'POST'})")
    assert status(application, "/orders/8") == 401


def test_the_answer_is_good_in_the_browser_that_asked_alone(page: Page, site: Site) -> None:
    """Login CSRF: an attacker logs in as themselves, and has a victim's browser bring the answer."""
    with httpx.Client(verify=False, trust_env=False, headers={"accept": "text/html"}) as attacker:
        form = attacker.get(f"{site.url}/orders/7").headers["location"]
        back = attacker.post(form, data={"sub": "mallory"}).headers["location"]
    assert back.startswith(f"{site.url}/.stockade/callback?")
    page.go(back)
    assert "not completed" in page.text
    assert SESSION not in page.cookies()
    log_in(page, site)  # and with a login of its own under way, or done, it is no better
    page.go(back)
    assert "not completed" in page.text
    page.go(f"{site.url}/orders/7")
    assert '"x-stockade-principal", "carol"' in page.text


def test_another_sites_page_cannot_act_for_who_is_logged_in(page: Page, site: Site) -> None:
    log_in(page, site)
    page.go(f"{site.issuer}/")
    assert urlsplit(page.url).hostname == "127.0.0.1"
    page.follow(
        f"(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = "
        f"'{site.url}/transfers'; document.body.append(form); form.submit(); }})()"
    )
    assert page.url == f"{site.url}/transfers"
    assert "x-stockade-principal" not in page.text
    page.go(f"{site.issuer}/")
    page.follow(f"location.href = '{site.url}/.stockade/logout'")
    assert "logs you out" in page.text
    page.go(f"{site.url}/orders/7")
    assert '"x-stockade-principal", "carol"' in page.text
