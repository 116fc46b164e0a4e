"""Attacks on GraphQL servers, each of which must be refused at once, for its own reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.graphql.graphql_shop import checked, endpoint, faults, outcome, post, posted, rules

WIDE: dict[str, Any] = dict.fromkeys(["fields", "aliases", "directives", "roots", "complexity", "depth"], 10**9)
WIDE |= {"tokens": 20_000, "size": 1 << 20}  # as far as an operator may be led to open it


def fragments(count: int, body: Callable[[int], str], last: str) -> str:
    """A chain of fragments, each of which spreads the next."""
    parts = [f"fragment F{n} on User {{ {body(n + 1)} }}" for n in range(count)]
    return f"{{ user(id: 1) {{ ...F0 }} }} {' '.join(parts)} fragment F{count} on User {{ {last} }}"


ATTACKS: dict[str, tuple[str, list[str]]] = {
    "alias bomb": ("{" + " ".join(f"a{n}: ping" for n in range(100)) + "}", ["aliases", "roots"]),
    "alias bomb in fragments": (
        fragments(6, lambda n: f"a: id ...F{n} b: id ...F{n}", "name"),
        ["aliases"],
    ),
    "field duplication": ("{" + "ping " * 900 + "}", ["fields", "roots"]),
    "directive overloading": ("{ ping " + "@aa " * 300 + "}", ["directives"]),
    "directives on everything": (
        "query ($n: Int @c @d) @a @b { ping @e @f ... @g @h { ping } ...F @i @j } fragment F on Query @k { ping }",
        ["directives"],
    ),
    "circular fragments": (
        "{ user(id: 1) { ...A } } fragment A on User { ...B } fragment B on User { friends { ...A } }",
        ["circle"],
    ),
    "a fragment of itself": ("{ user(id: 1) { ...A } } fragment A on User { id ...A }", ["circle"]),
    "circular fragments that nobody spreads": (
        "{ ping } fragment A on User { ...B } fragment B on User { ...A }",
        ["circle"],
    ),
    "fragment bomb": (fragments(40, lambda n: f"...F{n} ...F{n}", "name"), ["complexity", "fields"]),
    "fragment bomb in fields": (
        fragments(9, lambda n: f"friends(first: 2) {{ ...F{n} ...F{n} }}", "name"),
        ["complexity", "depth", "fields"],
    ),
    "deep": ("{ user(id: 1) {" + "friends(first: 1) {" * 20 + "id" + "}" * 22, ["depth"]),
    "10^5 deep": ("{a" * 5_000, ["nesting"]),
    "deep through fragments": (fragments(15, lambda n: f"friends(first: 1) {{ ...F{n} }}", "id"), ["depth"]),
    "a list 10^5 deep": ("{ ping(a: " + "[" * 5_000, ["nesting"]),
    "an object 10^5 deep": ("{ users(filter: " + "{inner: " * 900, ["nesting"]),
    "a type 10^5 deep": ("query ($a: " + "[" * 5_000, ["nesting"]),
    "many tokens": ("{" + "a " * 2_000 + "}", ["tokens"]),
    "many comments": ("{ ping }" + "#\n" * 2_000, ["tokens"]),
    "a long comment": ("{ ping } #" + "x" * 20_000, ["document-size"]),
    "a long name": ("{" + "a" * 20_000 + "}", ["document-size"]),
    "many commas": ("{ ping " + "," * 20_000 + "}", ["document-size"]),
    "a page without bound": ("{ users(first: 1000000) { id } }", ["complexity"]),
    "a page of 60 digits": ("{ users(first: " + "9" * 60 + ") { id } }", ["complexity"]),
    "pages within pages": (
        "{ users(first: 30) { friends(first: 30) { friends(first: 30) { id } } } }",
        ["complexity"],
    ),
    "the page that the schema sets": (
        "{ history { buyer { friends(first: 10) { friends { id } } } } }",
        ["complexity"],
    ),
    "a page that is negative": (
        "{ users(first: -1) { friends(first: -1) { friends(last: 0) { id } } } }",
        ["complexity"],
    ),
    "a page that is null": (
        "{ users(first: null) { friends(first: null) { friends(first: null) { id } } } }",
        ["complexity"],
    ),
    "introspection": (get_introspection_query(), ["introspection"]),
    "introspection under an alias": ('{ ping: __type(name: "User") { fields { name } } }', ["introspection"]),
    "introspection in a fragment": (
        "{ ...A } fragment A on Query { ... on Query { x: __schema { types { name } } } }",
        ["introspection"],
    ),
    "introspection with odd blanks": ("{\ufeff__schema\r#x\n,{types{name}}}", ["introspection"]),
    "introspection in an operation that is not run": (
        "query A { ping } query B { __schema { types { name } } }",
        ["introspection"],
    ),
    "the schema by way of a federation": ("{ _service { sdl } }", ["introspection"]),
    "attempts at a password": (
        "mutation {" + " ".join(f'a{n}: login(name: "a", password: "{n}")' for n in range(10)) + "}",
        ["repeats"],
    ),
    "attempts at a password in fragments": (
        'mutation { ...A ...A ...A ... on Mutation { b: login(name: "a", password: "2") } }'
        ' fragment A on Mutation { a: login(name: "a", password: "1") c: login(name: "a", password: "3") }',
        ["repeats"],
    ),
    "definitions of types": ("type Query { a: Int } { ping }", ["syntax"]),
    "an extension of the schema": ("extend type Query { a: Int } query { ping }", ["syntax"]),
    "an open string": ('{ search(text: "', ["syntax"]),
    "an open block string": ('{ search(text: """', ["syntax"]),
    "half an escape": ('{ search(text: "\\u12") { id } }', ["syntax"]),
    "half a surrogate pair": ('{ search(text: "\\ud800") { id } }', ["syntax"]),
    "an escape beyond Unicode": ('{ search(text: "\\u{110000}") { id } }', ["syntax"]),
    "NUL": ("{ ping \x00}", ["syntax"]),
    "nothing": (" \n", ["syntax"]),
    "fragments alone": ("fragment A on User { id }", ["operation-name"]),
    "an empty selection": ("{ user(id: 1) { } }", ["empty"]),
    "two operations without names": ("{ ping } { ping }", ["operation-name"]),
    "two operations of one name": ("query A { ping } query A { ping }", ["operation-name"]),
}


def room(name: str) -> dict[str, Any]:
    """What lets a document come as far as to the bound that it is about."""
    return {"size": 1 << 16, "tokens": 20_000} if "10^5" in name else {}


@pytest.mark.parametrize("name", ATTACKS)
def test_refused_with_a_schema(name: str) -> None:
    query, wanted = ATTACKS[name]
    assert rules(endpoint(**room(name)), post(query)) == wanted


# Where a schema is needed to see what it is: a list, a default, a type.
NEED_A_SCHEMA = {"the page that the schema sets", "a page that is null"}


@pytest.mark.parametrize("name", sorted(set(ATTACKS) - NEED_A_SCHEMA))
def test_refused_without_a_schema(name: str) -> None:
    query, wanted = ATTACKS[name]
    assert set(rules(endpoint(None, **room(name)), post(query))) <= {*wanted, "complexity", "depth"}


SLOW: dict[str, str] = {
    "fields of one name": "{" + "ping " * 9_000 + "}",
    "aliases": "{" + " ".join(f"a{n}: ping" for n in range(4_000)) + "}",
    "fields of one name, with arguments": "{" + " ".join(f"users(first: {n}) {{ id }}" for n in range(1_500)) + "}",
    "nested fields of one name": "{ users { " + "friends { friends { id name } } " * 1_200 + "} }",
    "inline fragments": "{ user(id: 1) { " + "... on User { id name friends { id } } " * 900 + "} }",
    "fragments that all spread all": "{ user(id: 1) { ...F0 } } "
    + " ".join(
        f"fragment F{n} on User {{ friends {{ {' '.join(f'...F{m}' for m in range(n + 1, 60))} id }} }}"
        for n in range(60)
    ),
    "a long chain of fragments": fragments(1_500, lambda n: f"...F{n}", "id"),
    "variables": "query (" + " ".join(f"$v{n}: Int" for n in range(4_000)) + ") { ping }",
    "variables in all fields": "query ("
    + " ".join(f"$v{n}: Int" for n in range(900))
    + ") {"
    + " ".join(f"a{n}: users(first: $v{n}) {{ friends(first: $v{n}) {{ id }} }}" for n in range(900))
    + "}",
    "a list": "{ users(filter: {ids: [" + "1 " * 18_000 + "]}) { id } }",
    "unknown everything": "{" + " ".join(f"u{n}(a{n}: $b{n}) @c{n}" for n in range(2_000)) + "}",
    "brackets that close": "}" * 19_000,
    "quotes": '"' * 19_000,
    "backslashes": '"' + "\\" * 600_000,
    "block quotes": '"""' + '\\"' * 300_000,
    "block of blank lines": '{ search(text: """' + "\n " * 300_000 + '""") { id } }',
}


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("described", [True, False], ids=["schema", "no schema"])
def test_no_document_takes_long_even_where_limits_are_wide(name: str, described: bool) -> None:
    door = endpoint(**WIDE) if described else endpoint(None, **WIDE)
    started = process_time()
    assert outcome(lambda: door.check(post(SLOW[name])))
    assert process_time() - started < 20  # a hang, not a measurement: 20,000 tokens cost about a second


def test_comparing_fields_ends_soon() -> None:
    """Of one name there are 40 million pairs here; graphql-core's own patience is ten times ours."""
    assert rules(endpoint(**WIDE), post("{" + "ping " * 9_000 + "}")) == ["validation"]
    assert checked(endpoint(**WIDE), "{" + "ping " * 100 + "}")


def test_a_million_tokens_are_not_read() -> None:
    (fault,) = faults(endpoint(size=8 << 20), post("{" + "a " * 1_000_000 + "}"))
    assert (fault.rule, fault.line, fault.column) == ("tokens", 1, 1999)


def test_batches_are_counted_together() -> None:
    door = endpoint(batch=10)
    attempt = {"query": 'mutation ($p: String!) { login(name: "a", password: $p) }'}
    tries = [{**attempt, "variables": {"p": str(n)}} for n in range(6)]
    assert rules(door, posted(tries)) == ["repeats"]
    assert rules(endpoint(), posted(tries)) == ["batch"]
    costly = [{"query": "{ users(first: 100) { id name } }"}] * 6
    assert rules(door, posted(costly)) == ["complexity"]
    assert len(door.check(posted([attempt | {"variables": {"p": "x"}}]))) == 1


def test_huge_lists_in_variables() -> None:
    query = "query ($f: Filter) { users(filter: $f, first: 1) { id } }"
    assert rules(endpoint(), post(query, {"f": {"ids": list(range(100_000))}})) == ["values"]
    assert checked(endpoint(), query, {"f": {"ids": list(range(500))}})
    assert checked(endpoint(), query, {"f": {"text": "," * 5_000}})


@pytest.mark.parametrize(
    "body",
    [b'{"query":' + b"[" * 100_000, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100 + b"]" * 100],
    ids=["arrays", "a bare array", "objects", "closed"],
)
def test_deep_json(body: bytes) -> None:
    assert rules(endpoint(), posted(body)) in (["json"], ["json-depth"])


def test_variables_weigh_as_they_say() -> None:
    query = "query ($n: Int, $p: Page) { users(first: $n) { id } orders(page: $p) { edges { node { id } } } }"
    door = endpoint()
    assert checked(door, query, {"n": 1, "p": {"limit": 1}}).total == 2 + 4
    assert checked(door, query, {"n": 7, "p": {"limit": 5}}).total == 1 + 7 + 1 + 5 * 3
    assert checked(door, query).total == 1 + 10 + 1 + 10 * 3
    assert checked(door, query, {"n": -5, "p": {"limit": None}}).total == 1 + 10 + 1 + 10 * 3
    assert rules(door, post(query, {"n": 2_000})) == ["complexity"]
    assert rules(door, post(query, {"p": {"limit": 10_000}})) == ["complexity"]


def test_a_default_of_a_variable_weighs_too() -> None:
    assert rules(endpoint(), post("query ($n: Int = 5000) { users(first: $n) { id } }")) == ["complexity"]


def test_no_refusal_suggests_anything() -> None:
    queries = [
        "{ user }",
        "{ usrs { id } }",
        "{ user(id: 1) { nam } }",
        "{ user(idd: 1) { id } }",
        "{ pick(by: {}) { id } }",
    ]
    queries += [
        "mutation { login }",
        "{ users(filter: {txt: 1}) { id } }",
        "query ($a: Filte) { ping }",
        "{ ping @skp }",
    ]
    queries += ["{ orders(sort: NAM) { total } }", "subscription { tick }", "{ ... on Usr { id } }"]
    hidden = ["did you mean", "users", "User", "password", "String", "Filter", "NAME", "ticks", "skip"]
    for query in queries:
        told = json.dumps([fault.error() for fault in faults(endpoint(), post(query))])
        assert not [word for word in hidden if word in told], (query, told)
        told = json.dumps([fault.error() for fault in faults(endpoint(introspection=True), post(query))])
        assert "did you mean" not in told.lower()


def test_messages_are_read_as_the_caller_meant() -> None:
    (fault,) = faults(endpoint(), post("{\n  user(id: 1) {\n    nam\n  }\n}"))
    assert fault.error() == {
        "message": "This field is not known here.",
        "locations": [{"line": 3, "column": 5}],
        "extensions": {"code": "VALIDATION"},
    }


def test_all_excesses_are_told_at_once() -> None:
    door = endpoint(depth=2, aliases=0, directives=0, complexity=3)
    query = "{ a: user(id: 1) { friends { id } } ping @skip(if: true) }"
    assert rules(door, post(query)) == ["aliases", "complexity", "depth", "directives"]


def test_errors_are_few() -> None:
    assert len(faults(endpoint(), post("{" + " ".join(f"u{n}" for n in range(20)) + "}"))) == 10


def test_refusals_are_remembered_apart() -> None:
    door = endpoint()
    checked(door, "{ ping }")
    for number in range(3_000):
        assert faults(door, post(f"{{ nothing{number} }}"))
    digest = checked(door, "{ ping }").document.digest
    assert door._documents.known(digest) is not None
    assert len(door._documents._bad) <= 1000


def test_documents_that_nobody_asks_for_are_forgotten() -> None:
    door = endpoint()
    first, other = checked(door, "{ ping }").document, checked(door, "{ p: ping }").document
    for number in range(2_500):
        checked(door, f"query Q{number} {{ ping }}")
        checked(door, "{ ping }")
    documents = door._documents
    assert documents.known(first.digest) is not None
    assert documents.known(other.digest) is None
    assert len(documents._young) + len(documents._old) <= 2000


def test_what_is_no_utf_8() -> None:
    assert rules(endpoint(), posted(b'{"query": "{ ping \xff}"}')) == ["json"]
    assert rules(endpoint(), posted(b"{ ping \xff}", "application/graphql")) == ["syntax"]
    assert rules(endpoint(), posted(b'{"query": "{ search(text: \\"\\ud800\\") { id } }"}')) == ["json"]
