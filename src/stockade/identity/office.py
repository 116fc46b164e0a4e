"""Everything that issues credentials under one policy, opened together and closed together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from msgspec import Struct

from stockade.config import Loaded
from stockade.config.database import open_database
from stockade.config.hash_key import read_hash_key
from stockade.config.secrets import read_envelope
from stockade.identity.api_keys import ApiKeys
from stockade.identity.certificates import Certificates, Lists
from stockade.identity.clients import Clients
from stockade.identity.ending import end_clients
from stockade.identity.partners import Partners
from stockade.identity.users import Users
from stockade.stores import CertificateStore, Database, KeyStore, PartnerStore
from stockade.stores.clients import ClientStore


class Office(Struct, frozen=True):
    """One database behind all of them."""

    loaded: Loaded
    database: Database
    hash_key: bytes
    key_store: KeyStore
    keys: ApiKeys
    certificates: Certificates
    partners: Partners
    clients: Clients

    @contextmanager
    def users(self) -> Iterator[Users]:
        """Opened where they are asked for: they bring argon2, and breach lists."""
        from stockade.identity.opening import users_on

        with users_on(self.loaded, self.database) as users:
            yield users

    def __repr__(self) -> str:
        return f"Office({self.loaded.path})"


@contextmanager
def open_office(loaded: Loaded) -> Iterator[Office]:
    """Raises BadConfig, StoreError."""
    hash_key = read_hash_key(loaded)
    section = loaded.config.certificates
    lists = Lists(loaded.folder / section.ca, loaded.folder / section.crl, section.crl_lifetime)
    with closing(open_database(loaded)) as database:
        key_store = KeyStore(database)
        keys = ApiKeys(key_store, hash_key)
        certificates = Certificates(CertificateStore(database), lambda: read_envelope(loaded), lists)
        yield Office(
            *(loaded, database, hash_key, key_store, keys, certificates),
            Partners(PartnerStore(database), keys, certificates, end_clients),
            Clients(ClientStore(database), hash_key),
        )
