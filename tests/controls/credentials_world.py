"""What authentication is tried in: keys from the real store, tokens of real issuers, and a control over both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stockade.controls.authentication import ApiKeys, Authentication, Jwts, Scheme
from stockade.engine import Answer, drive
from stockade.identity import ApiKeys as Issuance
from stockade.identity import Issued
from stockade.operations import OperationTable
from stockade.stores import Counters, KeySources, KeyStore, Source, Stores
from stockade.tokens import parse_jwks
from stockade.vocabulary import Stop
from tests.controls.issuers import Issuer
from tests.exchanges import AT, Pairs, make_exchange, make_request

HASH_KEY = b"h" * 32


@pytest.fixture(scope="module")
def issuer():
    return Issuer("https://issuer.example")


@pytest.fixture(scope="module")
def other():
    return Issuer("https://other.example")


class World:
    """A store of keys, two issuers, and a control that takes whatever schemes a test wants."""

    def __init__(self, folder: Path, issuer: Issuer, other: Issuer) -> None:
        self.keys = KeyStore(folder / "keys.db")
        self.issuance = Issuance(self.keys, HASH_KEY)
        self.issuer, self.other = issuer, other
        self.sources = [Source(item.url, keys=parse_jwks(item.jwks())) for item in (issuer, other)]
        self.stores = Stores(Counters(), self.keys, KeySources(self.sources))
        self.api_keys = ApiKeys(header="X-API-Key", hash_key=HASH_KEY)
        self.jwts = Jwts(source=issuer.url, rules=issuer.rules())
        self.others_jwts = Jwts(source=other.url, rules=other.rules())

    def control(self, *schemes: Scheme, anonymous: Iterable[str] = ("GET /health", "POST /login")) -> Authentication:
        return Authentication(
            realm="shop", any_of=schemes or (self.api_keys, self.jwts), anonymous=OperationTable(anonymous)
        )

    def verdict(
        self,
        control: Authentication,
        headers: Pairs = (),
        *,
        method: str = "GET",
        path: str = "/orders/7",
        at: float = AT,
        client: str = "203.0.113.9",
        answer: Answer | None = None,
    ) -> Any:
        exchange = make_exchange(make_request(method, path, headers, at=at), client=client)
        return drive(control.on_request(exchange), answer or self.stores.answer)

    def issue(self, **fields: Any) -> Issued:
        return self.issuance.issue("alice", AT - 1000, scopes=["orders:read"], **fields)


@pytest.fixture
def world(tmp_path, issuer, other):
    world = World(tmp_path, issuer, other)
    yield world
    world.stores.close()


def key_header(text: str, name: str = "X-API-Key") -> list[tuple[str, str]]:
    return [(name, text)]


def bearer(token: str, scheme: str = "Bearer") -> list[tuple[str, str]]:
    return [("Authorization", f"{scheme} {token}")]


def refused(verdict: Any) -> tuple[int, list[str]]:
    """The status and the reasons."""
    assert isinstance(verdict, Stop)
    assert verdict.action == "deny"
    return verdict.response.status, [finding.rule for finding in verdict.findings]


def forged(issuer: Issuer) -> str:
    thief = Issuer(issuer.url)
    return thief.token({"kid": issuer.keys[-1].kid})
