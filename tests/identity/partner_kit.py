"""An authority, its partners and their keys on a database of a test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509

from stockade.certificates import Partner
from stockade.engine import NotNow
from stockade.envelopes import Envelope, KeyRing
from stockade.identity import ApiKeys
from stockade.identity.certificates import Certificates, Lists
from stockade.identity.partners import Partners, Wanted
from stockade.stores import CertificateStore, Database, DatabasePlace, KeyStore, PartnerStore
from tests.certificates.authority_kit import TRUST, csr

AT = 1_795_000_000.0  # 2026-11-18
DAY = 86400.0
NAME = x509.DNSName("client.acme.example")
ACME = Partner(
    "acme",
    "ops@acme.example",
    ("203.0.113.0/24",),
    (1000, "day"),
    ("client.acme.example",),
    ("orders:read",),
    expires=AT + 365 * DAY,
)
HASH_KEY = b"a key of the keyed hash, for tests alone"


ENVELOPE = Envelope(KeyRing.of(bytes(range(32))))


class Office(NamedTuple):
    folder: Path
    database: Database
    keys: ApiKeys
    certificates: Certificates
    partners: Partners

    @property
    def lists(self) -> Path:
        return self.folder / "clients.crl"


@contextmanager
def office(folder: Path, place: Path | DatabasePlace | None = None) -> Iterator[Office]:
    """Opened, without an authority."""
    with closing(Database(place or folder / "stockade.db")) as database:
        keys = ApiKeys(KeyStore(database), HASH_KEY)
        lists = Lists(folder / "clients-ca.pem", folder / "clients.crl")
        certificates = Certificates(CertificateStore(database), lambda: ENVELOPE, lists)
        yield Office(folder, database, keys, certificates, Partners(PartnerStore(database), keys, certificates))


def found(store: Any, ask: Any) -> Any:
    """What a store answers, at once or later."""
    try:
        return store.find(ask)
    except NotNow:
        return asyncio.run(store.find_later(ask))


def begin(office: Office, **fields: object) -> None:
    office.certificates.begin("Shop", AT, "test", **{"trust_domain": TRUST, **fields})  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as opened:
        begin(opened)
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """For what the database itself has a part in."""
    place = request.getfixturevalue("postgresql").place(tmp_path) if request.param == "postgresql" else None
    with office(tmp_path, place) as opened:
        begin(opened)
        yield opened


def both(key: Any = None) -> Wanted:
    return Wanted(key=True, csr=csr(NAME, key=key))


def onboard(desk: Office, partner: Partner = ACME, wanted: Wanted | None = None) -> Any:
    return desk.partners.add(partner, AT, "test", wanted or both())
