"""The one answerer: each Ask goes to its store, and what nobody answers is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stockade.engine import NotNow
from stockade.stores import Counters, KeySources, KeyStore, Source, Stores
from stockade.tokens import ApiKeyRecord, parse_jwks
from stockade.vocabulary import Ask, FindApiKey, FindVerificationKeys, StoreError, TakeQuota, TakeTokens
from tests.exchanges import Question
from tests.stores.servers import sends, serving

AT = 1_763_766_422.0
KEYS = parse_jwks(b'{"keys": []}')
ASKS: list[Ask[Any]] = [
    TakeTokens("a", 1.0, 5, AT),
    TakeQuota("a", 5, AT, AT + 60, AT),
    FindApiKey("k1"),
    FindVerificationKeys("file", "k1", AT),
]


@pytest.fixture
def stores(tmp_path):
    keys = KeyStore(tmp_path / "keys.db")
    keys.add(ApiKeyRecord("k1", "alice", b"\0" * 32))
    stores = Stores(Counters(), keys, KeySources([Source("file", keys=KEYS)]))
    yield stores
    stores.close()


def later(stores: Stores, ask: Ask[Any]) -> Any:
    return asyncio.run(stores.answer_later(ask))


def test_each_question_has_its_store(stores):
    tokens, quota, record, keys = map(stores.answer, ASKS)
    assert (tokens.remaining, quota.remaining, record.owner, keys) == (4, 4, "alice", KEYS)


def test_what_is_answered_at_once_is_answered_later_too(stores):
    for ask in ASKS[2:]:
        assert later(stores, ask) == stores.answer(ask)
    assert later(stores, ASKS[0]).remaining == 4
    assert later(stores, ASKS[1]).remaining == 4


def test_what_nobody_answers_is_refused(stores):
    with pytest.raises(StoreError, match="no store answers Question"):
        stores.answer(Question(1))
    with pytest.raises(StoreError, match="no store answers Question"):
        later(stores, Question(1))


def test_without_a_table_of_keys_nobody_knows_a_key():
    stores = Stores(Counters(), None, KeySources())
    with pytest.raises(StoreError, match="no store answers FindApiKey"):
        stores.answer(FindApiKey("k1"))
    stores.close()


def test_what_must_be_looked_up_is_not_now_and_later_it_is():
    with serving() as server:
        server.answer = sends(b'{"keys": []}')
        stores = Stores(Counters(), None, KeySources([Source("x", url=server.url)]))
        with pytest.raises(NotNow):
            stores.answer(FindVerificationKeys("x", "k1", AT))
        assert len(later(stores, FindVerificationKeys("x", "k1", AT))) == 0


def test_closing_closes_the_table_of_keys(tmp_path):
    stores = Stores(Counters(), KeyStore(tmp_path / "keys.db"), KeySources())
    stores.close()
    with pytest.raises(ValueError, match="closed"):
        stores.answer(FindApiKey("k1"))


def test_counters_are_shared_by_the_stores_of_two_policies():
    """A policy that is reloaded forgets no caller."""
    counters = Counters()
    first, second = (Stores(counters, None, KeySources()) for _ in range(2))
    assert first.answer(ASKS[0]).remaining == 4
    assert second.answer(ASKS[0]).remaining == 3
