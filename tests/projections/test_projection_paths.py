"""The part of JSONPath that rules are written in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.projections import BadPath, Step, parse_path

GOOD = {
    "$.a": (Step("a"),),
    "$.items[*].email": (Step("items"), Step(None), Step("email")),
    "$..email": (Step("email", deep=True),),
    "$.*": (Step(None),),
    "$..*": (Step(None, deep=True),),
    "$..[*]": (Step(None, deep=True),),
    "$['a.b']": (Step("a.b"),),
    '$["it\'s"]': (Step("it's"),),
    r"$['it\'s']": (Step("it's"),),
    "$.größe": (Step("größe"),),
}
BAD = [
    *("", "a", "$", "$.", "$a", "$.a.", "$.a b", "$[0]", "$[1:2]", "$[?(@.a)]", "$['a','b']", "$...a", "$['a", "$.[*]"),
    *("$.a" * 40, "$." + "a" * 600, "$.1a"),
]


@pytest.mark.parametrize("text", GOOD)
def test_paths(text):
    assert parse_path(text) == GOOD[text]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_none(text):
    with pytest.raises(BadPath):
        parse_path(text)


@given(st.text(max_size=30) | st.text(alphabet="$.[]*'\"a\\", max_size=20))
def test_nothing_else_is_raised(text):
    try:
        parse_path(text)
    except BadPath:
        return
