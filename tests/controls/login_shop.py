"""A shop that one logs in to: its policy over real stores, a provider on the loopback interface, and browsers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from stockade.config import Built, Loaded, build, load_text
from stockade.gateway.dry_run import Decision, DryRun
from stockade.gateway.runtime import Runtime
from tests.controls.openid_provider import CLIENT, SECRET, OpenIdProvider, providing
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
        self._runtime.close()
        self._runtime = Runtime(loaded, built)
        self._answers, self.policy = self._runtime.stores, self._runtime.policy


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
