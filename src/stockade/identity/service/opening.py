"""From the policy to a running `Service`: stores, keys and users as the operator wants them."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

from msgspec.structs import replace

from stockade.config import Loaded
from stockade.config.database import open_database
from stockade.config.hash_key import own_key, read_hash_key
from stockade.config.secrets import read_envelope
from stockade.config.sections.identity import IdentitySection, takes_passkeys
from stockade.config.users import UserSettings, user_settings
from stockade.grants import Schedule
from stockade.identity.answers import Answers
from stockade.identity.opening import opened_of
from stockade.identity.passkeys import Passkeys
from stockade.identity.service.people import People
from stockade.identity.service.secrets import Digests
from stockade.identity.service.service import Service
from stockade.identity.service.settings import Settings
from stockade.identity.service.signing import SigningKeys
from stockade.identity.service.trail import Trail
from stockade.second_factors import RelyingParty
from stockade.stores import Counters, Database
from stockade.stores.clients import ClientStore
from stockade.stores.events import EventStore
from stockade.stores.factors import FactorStore
from stockade.stores.passwords import PasswordChecks
from stockade.stores.signing_keys import SigningKeyStore
from stockade.stores.tokens import TokenStore
from stockade.stores.users import UserStore

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
        enrolment=section.enrolment,
    )


def signing_keys(loaded: Loaded, database: Database, trail: Trail | None = None) -> SigningKeys:
    """Raises BadConfig, StoreError."""
    assert loaded.config.identity is not None
    settings = settings_of(loaded.config.identity)
    store, trail = SigningKeyStore(database), trail or Trail(EventStore(database))
    return SigningKeys(store, read_envelope(loaded), settings.schedule, settings.algorithm, trail)


def open_service(loaded: Loaded, stack: ExitStack, counters: Counters) -> Service:
    """counters: of wrong guesses. stack: what closes it all. Raises BadConfig, StoreError."""
    assert loaded.config.identity is not None
    hash_key = read_hash_key(loaded)
    settings = user_settings(loaded, hash_key)
    database = stack.enter_context(closing(open_database(loaded)))
    trail = Trail(EventStore(database))
    stack.callback(lambda: trail.keep_house(time.time()))
    return Service(
        settings_of(loaded.config.identity),
        ClientStore(database),
        TokenStore(database),
        signing_keys(loaded, database, trail),
        Digests(hash_key),
        _people(loaded, settings, database, stack, counters) if loaded.config.identity.login else None,
        counters=counters,
        lockout=settings.lockout,
        trail=trail,
    )


def _people(loaded: Loaded, settings: UserSettings, database: Database, stack: ExitStack, counters: Counters) -> People:
    users = UserStore(database)
    checks = stack.enter_context(closing(PasswordChecks(users, settings.argon2)))
    factors = FactorStore(users, read_envelope(loaded), own_key(settings.hash_key, "recovery codes"))
    opened = opened_of(Answers(users, checks, factors, counters), settings, stack)
    assert loaded.config.identity is not None
    party = party_at(loaded.config.identity.issuer, settings)
    passkeys = Passkeys(opened.factors, factors, party) if party is not None else None
    return People(opened.users, opened.factors, passkeys)


def party_at(issuer: str, settings: UserSettings) -> RelyingParty | None:
    """Who the service's pages are to an authenticator: the domain that the policy says, else the issuer's host, and no
    origin but the issuer's. None where no browser would show a passkey: an IP address, plain http, a foreign domain.
    """
    if not takes_passkeys(issuer):
        return None
    parts = urlsplit(issuer)
    host = (parts.hostname or "").lower()
    told = settings.party or RelyingParty(host, (), settings.name)
    if host != told.id and not host.endswith(f".{told.id}"):
        return None
    port = parts.port if parts.port != {"https": 443, "http": 80}[parts.scheme] else None
    origin = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    return replace(told, origins=(origin,))
