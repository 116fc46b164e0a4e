"""Garbage gives BadDescription, or a description whose promises hold; and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stockade.openapi.grammar.version2 import ROOT as ROOT_2
from stockade.openapi.grammar.version3 import METHODS
from stockade.openapi.grammar.version3 import ROOT as ROOT_3
from stockade.openapi.posture import posture
from stockade.openapi.reading import BadDescription, Description
from tests.openapi.description.conftest import describe_files


def words() -> list[str]:
    """All keys that the grammar knows, found by walking over it."""
    found: set[str] = set()
    waiting: list[Any] = [ROOT_2, ROOT_3]
    seen: set[int] = set()
    while waiting:
        shape = waiting.pop()
        if id(shape) in seen:
            continue
        seen.add(id(shape))
        fields = getattr(shape, "fields", {})
        found |= fields.keys()
        waiting += fields.values()
        waiting += [inner for key in ("_item",) if (inner := getattr(shape, key, None)) is not None]
    return sorted(found)


KEYS = st.sampled_from([*words(), "$ref", "A", "B", "/a/{id}", "/a/{b}", "200", "default", "application/json", "x-y"])
WORDS = "string object array query path body formData header id A form csv multi true apiKey oauth2 implicit basic"
POINTERS = (
    "#/components/schemas/A",
    "#/components/parameters/A",
    "#/components/schemas/A/properties/A",
    "#/definitions/A",
    "#/parameters/A",
    "#/paths",
    "#",
    "other.json#/A",
    "other.json",
    "",
)
TEXTS = st.sampled_from([*WORDS.split(), *POINTERS])
LEAVES = st.none() | st.booleans() | st.integers(-3, 9) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=5)
OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "parameters": st.lists(OBJECTS, max_size=3),
        "requestBody": OBJECTS,
        "responses": st.dictionaries(st.sampled_from(["200", "default"]), OBJECTS, max_size=2),
        "security": st.lists(OBJECTS, max_size=2),
        "consumes": st.just(["application/json"]),
    },
)
PATHS = st.dictionaries(
    st.sampled_from(["/a", "/a/{id}", "/a/{b}", "x"]),
    st.dictionaries(st.sampled_from(METHODS), OPERATIONS, max_size=2),
    max_size=3,
)
COMPONENTS = st.dictionaries(
    st.sampled_from(["schemas", "parameters", "responses", "requestBodies"]),
    st.dictionaries(st.sampled_from(["A", "B"]), OBJECTS),
    max_size=3,
)
VERSIONS = st.sampled_from([{"openapi": "3.0.0"}, {"openapi": "3.1.0"}, {"swagger": "2.0"}])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A document of any version, with its components where that version has them, and where it does not."""
    components = draw(COMPONENTS)
    old = {"definitions" if key == "schemas" else key: value for key, value in components.items()}
    return {**draw(OBJECTS), **draw(VERSIONS), "paths": draw(PATHS | TREES), "components": components, **old}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def check_promises(description: Description) -> None:
    document = description.document
    assert document["openapi"] == "3.1.0"
    json.dumps(document)
    for name, schema in document["components"].get("schemas", {}).items():
        assert not isinstance(schema, dict) or not {"nullable", "$id", "$anchor"} & schema.keys()
        with suppress(jsonschema.SchemaError):
            jsonschema.Draft202012Validator.check_schema(schema)
        assert description.where(f"/components/schemas/{name}")[1] >= 1
    for item in document["paths"].values():
        for method in METHODS:
            if method in item:
                for reference in references(item[method].get("parameters", [])):
                    _, components, section, target = reference.split("/")
                    assert target in document[components][section]
    for weakness in posture(description):
        assert weakness.line >= 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents(), OBJECTS)
def test_garbage_of_the_right_words(document: dict[str, Any], other: dict[str, Any]) -> None:
    with suppress(BadDescription):
        check_promises(describe_files({"openapi.json": document, "other.json": other}))


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode), st.sampled_from(["o.yaml", "o.json", "o"]))
def test_garbage_of_any_bytes(data: bytes, name: str) -> None:
    for text in (data, b"openapi: 3.1.0\npaths: " + data, b'{"openapi": "3.1.0", "paths": ' + data + b"}"):
        with suppress(BadDescription):
            check_promises(describe_files({name: text}, name))


@given(st.text(max_size=40))
def test_garbage_for_a_reference(text: str) -> None:
    document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"A": {"$ref": text}}}}
    with suppress(BadDescription):
        check_promises(describe_files({"openapi.json": json.dumps(document)}, allow_remote=["h"]))
