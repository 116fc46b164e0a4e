"""What the contract proves harmless, and that nothing harmful is ever admitted where it says so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.openapi.contract import Contract
from stockade.openapi.harmless import Prover
from stockade.openapi.schemas.checking import BadSchema, Schemas
from stockade.openapi.schemas.patterns import admits_only_words, is_linear
from tests.openapi.contract.descriptions import body_of, document_of

SCHEMAS = {
    "Id": {"type": "integer"},
    "Tree": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "next": {"$ref": "#/components/schemas/Tree"}},
    },
}
PROVED: dict[str, tuple[Any, set[str]]] = {
    "integer": ({"type": "integer"}, {""}),
    "string": ({"type": "string"}, set()),
    "anything": ({}, set()),
    "nothing": (False, set()),
    "uuid": ({"type": "string", "format": "uuid"}, {""}),
    "email": ({"type": "string", "format": "email"}, set()),
    "byte": ({"type": "string", "format": "byte"}, set()),
    "a picture in base64": ({"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}, {""}),
    "a page in base64": ({"type": "string", "contentEncoding": "base64", "contentMediaType": "text/html"}, set()),
    "a picture as it is": ({"type": "string", "contentMediaType": "image/png"}, set()),
    "safe words": ({"enum": ["a", "b-c", 1, None]}, {""}),
    "an unsafe word": ({"enum": ["a", "<b>"]}, set()),
    "const": ({"const": "a"}, {""}),
    "pattern": ({"pattern": "^[a-z]{2}$"}, {""}),
    "pattern that is not enforced": ({"pattern": "^(?=a)[a-z]$"}, set()),
    "open pattern": ({"pattern": "[a-z]"}, set()),
    "reference": ({"$ref": "#/components/schemas/Id"}, {""}),
    "optional": ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {""}),
    "integer or text": ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, set()),
    "text and a pattern": ({"allOf": [{"type": "string"}, {"pattern": "^a$"}]}, {""}),
    "object": ({"properties": {"a": {"type": "integer"}, "b/c": {"type": "boolean"}, "d": {}}}, {"/a", "/b~1c"}),
    "list": ({"type": "array", "items": {"properties": {"a": {"type": "number"}}}}, {"/*/a"}),
    "tuple": ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, set()),
    "optional object": (
        {"oneOf": [{"type": "object", "properties": {"a": {"type": "integer"}}}, {"type": "null"}]},
        {"", "/a"},
    ),
    "one of two objects": (
        {
            "oneOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}},
                {"type": "object", "properties": {"b": {"type": "integer"}}},
            ]
        },
        set(),  # what is no name of the one is free in the other
    ),
    "recursive": ({"$ref": "#/components/schemas/Tree"}, {"/id", "/next/id"}),
}


@pytest.mark.parametrize("name", PROVED)
def test_pointers(name):
    schema, expected = PROVED[name]
    found = Prover({"components": {"schemas": SCHEMAS}}).pointers(schema)
    assert {pointer for pointer in found if pointer.count("/next") < 2} == expected


def test_operations_tell_of_parameters_and_body():
    parameters = [
        {"name": "n", "in": "query", "schema": {"type": "integer"}},
        {"name": "l", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
        {"name": "m", "in": "query", "schema": {"type": ["array", "string"], "items": {"type": "integer"}}},
        {
            "name": "d",
            "in": "query",
            "style": "deepObject",
            "schema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}},
        },
        {"name": "s", "in": "query", "schema": {"type": "string"}},
        {"name": "X-H", "in": "header", "schema": {"type": "string", "format": "date"}},
        {"name": "c", "in": "cookie", "schema": {"type": "boolean"}},
    ]
    operation = {"parameters": parameters, **body_of({"properties": {"a": {"type": "integer"}}})}
    (found,) = Contract.compile(document_of(operation)).operations
    assert found.harmless == {
        ("query", "n"),
        ("query", "l"),
        ("query", "d[a]"),
        ("header", "x-h"),
        ("cookie", "c"),
        ("body", "/a"),
    }


def test_of_several_media_types_what_holds_for_all():
    content = {
        "application/json": {"schema": {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}},
        "application/x-www-form-urlencoded": {"schema": {"properties": {"a": {"type": "integer"}}}},
    }
    (found,) = Contract.compile(document_of({"requestBody": {"content": content}})).operations
    assert found.harmless == {("body", "/a")}
    content["text/plain"] = {"schema": {}}
    (found,) = Contract.compile(document_of({"requestBody": {"content": content}})).operations
    assert found.harmless == frozenset()


def test_a_schema_that_grows_without_end_is_left_off():
    properties = {f"p{number}": {"$ref": "#/components/schemas/T"} for number in range(10)}
    schemas = {"T": {"type": "object", "properties": {**properties, "n": {"type": "integer"}}}}
    assert len(Prover({"components": {"schemas": schemas}}).pointers({"$ref": "#/components/schemas/T"})) <= 10_000


TRAPS = [
    "^[9-_]+$",
    "^[A-z]+$",
    "^a|.*$",
    "^a$|^.*$",
    "^[.-_]$",
    r"^\.\/$",
    r"^a\$",
    "^(?i)a$",
    "^.$",
    r"^\W$",
    "^[^a]$",
    "^a.b$",
    r"^\s$",
]


@pytest.mark.parametrize("pattern", TRAPS)
def test_patterns_that_admit_more_than_they_seem_to(pattern):
    assert not admits_only_words(pattern)


@given(st.text(alphabet=r"^$[]()|\-_.:*+?{}0189azAZdw,s<", max_size=12).map(lambda text: f"^{text}$"), st.data())
def test_patterns_that_are_called_safe_are(pattern, data):
    if not (admits_only_words(pattern) and is_linear(pattern)):
        return
    checker = Schemas({}, "request", strict=False).checker({"type": "string", "pattern": pattern}, "")
    text = data.draw(st.text(alphabet="^$[]\\-_.:0189azAZdw;<`@=", max_size=6))
    assert not checker.valid(text) or re.fullmatch(r"[A-Za-z0-9_.:-]*", text)


SCALARS = st.one_of(st.integers(-5, 5), st.booleans(), st.none(), st.sampled_from(["", "a", "<b>", "2024-01-01"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
LEAVES = st.sampled_from(
    [
        {},
        {"type": "integer"},
        {"type": "string"},
        {"type": ["string", "null"]},
        {"enum": ["a", 1]},
        {"format": "date"},
        {"type": "null"},
        {"pattern": "^a$"},
    ]
)
SCHEMA = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("ab"), inner, max_size=2).map(lambda found: {"properties": found}),
        inner.map(lambda found: {"items": found}),
        st.lists(inner, min_size=1, max_size=2).map(lambda found: {"anyOf": found}),
        st.lists(inner, min_size=1, max_size=2).map(lambda found: {"allOf": found}),
        st.tuples(inner, inner).map(lambda found: {**found[0], "oneOf": [found[1]]}),
    ),
    max_leaves=6,
)


@given(SCHEMA, VALUES)
def test_no_valid_value_has_harm_where_a_proof_says_there_is_none(schema, value):
    try:
        checker = Schemas({}, "request", strict=False).checker(schema, "")
    except BadSchema:
        return
    if not checker.valid(value):
        return
    proved = Prover({}).pointers(schema)
    for pointer, leaf in leaves(value, ""):
        assert pointer not in proved or "<" not in json.dumps(leaf)


def leaves(value: Any, pointer: str) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item, f"{pointer}/*")]
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in leaves(item, f"{pointer}/{name}")]
    return [(pointer, value)]
