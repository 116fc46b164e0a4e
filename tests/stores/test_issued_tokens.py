"""The token service's tables, in SQLite and PostgreSQL: what happens once, and what a worker learns of the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stockade.config.hash_key import TOKENS, own_key
from stockade.engine import NotNow
from stockade.grants import Grant, OwnToken, Revocation, SigningKey
from stockade.identity.service.secrets import Digests
from stockade.passwords import User
from stockade.stores import OWN, Database, DatabasePlace, OwnIssuer
from stockade.stores.issued import IssuedTokens
from stockade.stores.signing_keys import SigningKeyStore
from stockade.stores.tokens import Device, TokenStore
from stockade.stores.users import AuditEntry, UserStore
from stockade.tokens import JwtRules
from stockade.vocabulary import Ask, FindRevocation, FindVerificationKeys, IntrospectToken, StoreError
from tests.identity.service.token_service import HASH_KEY, ISSUER

RULES = JwtRules(algorithms=frozenset({"ES256"}), issuer=ISSUER, audience="shop", leeway=0.0)
PUBLIC = (
    '{"kty":"EC","crv":"P-256","kid":"one","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
    '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> DatabasePlace:
    if request.param == "sqlite":
        return DatabasePlace(tmp_path / "stockade.db")
    found: DatabasePlace = request.getfixturevalue("postgresql").place(tmp_path)
    return found


@pytest.fixture
def database(place: DatabasePlace) -> Iterator[Database]:
    with closing(Database(place)) as database:
        yield database


@pytest.fixture
def store(database: Database) -> TokenStore:
    return TokenStore(database)


class Worker:
    """Another process's view, with a database of its own."""

    def __init__(self, place: DatabasePlace) -> None:
        self.database = Database(place)
        own = OwnIssuer(ISSUER, own_key(HASH_KEY, TOKENS), {"shop": RULES})
        self.issued = IssuedTokens(self.database, own)

    def ask(self, ask: Ask[Any]) -> Any:
        find: Any = {
            FindRevocation: self.issued.find_revocation,
            FindVerificationKeys: self.issued.find_keys,
            IntrospectToken: self.issued.find_token,
        }[type(ask)]
        try:
            return find(ask)
        except NotNow:
            return asyncio.run(self.issued.later(ask))

    def close(self) -> None:
        self.database.close()


@pytest.fixture
def worker(place: DatabasePlace, database: Database) -> Iterator[Worker]:
    with closing(Worker(place)) as worker:
        yield worker


def grant(at: float, **more: Any) -> Grant:
    fields: dict[str, Any] = {"id": "g1", "client": "c1", "subject": "alice", "scopes": frozenset({"read"})}
    return Grant(**{**fields, "audience": "shop", "created": at, "expires": at + 600, **more})


def token(text: str, at: float, kind: str = "access") -> OwnToken:
    digest = Digests(HASH_KEY).token(text)
    scopes = frozenset({"read"})
    return OwnToken(
        digest=digest, kind=kind, grant="g1", issued=at, expires=at + 300, scopes=scopes, extra={"jti": "j1"}
    )


def key(kid: str, at: float, public: str = PUBLIC) -> SigningKey:
    return SigningKey(kid, 1, 0, public, b"sealed", at, at + 600)


# What happens once.


def test_one_of_many_uses_a_token(store: TokenStore) -> None:
    at = time.time()
    store.open_grant(grant(at), token("code", at, "code"))
    digest = Digests(HASH_KEY).token("code")
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: store.use(digest, at), range(8))) == 1
        assert sum(threads.map(lambda _: store.first_use(b"d" * 32, at), range(8))) == 1


def test_one_of_many_lets_a_device_in(store: TokenStore) -> None:
    at = time.time()
    device = Device(
        digest=b"d" * 32, user_code=b"u" * 32, client="c1", scopes=frozenset({"read"}), audience="shop", expires=at + 60
    )
    assert [store.add_device(device), store.add_device(device)] == [True, False]
    with ThreadPoolExecutor(8) as threads:
        grants = [grant(at, id=f"g{number}") for number in range(8)]
        moved = list(threads.map(lambda each: store.move_device(b"d" * 32, "pending", "allowed", each), grants))
    assert sum(moved) == 1
    found = store.device(user_code=b"u" * 32)
    assert found is not None
    assert (found.state, found.grant) == ("allowed", f"g{moved.index(True)}")
    assert [store.grant(each.id) is not None for each in grants] == moved


def test_one_of_many_makes_a_key(database: Database) -> None:
    keys, at = SigningKeyStore(database), time.time()
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda number: keys.add(key(f"k{number}", at)), range(8))) == 1


# What a worker learns.


def soon(question: Any, wanted: object) -> None:
    """At once on this machine; through a server within a second."""
    until = time.monotonic() + 1.0
    while question() != wanted:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_revocation_is_seen(store: TokenStore, worker: Worker) -> None:
    at = time.time()
    asks = [FindRevocation(("jti:j1", "client:c1"), at), FindRevocation(("jti:j2", "client:c1"), at)]
    assert [worker.ask(ask) for ask in asks] == [False, False]
    store.revoke(Revocation("jti:j1", at + 60, at + 60))
    soon(lambda: [worker.ask(ask) for ask in asks], [True, False])
    store.revoke(Revocation("client:c1", at - 10, at + 60))
    assert worker.ask(asks[1]) is False, "it was issued later"
    assert worker.ask(FindRevocation((), at)) is False
    soon(lambda: worker.ask(FindRevocation(("client:c1",), at - 20)), True)


def test_a_user_who_is_disabled_or_removed_has_no_tokens(database: Database, worker: Worker) -> None:
    users, at = UserStore(database), time.time()
    alice = User("u1", "alice", created=at)
    users.add(alice, AuditEntry(at, "test", "u1", "alice", "added", {}))
    ask, stranger = FindRevocation(("jti:j1", "user:alice"), at), FindRevocation(("jti:j1", "user:bob"), at)
    soon(lambda: worker.ask(ask), False)
    assert worker.ask(stranger) is True
    assert worker.ask(FindRevocation(("jti:j1", "user:client:c1"), at)) is False
    users.change("u1", AuditEntry(at, "test", "u1", "alice", "disabled", {}), disabled=at)
    soon(lambda: worker.ask(ask), True)


def test_a_user_whose_time_is_over_has_no_tokens_though_nobody_wrote_it(database: Database, worker: Worker) -> None:
    """What was found good is remembered no longer than its user may log in."""
    users, at = UserStore(database), time.time()
    alice = User("u1", "alice", created=at, expires=at + 1.5)
    users.add(alice, AuditEntry(at, "test", "u1", "alice", "added", {}))
    ask = FindRevocation(("jti:j1", "user:alice"), at)
    soon(lambda: worker.ask(ask), False)
    assert worker.ask(ask) is (time.time() >= at + 1.5)
    time.sleep(max(at + 1.6 - time.time(), 0))
    assert worker.ask(ask) is True
    assert worker.ask(FindRevocation(("jti:j2", "user:alice"), at)) is True


def test_what_is_over_is_not_read(store: TokenStore, worker: Worker) -> None:
    at = time.time()
    store.revoke(Revocation("jti:j1", at, at - 1))
    assert worker.ask(FindRevocation(("jti:j1",), at - 5)) is False


def test_an_opaque_token_and_its_end(store: TokenStore, worker: Worker) -> None:
    at = time.time()
    store.open_grant(grant(at), token("opaque", at))
    claims = worker.ask(IntrospectToken("shop", "opaque", at))
    assert (claims.subject, claims.scopes, claims.members["jti"]) == ("alice", {"read"}, "j1")
    assert worker.ask(IntrospectToken("shop", "another", at)) is None
    assert worker.ask(IntrospectToken("shop", "opaque", at + 301)) is None
    with pytest.raises(StoreError):
        worker.ask(IntrospectToken("nobody", "opaque", at))
    store.revoke_grant("g1", at, Revocation("grant:g1", at, at + 60))
    soon(lambda: worker.ask(IntrospectToken("shop", "opaque", at)), None)


def test_codes_and_refresh_tokens_are_no_access_tokens(store: TokenStore, worker: Worker) -> None:
    at = time.time()
    store.open_grant(grant(at), token("code", at, "code"), token("refresh", at, "refresh"))
    for text in ("code", "refresh"):
        assert worker.ask(IntrospectToken("shop", text, at)) is None


def test_another_audience(store: TokenStore, worker: Worker) -> None:
    at = time.time()
    store.open_grant(grant(at, audience="stock"), token("opaque", at))
    assert worker.ask(IntrospectToken("shop", "opaque", at)) is None


def test_keys_are_one_object_until_they_change(database: Database, store: TokenStore, worker: Worker) -> None:
    """By whose identity verified tokens are remembered."""
    keys, at, ask = SigningKeyStore(database), time.time(), FindVerificationKeys(OWN, None, time.time())
    keys.add(key("one", at))
    soon(lambda: len(worker.ask(ask)), 1)
    before = worker.ask(ask)
    store.revoke(Revocation("jti:x", at, at + 60))
    assert worker.ask(ask) is before
    keys.withdraw("one", at - 1)
    soon(lambda: len(worker.ask(ask)), 0)


def test_issuing_makes_nobody_look_again(store: TokenStore, worker: Worker) -> None:
    at = time.time()
    soon(lambda: worker.database.revision.read() >= 0, True)
    before = worker.database.revision.read()
    store.open_grant(grant(at), token("opaque", at))
    store.use(token("opaque", at).digest, at)
    store.first_use(b"x" * 32, at)
    assert worker.database.revision.read() == before


def test_a_database_that_is_gone_fails_closed(tmp_path: Path) -> None:
    place = DatabasePlace(tmp_path / "stockade.db")
    with closing(Worker(place)) as worker:
        assert worker.ask(FindRevocation(("jti:j1",), 0.0)) is False
        place.path.unlink()
        with pytest.raises(StoreError):
            worker.ask(IntrospectToken("shop", "opaque", time.time()))
