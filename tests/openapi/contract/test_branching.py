"""Alternatives within alternatives: what tells them apart is used, and what cannot be told apart has a bound."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.openapi.contract import Contract, Match
from stockade.openapi.schemas.branching import MOST, cost
from stockade.openapi.schemas.checking import Checker, Schemas
from tests.openapi.contract.descriptions import body_of, document_of, found_in, told

T = "#/components/schemas/T"


def branch(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"next": {"$ref": T}, **properties}, "required": list(properties)}


AMBIGUOUS = {"T": {"oneOf": [branch(), branch(), {"type": "integer"}]}}
APART = {"T": {"oneOf": [branch(kind={"const": "a"}), branch(kind={"enum": ["b", "c"]})]}}


def nested(depth: int, leaf: Any, **more: Any) -> Any:
    value = leaf
    for _ in range(depth):
        value = {"next": value, **more}
    return value


def compiled(schemas: dict[str, Any], **settings: Any) -> Match:
    return found_in(Contract.compile(document_of(body_of({"$ref": T}), schemas), **settings))


def sent(found: Match, value: Any) -> list[tuple[str, str]]:
    return told(found.operation.check_body("application/json", json.dumps(value).encode()))


def test_alternatives_that_hold_themselves_have_a_bound():
    found = compiled(AMBIGUOUS)
    assert sent(found, 1) == []
    assert sent(found, nested(2, 1)) == [("", "oneOf")]
    assert sent(found, nested(12, 1)) == [("", "oneOf")]
    assert sent(found, nested(25, 1)) == [("", "depth")]
    assert sent(found, [nested(14, 1)] * 50) == [("", "depth")]


@pytest.mark.parametrize("strict", [False, True])
def test_a_property_with_values_of_its_own_tells_alternatives_apart(strict):
    found = compiled(APART, strict=strict)
    assert sent(found, nested(25, {"kind": "a"}, kind="b")) == []
    deep = "/next" * 25
    assert (f"{deep}/kind", "enum") in sent(found, nested(25, {"kind": "x"}, kind="b"))
    assert ("", "required") in sent(found, {"next": {"kind": "a"}})
    assert sent(found, 1) == [("", "type")]


def test_recursion_without_alternatives_has_no_bound_but_that_of_depth():
    schemas = {"T": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": T}, {"type": "null"}]}}}}
    found = compiled(schemas)
    assert sent(found, nested(30, None)) == []
    assert sent(found, nested(30, 1)) != []


def test_cost():
    assert cost(1, 2) == 0
    assert cost([1, [2], {"a": [3]}], 2) == 1 + 2 * 2 + 4
    assert cost(nested(64, 1), 2) > MOST


CONSTANTS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=2, unique=True)
BRANCH = st.tuples(CONSTANTS, st.sampled_from(["x", "y"]), st.booleans()).map(
    lambda found: {
        "type": "object",
        "properties": {"kind": {"enum": found[0]}, found[1]: {"type": "integer"}},
        "required": ["kind", found[1]] if found[2] else ["kind"],
    }
)
VALUE = st.dictionaries(
    st.sampled_from(["kind", "x", "y"]), st.sampled_from(["a", "b", "c", "d", "e", 1, None]), max_size=3
)


@given(st.lists(BRANCH, min_size=1, max_size=3), st.sampled_from(["oneOf", "anyOf"]), VALUE | st.integers())
def test_telling_apart_changes_no_verdict(branches, keyword, value):
    plain = {keyword: [{**each, "properties": {**each["properties"]}} for each in branches]}
    # The same, in a form in which nothing is told apart: `not not`.
    hidden = {"not": {"not": plain}}
    assert checker(plain).valid(value) == checker(hidden).valid(value)


def checker(schema: dict[str, Any]) -> Checker:
    return Schemas({}, "request", strict=False).checker(schema, "")
