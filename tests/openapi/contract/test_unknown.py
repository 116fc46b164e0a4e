"""Arguments of a valid body that its description does not name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.openapi.unknown import Describer, undescribed

DOCUMENT = {
    "components": {
        "schemas": {
            "Line": {"properties": {"sku": {"type": "string"}}},
            "Loop": {"properties": {"next": {"$ref": "#/components/schemas/Loop"}}},
        }
    }
}
LINES = {"properties": {"id": {}, "lines": {"items": {"$ref": "#/components/schemas/Line"}}}}
MAP = {"properties": {"labels": {"properties": {"a": {}}, "additionalProperties": {"type": "string"}}}}
EITHER = {"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}], "if": {"properties": {"c": {}}}}
BOTH = {"allOf": [{"properties": {"a": {}}}, {"$ref": "#/components/schemas/Line"}]}


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        (LINES, {"id": {"any": "thing"}, "lines": [{"sku": "x"}]}, []),
        (LINES, {"lines": [{"sku": "x", "a/b": "y"}], "role": "admin"}, [("/lines/0/a~1b", "y"), ("/role", "admin")]),
        (
            LINES,
            {"x": {"y": [1, True, None, {}]}},
            [("/x/y/0", "1"), ("/x/y/1", "true"), ("/x/y/2", ""), ("/x/y/3", "")],
        ),
        (MAP, {"labels": {"b": "c"}, "d": 1.5}, [("/d", "1.5")]),
        (EITHER, {"a": 1, "b": 2, "c": 3, "d": 4}, [("/d", "4")]),
        (BOTH, {"a": 1, "sku": "2", "d": 4}, [("/d", "4")]),
        ({"type": "object"}, {"a": 1}, []),
        (True, {"a": 1}, []),
        ({"properties": {"a": {}}}, ["x"], [("/0", "x")]),
        ({"$ref": "#/components/schemas/Loop"}, {"next": {"next": {"b": "c"}}}, [("/next/next/b", "c")]),
    ],
)
def test_what_nobody_describes(schema: Any, value: Any, found: list[tuple[str, str]]) -> None:
    assert list(undescribed(value, Describer(DOCUMENT).known([schema]))) == found


def test_of_several_media_types_what_any_describes() -> None:
    known = Describer({}).known([{"properties": {"a": {}}}, {"properties": {"b": {}}}])
    assert list(undescribed({"a": 1, "b": 2, "c": 3}, known)) == [("/c", "3")]


def test_where_further_members_are_refused_there_is_nothing_to_look_for() -> None:
    line = {"type": "object", "properties": {"sku": {"type": "string"}}, "additionalProperties": False}
    order = {**line, "properties": {"lines": {"type": "array", "items": line}}}
    assert Describer({}).known([order]).open
    assert not Describer({}).known([order, {"properties": {"a": {}}}]).open
    assert not Describer({}).known([{**order, "properties": {"a": {"properties": {"b": {}}}}}]).open
    assert not Describer({}).known([{"anyOf": [line]}]).open


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["properties", "items", "anyOf", "$ref", "a"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES, VALUES)
def test_any_schema_and_any_value(schema: Any, value: Any) -> None:
    for pointer, text in undescribed(value, Describer(schema).known([schema])):
        assert (type(pointer), type(text)) == (str, str)
