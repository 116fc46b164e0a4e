"""Our own users, put together from a policy: for the command line, and for pages that log people in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from stockade.config import Loaded, load
from stockade.config.database import open_database
from stockade.config.hash_key import read_hash_key
from stockade.config.secrets import read_envelope
from stockade.config.users import UserSettings, user_settings
from stockade.identity.answers import Answers
from stockade.identity.factors import Factors
from stockade.identity.mail import Smtp
from stockade.identity.passkeys import Passkeys
from stockade.identity.sent import Sent
from stockade.identity.user_stores import user_stores
from stockade.identity.users import Users
from stockade.stores import Database
from stockade.stores.breaches import BreachFile, BreachRange


class Opened(NamedTuple):
    """What `identity` offers of users. passkeys and sent: where the policy says who we are, and how to send."""

    users: Users
    factors: Factors
    passkeys: Passkeys | None
    sent: Sent | None


@contextmanager
def opened(policy: Path, *, passive: bool = False) -> Iterator[Opened]:
    """The users of a policy file. passive: for who only looks. Raises BadConfig and StoreError."""
    loaded = load(policy, passive=passive)
    settings = user_settings(loaded, read_hash_key(loaded))
    envelope = read_envelope(loaded)
    with ExitStack() as stack:
        database = open_database(loaded)
        stack.callback(database.close)
        users, checks, factors = user_stores(database, settings, envelope)
        stack.callback(checks.close)
        yield opened_of(Answers(users, checks, factors), settings, stack)


@contextmanager
def users_on(loaded: Loaded, database: Database) -> Iterator[Users]:
    """The users in a database that is open already, for who manages them. Raises BadConfig and StoreError."""
    settings = user_settings(loaded, read_hash_key(loaded))
    with ExitStack() as stack:
        users, checks, factors = user_stores(database, settings, None)
        stack.callback(checks.close)
        yield _users(Answers(users, checks, factors), settings, stack)


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
