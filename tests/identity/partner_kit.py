"""An authority, its partners and their keys on a database of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stockade.certificates import Partner
from stockade.identity import ApiKeys
from stockade.identity.certificates import Certificates, Lists
from stockade.identity.partners import Partners
from stockade.stores import CertificateStore, Database, KeyStore, PartnerStore
from tests.certificates.authority_kit import TRUST

AT = 1_795_000_000.0  # 2026-11-18
DAY = 86400.0
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


class Sealing:
    """A sealer of one key."""

    def __init__(self) -> None:
        self._key = AESGCM(b"k" * 32)

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        return b"sealed:" + self._key.encrypt(b"n" * 12, plaintext, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        return self._key.decrypt(b"n" * 12, sealed[7:], context)


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
def office(folder: Path) -> Iterator[Office]:
    """Opened, without an authority."""
    with closing(Database(folder / "stockade.db")) as database:
        keys = ApiKeys(KeyStore(database), HASH_KEY)
        lists = Lists(folder / "clients-ca.pem", folder / "clients.crl")
        certificates = Certificates(CertificateStore(database), Sealing(), lists)
        yield Office(folder, database, keys, certificates, Partners(PartnerStore(database), keys, certificates))


def begin(office: Office, **fields: object) -> None:
    office.certificates.begin("Shop", AT, "test", **{"trust_domain": TRUST, **fields})  # type: ignore[arg-type]
