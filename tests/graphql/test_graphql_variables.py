"""Variables against their types: tables of our own, and whatever graphql-core says of made-up values."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import Undefined, parse, parse_type
from graphql.utilities import coerce_input_value, type_from_ast
from hypothesis import given
from hypothesis import strategies as st

from stockade.graphql.schema import Schema
from stockade.graphql.uploads import FILE
from stockade.graphql.variables import Checks
from tests.graphql.graphql_shop import SHOP, checked, endpoint, faults, post

CASES: list[tuple[str, Any, str | None, str]] = [
    ("Int", 7, None, ""),
    ("Int", None, None, ""),
    ("Int", -(1 << 31), None, ""),
    ("Int", 1 << 31, "variable-type", ""),
    ("Int", 7.0, "variable-type", ""),
    ("Int", "7", "variable-type", ""),
    ("Int", True, "variable-type", ""),
    ("Int!", None, "variable-null", ""),
    ("Float", 1, None, ""),
    ("Float", 1.5, None, ""),
    ("Float", "1.5", "variable-type", ""),
    ("Float", False, "variable-type", ""),
    ("String", "", None, ""),
    ("String", 7, "variable-type", ""),
    ("String", ["a"], "variable-type", ""),
    ("Boolean", False, None, ""),
    ("Boolean", 0, "variable-type", ""),
    ("Boolean", "true", "variable-type", ""),
    ("ID", "a", None, ""),
    ("ID", 7, None, ""),
    ("ID", 7.5, "variable-type", ""),
    ("ID", {"$ne": 1}, "variable-type", ""),
    ("[Int!]", [1, 2], None, ""),
    ("[Int!]", 1, None, ""),
    ("[Int!]", [1, None], "variable-null", "/1"),
    ("[Int]!", [None], None, ""),
    ("[[Int]]", [[1], 2], None, ""),
    ("[[Int]]", [[1], ["x"]], "variable-type", "/1/0"),
    ("Sort", "NAME", None, ""),
    ("Sort", "name", "variable-enum", ""),
    ("Sort", 1, "variable-enum", ""),
    ("Filter", {}, None, ""),
    ("Filter", {"inner": {"inner": {"sort": "DATE", "tags": ["a"]}}}, None, ""),
    ("Filter", {"inner": {"tags": ["a", 7]}}, "variable-type", "/inner/tags/1"),
    ("Filter", {"admin": True}, "variable-member", "/admin"),
    ("Filter", {"inner": {"__proto__": {}}}, "variable-member", "/inner/__proto__"),
    ("Filter", {"a/b~c": 1}, "variable-member", "/a~1b~0c"),
    ("Filter", [], "variable-type", ""),
    ("Filter", "text", "variable-type", ""),
    ("Pick", {"id": 1}, None, ""),
    ("Pick", {}, "variable-member", ""),
    ("Pick", {"id": 1, "name": "a"}, "variable-member", ""),
    ("Pick", {"id": None}, "variable-member", ""),
    ("Any", {"anything": [1, {"at": "all"}]}, None, ""),
    ("Upload", FILE, None, ""),
    ("String", FILE, "variable-type", ""),
]


@pytest.mark.parametrize(
    ("written", "value", "rule", "where"), CASES, ids=[f"{number} {case[0]}" for number, case in enumerate(CASES)]
)
def test_values(written: str, value: Any, rule: str | None, where: str) -> None:
    node = parse(f"query ($v: {written}) {{ ping }}").definitions[0]
    found = Checks(SHOP).variables(node).faults({"v": value})  # type: ignore[arg-type]
    assert [(fault.rule, fault.pointer) for fault in found] == (
        [] if rule is None else [(rule, f"/variables/v{where}")]
    )


def test_one_fault_for_each_variable() -> None:
    query = """query ($a: Int!, $b: Filter, $c: ID!) {
        user(id: $c) { friends(first: $a) { id } }
        users(filter: $b) { id }
    }"""
    found = faults(endpoint(), post(query, {"a": "x", "b": {"no": 1}, "d": 1}))
    assert [(fault.rule, fault.pointer) for fault in found] == [
        ("variable-type", "/variables/a"),
        ("variable-member", "/variables/b/no"),
        ("variable-unknown", "/variables/d"),
        ("variable-required", "/variables/c"),
    ]


def test_a_default_stands_in() -> None:
    query = "query ($n: Int! = 3) { users(first: $n) { id } }"
    assert checked(endpoint(), query).total == 1 + 3
    assert checked(endpoint(), query, {"n": 5}).total == 1 + 5
    (fault,) = faults(endpoint(), post(query, {"n": None}))
    assert fault.rule == "variable-null"


def test_without_a_schema_the_types_of_graphql_itself_are_known() -> None:
    query = "query ($a: Int!, $b: [String!], $c: Filter!) { users(a: $a, b: $b, c: $c) { id } }"
    door = endpoint(None)
    assert checked(door, query, {"a": 1, "b": ["x"], "c": {"any": "thing"}})
    found = faults(door, post(query, {"a": "1", "b": [1], "c": None}))
    assert [fault.pointer for fault in found] == ["/variables/a", "/variables/b/0", "/variables/c"]


def test_made_up_names_of_types_are_not_kept() -> None:
    checks = Checks(Schema())
    for number in range(50):
        checks.variables(parse(f"query ($v: T{number}) {{ a }}").definitions[0])  # type: ignore[arg-type]
    assert not checks._named


NAMES = ["Int", "Float", "String", "Boolean", "ID", "Sort", "Filter", "Pick", "Page", "Any"]
TYPES = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.one_of(
        inner.filter(lambda text: text[-1] != "!").map(lambda text: f"{text}!"), inner.map(lambda text: f"[{text}]")
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(["text", "sort", "price", "tags", "inner", "ids", "open", "id", "name", "limit", "after", "x"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["NAME", "DATE", "a", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def has_whole_float(value: Any) -> bool:
    """1.0, which graphql-core takes for an Int and an ID, as JavaScript cannot tell them apart; we can."""
    if isinstance(value, float):
        return value == int(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(has_whole_float, inner))


@given(TYPES, VALUES)
def test_as_graphql_core_has_it(written: str, value: Any) -> None:
    node = parse(f"query ($v: {written}) {{ ping }}").definitions[0]
    ours = not Checks(SHOP).variables(node).faults({"v": value})  # type: ignore[arg-type]
    kind: Any = type_from_ast(SHOP.types, parse_type(written))  # type: ignore[arg-type]
    theirs = coerce_input_value(value, kind) is not Undefined
    assert ours == theirs or (theirs and has_whole_float(value))
