"""A token service with real users on a port of this machine, and a browser with a virtual authenticator before it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from stockade.config.users import UserSettings
from stockade.controls.authentication import Lockout
from stockade.identity.clients import Registered
from stockade.identity.passkeys import Passkeys
from stockade.identity.service.opening import party_at
from stockade.identity.service.people import People
from stockade.passwords import PasswordPolicy
from stockade.second_factors import RelyingParty
from tests.chromium import Page
from tests.gateway.harness import wait_until
from tests.identity.conftest import GOOD, OTHER, QUICK, World
from tests.identity.service.token_service import Browser, TokenService

MAKE = """(async options => JSON.stringify((await navigator.credentials.create(
  {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()))"""
SHOW = """(async options => JSON.stringify((await navigator.credentials.get(
  {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()))"""


class Site:
    """alice has a passkey and bob too, once `enrol` is called for them; each has a password."""

    def __init__(self, folder: Path, port: int, *, verified: bool = True, **settings: Any) -> None:
        self.origin = f"http://localhost:{port}"
        issuer = f"{self.origin}/id"
        self.world = World(folder / "stockade.db")
        told = RelyingParty("localhost", ("https://elsewhere.localhost",), "The Shop", verified)
        party = party_at(issuer, UserSettings(PasswordPolicy(), QUICK, Lockout(), party=told))
        assert party is not None
        assert party.origins == (self.origin,)
        self.passkeys = Passkeys(self.world.factors, self.world.factor_store, party)
        people = People(self.world.users, self.world.factors, self.passkeys)
        self.served = TokenService(self.world.database, people=people, issuer=issuer, **settings)
        self.back = f"{self.origin}/back"
        self.web: Registered = self.served.web(redirects=[self.back])
        for name, password in (("alice", GOOD), ("bob", OTHER)):
            self.world.users.add(name, self.served.now, "test", password=password, scopes=["read"])

    def enrol(self, page: Page, name: str = "alice") -> None:
        user = self.world.users.find(name)
        challenge = self.passkeys.begin(user, self.served.now)
        answer = str(page.run(f"{MAKE}({challenge.options})"))
        self.passkeys.finish(user, challenge.id, answer, self.served.now, "test")


def at_factor(site: Site, browser: Browser, name: str = "alice", password: str = GOOD) -> httpx.Response:
    """The page of the second factor."""
    browser.authorize(site.web, redirect_uri=site.back)
    shown = browser.log_in(name, password)
    assert "Second factor" in shown.text, shown.text
    return shown


def between(text: str, before: str, after: str) -> str:
    return unescape(text.split(before, 1)[1].split(after, 1)[0])


def options_of(shown: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(between(shown.text, 'data-passkey="', '"'))
    return found


def ticket_of(shown: httpx.Response) -> str:
    return between(shown.text, 'name="ticket" value="', '"')


def shown_by(page: Page, options: dict[str, Any]) -> str:
    """What the authenticator answers, whoever asks."""
    return str(page.run(f"{SHOW}({json.dumps(options)})"))


def answer(browser: Browser, ticket: str, text: str) -> httpx.Response:
    """What a browser posts after the script."""
    return browser.http.post("/id/oauth2/passkey", data={"ticket": ticket, "answer": text})


def free_socket() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@contextmanager
def listening_on(listening: socket.socket, app: Any) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the service")
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
