"""Our own users, put together: from a policy for the command line, and for the stores of a running gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from stockade.config import load
from stockade.config.database import database_place
from stockade.config.hash_key import read_hash_key
from stockade.config.secrets import read_envelope
from stockade.config.users import UserSettings, user_settings
from stockade.identity.answers import Answers
from stockade.identity.factors import Factors
from stockade.identity.mail import Smtp
from stockade.identity.passkeys import Passkeys
from stockade.identity.sent import Sent
from stockade.identity.users import Users, derived
from stockade.stores import Counters, Database, Stores
from stockade.stores.breaches import BreachFile, BreachRange
from stockade.stores.factors import FactorStore, Sealing
from stockade.stores.passwords import PasswordChecks
from stockade.stores.users import UserStore


class Opened(NamedTuple):
    """What `identity` offers of users. passkeys and sent: where the policy says who we are, and how to send."""

    users: Users
    factors: Factors
    passkeys: Passkeys | None
    sent: Sent | None


@contextmanager
def opened(policy: Path) -> Iterator[Opened]:
    """The users of a policy file. Raises BadConfig and StoreError."""
    loaded = load(policy)
    settings = user_settings(loaded, read_hash_key(loaded))
    envelope = read_envelope(loaded)
    with ExitStack() as stack:
        database = Database(database_place(loaded))
        stack.callback(database.close)
        users, checks, factors = _stores(database, settings, envelope)
        stack.callback(checks.close)
        yield opened_of(Answers(users, checks, factors), settings, stack)


def opened_of(answers: Answers, settings: UserSettings, stack: ExitStack) -> Opened:
    """What `identity` offers over these stores. stack: what closes files and threads. Raises StoreError."""
    store, key = answers.factors, settings.hash_key
    factors = Factors(answers, key, lockout=settings.lockout, issuer=settings.name)
    passkeys = Passkeys(factors, store, settings.party) if settings.party is not None else None
    sent = None
    if settings.mail is not None:
        sent = Sent(factors, store, key, Smtp(**settings.mail), name=settings.name)
        stack.callback(sent.close)
    return Opened(_users(answers, settings, stack), factors, passkeys, sent)


def _users(answers: Answers, settings: UserSettings, stack: ExitStack) -> Users:
    breaches: BreachFile | BreachRange | None = None
    if isinstance(settings.breached, Path):
        breaches = BreachFile(settings.breached)
    elif settings.breached is not None:
        breaches = BreachRange(settings.breached)
    if breaches is not None:
        stack.callback(breaches.close)
    return Users(
        answers,
        settings.hash_key,
        policy=settings.policy,
        lockout=settings.lockout,
        breached=breaches.count if breaches is not None else None,
        words=settings.words,
    )


def add_users(
    stores: Stores, database: Database, settings: UserSettings, envelope: Sealing | None, before: Stores | None
) -> None:
    """Let a gateway's stores answer for our users. before: those of the policy before, whose threads go on."""
    if before is not None and before.checks is not None and before.database is database:
        checks = before.checks
        checks.argon2 = settings.argon2
        users, factors = checks.users, _factors(checks.users, settings, envelope)
    else:
        users, checks, factors = _stores(database, settings, envelope)
    stores.add_users(users, checks, factors)


def answers_of(stores: Stores, counters: Counters) -> Answers | None:
    """The same stores for logins that a running gateway takes itself; None where it has no users."""
    if stores.checks is None or stores.factors is None:
        return None
    return Answers(stores.checks.users, stores.checks, stores.factors, counters)


def _stores(
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
