"""Persisted documents: lists of them, and endpoints that know nothing else."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from stockade.graphql import BadDocuments, Endpoint, Rules, Settings, Sizes, documents_of, read_documents
from tests.graphql.graphql_shop import SHOP, endpoint, post, posted, rules, status

USERS = "query Users($n: Int) { users(first: $n) { id } }"
LOGIN = 'mutation Login($p: String!) { login(name: "a", password: $p) }'


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


LISTS: dict[str, Any] = {
    "by hash": {digest(USERS): USERS, digest(LOGIN): LOGIN},
    "by hash in capitals": {digest(USERS).upper(): USERS, digest(LOGIN): LOGIN},
    "Apollo's manifest": {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [
            {"id": digest(USERS), "name": "Users", "type": "query", "body": USERS},
            {"id": digest(LOGIN), "name": "Login", "type": "mutation", "body": LOGIN},
        ],
    },
}


@pytest.mark.parametrize("name", LISTS)
def test_lists(name: str) -> None:
    assert read_documents(json.dumps(LISTS[name]).encode()) == {digest(USERS): USERS, digest(LOGIN): LOGIN}


def test_a_folder() -> None:
    documents, files = documents_of({"a/users.graphql": f"{USERS}\n".encode(), "same.graphql": USERS.encode()})
    assert documents == {digest(USERS): USERS, digest(f"{USERS}\n"): f"{USERS}\n"}
    assert files == {digest(USERS): "same.graphql", digest(f"{USERS}\n"): "a/users.graphql"}


BAD: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "not JSON"),
    "a list": (b"[]", "no map of ids"),
    "numbers": (b'{"a": 7}', "no map of ids"),
    "a hash of something else": (json.dumps({digest(USERS): LOGIN}).encode(), "is not the SHA-256"),
    "twice": (b'{"a": "x", "a": "y"}', "twice"),
    "a manifest without bodies": (b'{"format": "x", "operations": [{"id": "a"}]}', "no id or no body"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_lists(name: str) -> None:
    data, wanted = BAD[name]
    with pytest.raises(BadDocuments, match=wanted):
        read_documents(data)


def test_a_document_that_would_never_pass_is_told() -> None:
    with pytest.raises(BadDocuments) as raised:
        endpoint(persisted={"a": "{ nothing }", "b": "{ ping }", "c": "{ __schema { types { name } } }"})
    assert [problem.partition(": ")[0] for problem in raised.value.problems] == [
        "the document a:1 would never pass",
        "the document c:1 would never pass",
    ]
    with pytest.raises(BadDocuments, match=r"^queries/a.graphql:2 would never pass"):
        Endpoint(SHOP, Rules(Sizes((), 10), {}, {}), Settings(), {"a": "{\n nothing }"}, {"a": "queries/a.graphql"})
    with pytest.raises(BadDocuments):
        documents_of({"a.graphql": b"\xff"})


@pytest.fixture
def only() -> Endpoint:
    return endpoint(persisted={digest(USERS): USERS, "login": LOGIN}, only=True)


def test_nothing_else_passes(only: Endpoint) -> None:
    assert only.check(post(USERS, {"n": 1}))
    assert only.check(post(None, {"n": 1}, extensions={"persistedQuery": {"sha256Hash": digest(USERS)}}))
    assert only.check(posted({"documentId": "login", "variables": {"p": "x"}}))
    assert only.check(posted({"documentId": f"sha256:{digest(USERS)}"}))
    assert rules(only, post("{ ping }")) == ["not-persisted"]
    assert status(only, post("{ ping }")) == 403
    assert rules(only, post(USERS + " ")) == ["not-persisted"]
    assert rules(only, posted({"documentId": "other"})) == ["unknown-document"]
    assert rules(only, posted({"documentId": "login", "query": USERS})) == ["ambiguous"]
    assert rules(only, post("x" * 10_000_000)) == ["not-persisted"]


def test_variables_are_checked_all_the_same(only: Endpoint) -> None:
    assert rules(only, posted({"documentId": "login", "variables": {"p": 7}})) == ["variable-type"]
    assert rules(only, post(USERS, {"n": 100_000})) == ["complexity"]


def test_others_pass_where_they_may() -> None:
    door = endpoint(persisted={digest(USERS): USERS}, only=False)
    assert door.check(post("{ ping }"))


def test_their_names_are_trusted_and_no_others() -> None:
    door = endpoint(persisted={digest(USERS): USERS}, known=frozenset({"Known"}))
    assert door.name(door.check(post(USERS))) == "query Users"
    assert door.name(door.check(post("query Users { users { name } }"))) == "query users"
    assert door.name(door.check(post("query Known { ping user(id: 1) { id } }"))) == "query Known"
    assert door.name(door.check(post("query Other { ping user(id: 1) { id } }"))) == "query {several}"
    assert door.name(door.check(post("{ a: ping b: ping }"))) == "query ping"
    assert door.name(door.check(post("{ __typename }"))) == "query __typename"


def test_a_batch_has_one_name() -> None:
    door = endpoint(batch=3)
    assert door.name(door.check(posted([{"query": "{ ping }"}, {"query": "{ a: ping }"}]))) == "query ping"
    assert door.name(door.check(posted([{"query": "{ ping }"}, {"query": "{ user(id: 1) { id } }"}]))) == "{batch}"


def test_without_a_schema_names_are_few() -> None:
    door = endpoint(None)
    names = {door.name(door.check(post(f"{{ field{number} }}"))) for number in range(1_000)}
    assert len(names) == 501
    assert "query {other}" in names
