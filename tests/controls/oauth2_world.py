"""What OAuth 2 is tried in: a real issuer on the loopback interface, real stores, and a control that asks them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from stockade.controls.authentication import Authentication, OAuth2
from stockade.engine import NotNow, drive, resume
from stockade.operations import OperationTable
from stockade.stores import Counters, Introspection, Introspector, KeySources, Source, Stores
from stockade.tokens import JwtRules
from stockade.vocabulary import Stop
from tests.controls.oauth2_issuers import OAuthIssuer, issuing
from tests.exchanges import AT, Pairs, make_exchange, make_request


@pytest.fixture(scope="module")
def served() -> Iterator[OAuthIssuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def issuer(served: OAuthIssuer) -> OAuthIssuer:
    served.opaque, served.asked, served.dead, served.slow, served.said = {}, [], False, 0.0, {}
    return served


class World:
    def __init__(self, issuer: OAuthIssuer, **introspection: Any) -> None:
        self.rules = JwtRules(
            frozenset({"ES256"}),
            issuer.url,
            "orders",
            5.0,
            frozenset({"at+jwt"}),
            frozenset({"client_id", "iat", "jti", "sub"}),
        )
        self.introspector = Introspector(
            "asked", replace(self.rules, required=frozenset()), "", issuer.url, "gate way", b"s:cret", **introspection
        )
        sources = KeySources([Source("issuer", url="issuer", issuer=issuer.url)])
        self.introspection = Introspection([self.introspector])
        self.stores = Stores(Counters(), None, sources, self.introspection)

    def scheme(self, **fields: Any) -> OAuth2:
        return OAuth2(**{"source": "issuer", "rules": self.rules, "introspection": "asked", **fields})

    def control(self, **fields: Any) -> Authentication:
        more = {name: fields.pop(name) for name in ("step_up",) if name in fields}
        return Authentication(realm="shop", any_of=[self.scheme(**fields)], anonymous=OperationTable(), **more)

    async def ask(self, control: Authentication, headers: Pairs, *, at: float = AT, certificate: str = "") -> Any:
        request = make_request("GET", "/orders/7", headers, at=at)
        request = replace(request, peer=replace(request.peer, certificate=certificate))
        try:
            return drive(control.on_request(make_exchange(request)), self.stores.answer)
        except NotNow as waiting:
            return await resume(waiting, self.stores.answer_later)

    def verdict(self, control: Authentication, headers: Pairs, **fields: Any) -> Any:
        return asyncio.run(self.ask(control, headers, **fields))


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


def by_dpop(token: str, *proofs: str) -> list[tuple[str, str]]:
    return [("authorization", f"DPoP {token}"), *(("dpop", proof) for proof in proofs)]


def reason(verdict: Any) -> str:
    assert isinstance(verdict, Stop)
    return verdict.findings[-1].rule


def challenge(verdict: Any) -> list[str]:
    assert isinstance(verdict, Stop)
    told: list[str] = verdict.response.headers.all("www-authenticate")
    return told
