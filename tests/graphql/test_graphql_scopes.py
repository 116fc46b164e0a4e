"""Scopes that fields need, and what fields cost, by whatever road they are reached."""

from __future__ import annotations

import json

import pytest

from stockade.graphql import Endpoint
from tests.graphql.graphql_shop import checked, endpoint

SCOPES = {
    "Query.users": ["admin"],
    "Mutation": ["write"],
    "Mutation.rename": ["rename"],
    "User.secret": ["secrets"],
    "Line": ["lines"],
}
NEEDS: dict[str, set[str]] = {
    "{ ping }": set(),
    "{ __typename }": set(),
    "{ users { id } }": {"admin"},
    "{ ping: users { id } }": {"admin"},
    "{ ...A } fragment A on Query { ...B } fragment B on Query { ... { users { id } } }": {"admin"},
    'mutation { login(name: "", password: "") }': {"write"},
    'mutation { rename(name: "") { name } }': {"write", "rename"},
    "mutation { __typename }": set(),
    "{ user(id: 1) { secret } }": {"secrets"},
    "{ user(id: 1) { friends(first: 1) { s: secret } } }": {"secrets"},
    "{ node(id: 1) { secret } }": {"secrets"},
    "{ node(id: 1) { ... on User { secret } } }": {"secrets"},
    "{ node(id: 1) { id } }": set(),
    "{ things { ... on Node { secret } } }": {"secrets"},
    "{ things { ... on Order { secret } } }": set(),
    "{ history(first: 1) { lines(limit: 1) { sku } } }": {"lines"},
    "{ history(first: 1) { lines(limit: 1) { __typename } } }": set(),
    "query ($a: Boolean!) { ping users @include(if: $a) { id } }": {"admin"},
    "{ ping users @skip(if: true) { id } }": {"admin"},
}


@pytest.fixture(scope="module")
def door() -> Endpoint:
    return endpoint(scopes=SCOPES)


@pytest.mark.parametrize("query", NEEDS)
def test_needs(door: Endpoint, query: str) -> None:
    variables = {"a": False} if "$a" in query else None
    assert checked(door, query, variables).operation.scopes == NEEDS[query]


def test_the_operation_that_is_run_counts(door: Endpoint) -> None:
    query = "query A { ping } query B { users { id } }"
    assert checked(door, query, operationName="A").operation.scopes == set()
    assert checked(door, query, operationName="B").operation.scopes == {"admin"}


WITHOUT: dict[str, set[str]] = {
    "{ users { id } }": {"admin"},
    "{ ...A } fragment A on query_root { users { id } }": {"admin"},
    "{ ... on Whatever { ... { x: users { id } } } }": {"admin"},
    "{ me { users { id } } }": set(),
    "mutation { anything }": {"write"},
    "subscription { users }": set(),
}


@pytest.mark.parametrize("query", WITHOUT)
def test_without_a_schema_the_outermost_fields_are_guarded(query: str) -> None:
    door = endpoint(None, scopes={"Query.users": ["admin"], "Mutation": ["write"]})
    assert checked(door, query).operation.scopes == WITHOUT[query]


COSTS = {"Query.users": 50, "Node.secret": 7, "Line.sku": 0}
WEIGH: dict[str, int] = {
    "{ ping }": 1,
    "{ users(first: 2) { id } }": 50 + 2,
    "{ a: users(first: 2) { id } b: users(first: 3) { id } }": 50 + 2 + 50 + 3,
    "{ node(id: 1) { secret } }": 1 + 7,
    "{ user(id: 1) { secret } }": 1 + 7,
    "{ history { id } }": 1 + 20,
    "{ history(last: 4) { id } }": 1 + 4,
    "{ history(first: 2, last: 4) { id } }": 1 + 4,
    "{ things { __typename } }": 1 + 10,
    "{ orders(page: {limit: 3}) { total edges { node { id } } } }": 1 + 3 * (1 + 1 + (1 + 1)),
    "{ orders { edges { node { id } } } }": 1 + 10 * (1 + 1 + 1),
    '{ orders(page: {after: "x"}) { total } }': 1 + 10,
    "{ history(first: 2) { lines { sku quantity } } }": 1 + 2 * (1 + 3 * 1),
    "{ history(first: 2) { lines(limit: 5) { tags } } }": 1 + 2 * (1 + 5 * 1),
    "{ user(id: 1) { ...F ...F } } fragment F on User { friends(first: 3) { id name } }": 1 + 2 * (1 + 3 * 2),
}


@pytest.mark.parametrize("query", WEIGH)
def test_weighs(query: str) -> None:
    assert checked(endpoint(costs=COSTS), query).total == WEIGH[query]


def test_weighs_without_a_schema() -> None:
    door = endpoint(None, costs={"Query.users": 50})
    assert checked(door, "{ users(first: 2) { id } }").total == 50 + 2
    assert checked(door, "{ ...A } fragment A on R { a: users { id } b: users { id } }").total == 2 * (50 + 1)
    assert checked(door, "query ($n: Int) { me { orders(limit: $n) { id } } }", {"n": 9}).total == 1 + 1 + 9


@pytest.mark.parametrize(
    ("written", "size"),
    [
        *(("7", 7), ("7.5", 8), ('"7"', 7), ('"a"', 10), ("-7", 10), ("0", 10), ("null", 10), ("true", 10), ("A", 10)),
        *(("[7]", 10), ("1e999", 10**9), ('"inf"', 10**9), ('"nan"', 10), ("9" * 400, 10**9), ("0.5", 1)),
    ],
)
def test_sizes_as_literals_and_as_variables(written: str, size: int) -> None:
    door = endpoint(None, complexity=10**10)
    assert checked(door, f"{{ a(first: {written}) {{ id }} }}").total == 1 + size
    value = json.loads({"A": '"A"', "1e999": "1e300", "9" * 400: "9" * 60}.get(written, written))
    assert checked(door, "query ($n: N) { a(first: $n) { id } }", {"n": value}).total == 1 + size


def test_fragments_that_vary_are_added_up_once() -> None:
    """2^30 spreads of a fragment whose cost a variable says."""
    chain = " ".join(f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }}" for n in range(30))
    query = (
        f"query ($n: Int) {{ user(id: 1) {{ ...F0 }} }} {chain} fragment F30 on User {{ friends(first: $n) {{ id }} }}"
    )
    door = endpoint(complexity=10**12, fields=10**12)
    assert checked(door, query, {"n": 5}).total == 1 + 2**30 * (1 + 5)
