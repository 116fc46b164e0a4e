"""The whole login in a real browser, through Envoy with TLS, at an OpenID provider that others have written."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from tests.gateway.certificates import Authority
from tests.gateway.chromium import Tab, browsing
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
    if importlib.util.find_spec("oidc_provider_mock") is None:  # importing it here would warn
        pytest.skip("oidc-provider-mock is not there: pip install --group dev")
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
    with ended(provider), serving(echo, behind), running(Gateway(folder, started)):
        await_port(issuing, provider)
        yield Site(url, issuer)


@pytest.fixture
def tab(tmp_path: Path, site: Site) -> Iterator[Tab]:
    with browsing(tmp_path / "profile") as tab:
        yield tab


def status(tab: Tab, target: str) -> object:
    return tab.run(f"fetch('{target}', {{redirect: 'manual'}}).then(reply => reply.status)")


def log_in(tab: Tab, site: Site, target: str = "/orders/7?a=1") -> None:
    tab.go(f"{site.url}{target}")
    assert tab.url.startswith(f"{site.issuer}/")
    tab.run("document.querySelector('button[value=carol]').click()")
    tab.settle()


def test_login_and_logout(tab: Tab, site: Site) -> None:
    log_in(tab, site)
    assert tab.url == f"{site.url}/orders/7?a=1"
    assert '"x-stockade-principal", "carol"' in tab.text
    assert "cookie" not in tab.text
    cookie = tab.cookies()[SESSION]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    assert len(cookie["value"]) < 256
    assert tab.run("document.cookie") == ""
    assert status(tab, "/orders/8") == 200
    tab.run("location.href = '/.stockade/logout'")
    tab.settle()
    assert tab.url.startswith(f"{site.issuer}/")
    assert SESSION not in tab.cookies()
    tab.go(f"{site.url}/orders/7")
    assert tab.url.startswith(f"{site.issuer}/")  # to log in anew


def test_a_script_gets_401(tab: Tab, site: Site) -> None:
    tab.go(f"{site.url}/.stockade/nothing-here")  # a page of the provider
    log_in(tab, site)
    tab.run("fetch('/.stockade/logout', {method: 'POST'})")
    tab.settle()
    assert status(tab, "/orders/8") == 401


def test_the_answer_is_good_in_the_browser_that_asked_alone(tab: Tab, site: Site) -> None:
    """Login CSRF: an attacker logs in as themselves, and has a victim's browser bring the answer."""
    with httpx.Client(verify=False, trust_env=False, headers={"accept": "text/html"}) as attacker:
        form = attacker.get(f"{site.url}/orders/7").headers["location"]
        back = attacker.post(form, data={"sub": "mallory"}).headers["location"]
    assert back.startswith(f"{site.url}/.stockade/callback?")
    tab.go(back)
    assert "not completed" in tab.text
    assert SESSION not in tab.cookies()
    log_in(tab, site)  # and with a login of its own under way, or done, it is no better
    tab.go(back)
    assert "not completed" in tab.text
    tab.go(f"{site.url}/orders/7")
    assert '"x-stockade-principal", "carol"' in tab.text


def test_another_sites_page_cannot_act_for_who_is_logged_in(tab: Tab, site: Site) -> None:
    log_in(tab, site)
    tab.go(f"{site.issuer}/")
    assert urlsplit(tab.url).hostname == "127.0.0.1"
    tab.run(
        f"(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = "
        f"'{site.url}/transfers'; document.body.append(form); form.submit(); }})()"
    )
    tab.settle()
    assert tab.url == f"{site.url}/transfers"
    assert "x-stockade-principal" not in tab.text
    tab.go(f"{site.issuer}/")
    tab.run(f"location.href = '{site.url}/.stockade/logout'")
    tab.settle()
    assert "logs you out" in tab.text
    tab.go(f"{site.url}/orders/7")
    assert '"x-stockade-principal", "carol"' in tab.text
