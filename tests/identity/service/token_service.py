"""A token service in this process, with a clock of its own, for tests; and a browser that knows its pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import httpx

from stockade.envelopes import Envelope, KeyRing
from stockade.grants import Schedule, challenge_of
from stockade.identity.clients import Clients, Registered
from stockade.identity.service.app import application
from stockade.identity.service.guesses import TooMany
from stockade.identity.service.secrets import Digests
from stockade.identity.service.service import Service
from stockade.identity.service.settings import Settings
from stockade.identity.service.signing import SigningKeys
from stockade.identity.service.trail import Trail
from stockade.stores import Database
from stockade.stores.clients import ClientStore
from stockade.stores.events import EventStore
from stockade.stores.signing_keys import SigningKeyStore
from stockade.stores.tokens import TokenStore

HASH_KEY = b"of thirty-two bytes at the least."
ISSUER = "https://auth.example/id"
VERIFIER = "a-verifier-of-forty-three-characters-and-more"
BACK = "https://app.example/back"
START = 1_800_000_000.0
SCHEDULE = Schedule(rotate=86_400.0, lead=3_600.0, overlap=900.0)


class FakePerson(NamedTuple):
    id: str
    name: str
    scopes: frozenset[str]
    roles: frozenset[str]
    factors: bool


class FakePeople:
    """Users as the service sees them."""

    def __init__(self) -> None:
        self.passwords = {"alice": "correct horse", "bob": "battery staple"}
        self.rights = {"alice": {"read", "write"}, "bob": {"read"}}
        self.disabled: set[str] = set()
        self.factors: set[str] = set()
        self.wrong = 0

    def verify(self, name: str, password: str, at: float, *, address: str = "") -> FakePerson | None:
        return self.get(f"user-{name}", at) if self.passwords.get(name) == password else None

    def get(self, user_id: str, at: float) -> FakePerson | None:
        name = user_id.removeprefix("user-")
        if name not in self.passwords or user_id in self.disabled:
            return None
        return FakePerson(user_id, name, frozenset(self.rights[name]), frozenset({"clerk"}), name in self.factors)

    def check_factor(self, user_id: str, code: str, at: float) -> str | None:
        if self.wrong >= 10:
            raise TooMany
        self.wrong += code != "123456"
        return "otp" if code == "123456" else None

    def challenge(self, user_id: str, at: float) -> None:
        """Passkeys are tried with users that are real, in `test_passkey_login`."""

    def check_passkey(self, user_id: str, challenge_id: str, answer: str, at: float) -> None: ...

    def begin_passkey(self, user_id: str, at: float) -> None: ...

    def add_passkey(self, user_id: str, challenge_id: str, answer: str, label: str, at: float) -> bool:
        return False


class _Transport(httpx.BaseTransport):
    def __init__(self, app: Any) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
            response = await httpx.ASGITransport(self._app).handle_async_request(sent)
            return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

        return asyncio.run(ask())


class TokenService:
    def __init__(
        self, database: Database, *, users: bool = True, people: Any = None, counters: Any = None, **settings: Any
    ) -> None:
        self.now = START
        self.users = FakePeople()
        store = ClientStore(database)
        sealer = Envelope(KeyRing.of(b"k" * 32))
        self.settings = Settings(**{"issuer": ISSUER, "schedule": SCHEDULE, **settings})
        self.trail = Trail(EventStore(database))
        self.keys = SigningKeys(SigningKeyStore(database), sealer, SCHEDULE, self.settings.algorithm, self.trail)
        self.tokens = TokenStore(database)
        self.service = Service(
            self.settings,
            store,
            self.tokens,
            self.keys,
            Digests(HASH_KEY),
            (people or self.users) if users else None,
            counters=counters,
            trail=self.trail,
        )
        self.clients = Clients(store, HASH_KEY)
        self.app = application(self.service, lambda: self.now)

    def http(self) -> httpx.Client:
        return httpx.Client(transport=_Transport(self.app), base_url="https://auth.example")

    def post(self, path: str, form: Mapping[str, Any] | bytes, **more: Any) -> httpx.Response:
        """A request of a program."""
        if isinstance(form, bytes):
            more = {"content": form, "headers": {"content-type": "application/x-www-form-urlencoded"}, **more}
        else:
            more["data"] = dict(form)
        with self.http() as client:
            return client.post(f"/id/oauth2/{path}", **more)

    # Clients.

    def robot(self, **more: Any) -> Registered:
        fields: dict[str, Any] = {"grants": ["client_credentials"], "audiences": ["shop"], "scopes": ["read", "write"]}
        return self.clients.add("robot", self.now, **{**fields, **more})

    def web(self, **more: Any) -> Registered:
        fields: dict[str, Any] = {
            "grants": ["authorization_code", "refresh_token"],
            "audiences": ["shop"],
            "scopes": ["openid", "read", "write"],
            "redirects": [BACK],
        }
        return self.clients.add("The <b>web</b> shop", self.now, **{**fields, **more})

    def television(self, **more: Any) -> Registered:
        fields: dict[str, Any] = {"grants": ["device_code", "refresh_token"], "audiences": ["shop"], "scopes": ["read"]}
        return self.clients.add("television", self.now, **{**fields, "authentication": "none", **more})

    # Flows.

    def token(self, client: Registered, form: Mapping[str, Any], **more: Any) -> httpx.Response:
        if client.secret:
            return self.post("token", form, auth=(client.client.id, client.secret), **more)
        return self.post("token", {"client_id": client.client.id, **form}, **more)

    def code(self, client: Registered, **asked: Any) -> str:
        with Browser(self) as browser:
            answer = browser.allow(client, **asked)
        return answer["code"]

    def exchange(self, client: Registered, code: str, /, **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        return self.token(client, {name: value for name, value in {**form, **changes}.items() if value})

    def active(self, token: str) -> dict[str, Any]:
        """What introspection says, to a client for whose audience the token is."""
        resource = self.clients.add("shop", self.now, grants=["client_credentials"], audiences=["shop"])
        reply = self.post("introspect", {"token": token}, auth=(resource.client.id, resource.secret))
        assert reply.status_code == 200
        found: dict[str, Any] = reply.json()
        return found


class Browser:
    """Follows the pages by their forms, as a person would."""

    def __init__(self, served: TokenService) -> None:
        self.served = served
        self.http = served.http()
        self.page: httpx.Response

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def authorize(self, client: Registered, **asked: Any) -> httpx.Response:
        query = {
            "response_type": "code",
            "client_id": client.client.id,
            "redirect_uri": BACK,
            "state": "s t/a+te",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **asked,
        }
        kept = {name: value for name, value in query.items() if value}
        self.page = self.http.get("/id/oauth2/authorize", params=kept)
        return self.page

    def submit(self, **fields: str) -> httpx.Response:
        """The form of the page, with its hidden fields."""
        action = re.search(r'action="([^"]+)"', self.page.text)
        assert action is not None, self.page.text
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.page.text)
        self.page = self.http.post(unescape(action[1]), data={**{n: unescape(v) for n, v in hidden}, **fields})
        return self.page

    def log_in(self, name: str = "alice", password: str = "correct horse") -> httpx.Response:
        return self.submit(username=name, password=password)

    def allow(self, client: Registered, **asked: Any) -> dict[str, str]:
        """All the way; what the client is told."""
        assert self.authorize(client, **asked).status_code == 200, self.page.text
        assert "Allow access?" in self.log_in().text, self.page.text
        return told(self.submit(decision="allow"))


def told(reply: httpx.Response, back: str = BACK) -> dict[str, str]:
    """The answer in a redirect to the client."""
    assert reply.status_code == 303, reply.text
    location = reply.headers["location"]
    assert location.startswith(back + ("&" if "?" in back else "?")), location
    return dict(parse_qsl(urlsplit(location).query))


@contextmanager
def serving(folder: Path, **more: Any) -> Iterator[TokenService]:
    with closing(Database(folder / "stockade.db")) as database:
        yield TokenService(database, **more)
