"""Sessions of logins, in SQLite and on a PostgreSQL server: two processes, one table; of many refreshes one is done."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import msgspec
import pytest

from stockade.engine import NotNow
from stockade.logins import Identity
from stockade.stores import Database, DatabasePlace, KeySources, LoginSessions, RelyingParty, SessionTable, Source
from stockade.stores.session_rows import SessionRow
from stockade.tokens import JwtRules, parse_jwks
from stockade.vocabulary import EndSessions, FindSession, StoreError
from tests.controls.openid_provider import CLIENT, SECRET, OpenIdProvider, providing

AT = 1_763_766_422.0


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        return DatabasePlace(tmp_path / "stockade.db")
    return request.getfixturevalue("postgresql").place(tmp_path)


@pytest.fixture
def tables(place) -> Iterator[list[SessionTable]]:
    """Those of two processes of one machine."""
    with closing(Database(place)) as one, closing(Database(place)) as other:
        yield [SessionTable(one), SessionTable(other)]


def row(name: str, **fields: Any) -> SessionRow:
    given = {
        "digest": name.encode().ljust(32, b"\0"),
        "party": "shop",
        "subject": "alice",
        "sid": "",
        "identity": msgspec.msgpack.encode(Identity("alice", "alice")),
        "tokens": b"sealed",
        "created": AT,
        "seen": AT,
        "ends": AT + 3600,
    }
    return SessionRow(**{**given, **fields})


def found(table: SessionTable, kept: SessionRow) -> SessionRow | None:
    return table.known(kept.digest) or table.read(kept.digest)


def test_what_was_added_is_found_as_it_was(tables) -> None:
    for kept in (row("a"), row("b", refresh_at=AT + 1.5, stale_at=AT + 2.25, claimed=AT, sid="s", identity=bytes(256))):
        tables[0].add(kept, 10, 1800)
        assert [found(table, kept) for table in tables] == [kept, kept]


def test_an_end_is_seen_at_once(tables) -> None:
    kept = row("a", sid="s1")
    end: Callable[[], object]
    for end in (
        lambda: tables[0].end(kept.digest),
        lambda: tables[0].end_all("shop", "alice", ""),
        lambda: tables[0].end_all("shop", "", "s1"),
        lambda: tables[0].end_all("shop", "alice", "s1"),
    ):
        tables[0].add(kept, 10, 1800)
        assert found(tables[1], kept) == kept
        assert [
            tables[0].end_all(*whose)
            for whose in (("other", "alice", ""), ("shop", "bob", ""), ("shop", "alice", "s2"))
        ] == [0, 0, 0]
        end()
        assert found(tables[1], kept) is None


def test_what_is_over_and_what_is_too_much_goes(tables) -> None:
    gone = [row("over", ends=AT - 1), row("idle", seen=AT - 1801, subject="bob"), row("oldest", created=AT - 9)]
    stay = [row("newer", created=AT - 5), row("bobs", subject="bob"), row("desk", party="desk", seen=AT - 1801)]
    for kept in (*gone, *stay):
        tables[0].add(kept, 10, 1e9)
    tables[0].add(row("new"), 2, 1800)
    assert [found(tables[1], kept) for kept in (*gone, *stay)] == [None] * len(gone) + stay


def test_one_claims(tables) -> None:
    kept = row("a")
    tables[0].add(kept, 10, 1800)
    claims = [table.claim(kept.digest, AT + after) for after in (20, 21, 34) for table in tables]
    assert claims == [True, False, False, False, False, False]
    assert tables[1].claim(kept.digest, AT + 36)
    tables[0].end(kept.digest)
    assert not tables[0].claim(kept.digest, AT + 99)
    tables[0].change(kept.digest, tokens=b"fresh")
    assert found(tables[0], kept) is None


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    with providing() as provider:
        yield provider


def sessions_of(table: SessionTable, provider: OpenIdProvider) -> LoginSessions:
    rules = JwtRules(frozenset({"ES256"}), provider.url, CLIENT, 5.0)
    keys = parse_jwks(json.dumps({"keys": [provider.key.as_dict(private=False)]}).encode())
    party = RelyingParty(
        name="shop",
        issuer=provider.url,
        client_id=CLIENT,
        client_secret=SECRET.encode(),
        redirect_uri="https://shop.example/back",
        scopes=(),
        rules=rules,
        source="keys",
        key=b"k" * 32,
    )
    return LoginSessions([party], table, KeySources([Source("keys", keys=keys)]))


async def session(sessions: LoginSessions, secret: str, at: float) -> Any:
    try:
        return sessions.find(FindSession("shop", secret, at))
    except NotNow:
        return await sessions.find_later(FindSession("shop", secret, at))


def test_of_many_that_find_old_tokens_one_refreshes(tables, provider: OpenIdProvider) -> None:
    """A refresh token is good once: a second use of it ends the family, and with it everybody's session."""
    stores = [sessions_of(table, provider) for table in tables]
    at = time.time()
    keep(stores[0], provider, at)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(session(sessions, "secret", at + 301) for sessions in stores for _ in range(8)))

    answers = asyncio.run(all_at_once())
    assert {answer.identity.id for answer in answers} == {"alice"}
    assert provider.asked.count("/token") == 1
    assert not provider.ended
    assert asyncio.run(end(stores[1])) == 1
    assert asyncio.run(session(stores[0], "secret", at + 302)) is None


async def end(sessions: LoginSessions) -> int:
    return await sessions.end_all_later(EndSessions("shop", "alice", ""))


def keep(sessions: LoginSessions, provider: OpenIdProvider, at: float) -> None:
    """A session whose tokens are a little over."""
    import hashlib

    from stockade.stores.login_sessions import Tokens

    told = provider._tokens(None, "family", "")
    digest = hashlib.sha256(b"secret").digest()
    party = sessions._party("shop")
    sealed = sessions._sealed(party, digest, Tokens(told["id_token"], told["refresh_token"]))
    kept = row("", digest=digest, tokens=sealed, created=at, seen=at + 290, ends=at + 3600, refresh_at=at + 240)
    sessions._table().add(msgspec.structs.replace(kept, stale_at=at + 300), 10, 1800)


def test_a_party_that_nobody_knows() -> None:
    with pytest.raises(StoreError):
        asyncio.run(session(LoginSessions([], None, KeySources()), "secret", AT))
