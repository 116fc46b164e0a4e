"""The stores of our own users: for a gateway, and for whoever else lets them in."""

from __future__ import annotations

from stockade.config.users import UserSettings
from stockade.identity.users import derived
from stockade.stores import Database, Stores
from stockade.stores.factors import FactorStore, Sealing
from stockade.stores.passwords import PasswordChecks
from stockade.stores.users import UserStore


def add_users(
    stores: Stores, database: Database, settings: UserSettings, envelope: Sealing | None, before: Stores | None
) -> None:
    """Let a gateway's stores answer for our users. before: those of the policy before, whose threads go on."""
    if before is not None and before.checks is not None and before.database is database:
        checks = before.checks
        checks.argon2 = settings.argon2
        users, factors = checks.users, _factors(checks.users, settings, envelope)
    else:
        users, checks, factors = user_stores(database, settings, envelope)
    stores.add_users(users, checks, factors)


def user_stores(
    database: Database, settings: UserSettings, envelope: Sealing | None
) -> tuple[UserStore, PasswordChecks, FactorStore]:
    users = UserStore(database)
    return users, PasswordChecks(users, settings.argon2), _factors(users, settings, envelope)


def _factors(users: UserStore, settings: UserSettings, envelope: Sealing | None) -> FactorStore:
    return FactorStore(users, envelope or _Unsealed(), derived(settings.hash_key, "recovery codes"))


class _Unsealed:
    """Where no second factor is asked for."""

    def seal(self, plaintext: bytes, context: bytes) -> bytes:  # noqa: ARG002 - as envelopes have it
        raise ValueError("there is no key to seal secrets with")

    def open(self, sealed: bytes, context: bytes) -> bytes:  # noqa: ARG002
        raise ValueError("there is no key to open secrets with")
