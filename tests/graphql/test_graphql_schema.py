"""Schemas: SDL, introspection, and what is wrong with them."""

from __future__ import annotations

import json

import pytest
from graphql import build_schema, introspection_from_schema

from stockade.graphql import BadSchema, Schema
from tests.graphql.graphql_shop import SDL, SHOP, checked, endpoint, post, rules

INTROSPECTION = introspection_from_schema(build_schema(SDL), input_value_deprecation=True)


@pytest.mark.parametrize(
    "data",
    [
        SDL.encode(),
        b"\xef\xbb\xbf" + SDL.encode(),
        json.dumps(INTROSPECTION).encode(),
        json.dumps({"data": INTROSPECTION}).encode(),
    ],
    ids=["SDL", "SDL with a mark", "introspection", "introspection in data"],
)
def test_read(data: bytes) -> None:
    door = endpoint(Schema.read(data), scopes={"User.secret": ["s"]})
    assert checked(door, "{ node(id: 1) { secret } }").operation.scopes == {"s"}
    assert checked(door, "{ history { id } }").total == 21  # the default of an argument
    assert rules(door, post("{ nothing }")) == ["validation"]


BAD: dict[str, tuple[bytes, list[tuple[int, str]]]] = {
    "no GraphQL": (b"openapi: 3.1.0", [(1, "Syntax Error")]),
    "unknown types": (
        b"type Query {\n  a: Nothing\n  b(c: Nowhere): Int\n}",
        [(2, "Unknown type"), (3, "Unknown type")],
    ),
    "no query": (b"type A { a: Int }", [(0, "Query root type must be provided")]),
    "an interface that is not kept": (
        b"interface I { a: Int! }\ntype Query implements I { a: Int }",
        [(1, "Interface field")],
    ),
    "two of one name": (b"type Query { a: Int }\ntype Query { a: Int }", [(1, "only one type")]),
    "an operation": (b"{ ping }", [(0, "")]),
    "no JSON": (b"{\n  x", [(2, "it is no JSON")]),
    "other JSON": (b'{"openapi": "3.1.0"}', [(1, "JSON without __schema")]),
    "half of it": (b'{"__schema": {"types": []}}', [(0, "Query root type must be provided")]),
    "bytes": (b"\xff\xfe", [(0, "not UTF-8")]),
    "deep": (b"type Query { a: " + b"[" * 5000, [(0, "")]),
    "deep JSON": (b"{" + b'"a":{' * 100_000, [(0, "no JSON")]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad(name: str) -> None:
    data, wanted = BAD[name]
    with pytest.raises(BadSchema) as raised:
        Schema.read(data)
    found = raised.value.problems
    assert len(found) >= len(wanted)
    for problem, (line, text) in zip(found, wanted, strict=False):
        assert text in problem.text
        assert not line or problem.line == line


def test_directives_that_nobody_defined_are_no_matter() -> None:
    schema = Schema.read(b'type Query {\n  a: Int @cacheControl(maxAge: 5)\n}\ntype B @key(fields: "a") { a: Int }')
    assert [warning.line for warning in schema.warnings] == [2, 4]
    assert checked(endpoint(schema), "{ a }")


def test_names() -> None:
    assert SHOP.has("Query") == SHOP.has("Node.secret") == SHOP.has("User.name") == ""
    assert "no object type" in SHOP.has("Thing")
    assert "no object type" in SHOP.has("Nothing.a")
    assert "no field" in SHOP.has("User.nothing")
    assert Schema().has("Mutation.login") == ""
    assert "without a schema" in Schema().has("User.name")
    assert "Query.users" in SHOP.names()
    assert not [name for name in SHOP.names() if name.startswith("__")]


def test_a_schema_whose_roots_have_other_names() -> None:
    schema = Schema.read(b"schema { query: R }\ntype R { a: Int secret: Int }")
    door = endpoint(schema, scopes={"R.secret": ["s"]})
    assert checked(door, "{ secret }").operation.scopes == {"s"}
    assert rules(door, post("mutation { a }")) == ["validation"]


def test_introspection_where_it_is_on() -> None:
    door = endpoint(introspection=True)
    deep = (
        "{ __schema { types { name fields { name args { name type { ofType { ofType { ofType { name } } } } } } } } }"
    )
    assert checked(door, deep).total == 1
    nested = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    assert rules(door, post(nested)) == ["validation"]
