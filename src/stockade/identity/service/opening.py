"""From the policy to a running `Service`: stores, keys and users as the operator wants them."""

from __future__ import annotations

from stockade.config import Loaded
from stockade.config.database import database_place
from stockade.config.hash_key import own_key, read_hash_key
from stockade.config.sections.identity import IdentitySection
from stockade.envelopes import Envelope, KeyRing
from stockade.grants import Schedule
from stockade.identity.service.secrets import Digests
from stockade.identity.service.service import Service
from stockade.identity.service.settings import Settings
from stockade.identity.service.signing import SigningKeys
from stockade.stores import Database
from stockade.stores.clients import ClientStore
from stockade.stores.signing_keys import SigningKeyStore
from stockade.stores.tokens import TokenStore

_MARGIN = 600.0  # seconds that a key stays published beyond the end of its last token


def settings_of(section: IdentitySection) -> Settings:
    signing = section.signing
    overlap = max(section.access_lifetime, 300.0) + _MARGIN
    return Settings(
        issuer=section.issuer,
        schedule=Schedule(signing.rotate, signing.lead, overlap),
        algorithm=signing.algorithm,
        access=section.access_lifetime,
        refresh=section.refresh_lifetime,
        grant=section.grant_lifetime,
        code=section.code_lifetime,
        device=section.device_lifetime,
    )


def signing_keys(loaded: Loaded, database: Database) -> SigningKeys:
    """Raises BadConfig, StoreError."""
    assert loaded.config.identity is not None
    settings = settings_of(loaded.config.identity)
    sealer = Envelope(KeyRing.of(own_key(read_hash_key(loaded), "identity signing keys")))
    return SigningKeys(SigningKeyStore(database), sealer, settings.schedule, settings.algorithm)


def open_service(loaded: Loaded) -> Service:
    """Raises BadConfig, StoreError."""
    assert loaded.config.identity is not None
    hash_key = read_hash_key(loaded)
    database = Database(database_place(loaded))
    return Service(
        settings_of(loaded.config.identity),
        ClientStore(database),
        TokenStore(database),
        signing_keys(loaded, database),
        Digests(hash_key),
    )
