"""Ids, places and GraphQL documents: whatever is sent, a few spellings or our own error."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.ownership import BadId, BadPlace, parse_place, spellings, values_at
from stockade.ownership.documents import ids_in_graphql
from stockade.ownership.places import pairs_at, read_json

FORMS = ["auto", "integer", "uuid", "text", "folded"]
ODD = st.text(alphabet=st.sampled_from(list("07aF%3x.,;:=_-+eE/\\ {}[]\"'\0\n٧７²\u200b\ud800")), max_size=40)


@settings(max_examples=300)
@given(st.one_of(ODD, st.text(max_size=600)), st.sampled_from(FORMS))
def test_every_text_has_few_spellings_or_is_no_id(text, form):
    try:
        found = spellings(text, form)
    except BadId:
        return
    assert 1 <= len(found) <= 64
    assert len(set(found)) == len(found)


@settings(max_examples=300)
@given(ODD, st.sampled_from(FORMS))
def test_the_one_form_of_the_one_form_is_itself(text, form):
    try:
        first = spellings(text, form)[0]
        again = spellings(first, form)[0]
    except BadId:
        return
    assert spellings(again, form)[0] == again


SAME = [
    ("auto", ["7", "07", "+7", "7.0", "%37", "%2537", "７", "٧", " 7 ", "7.", "7/", "7\u200b"]),
    (
        "auto",
        [
            "0193a7b2-0000-7000-8000-00000000000a",
            "0193A7B2000070008000 00000000000A".replace(" ", ""),
            "{0193a7b2-0000-7000-8000-00000000000a}",
            "urn:uuid:0193A7B2-0000-7000-8000-00000000000A",
        ],
    ),
    ("folded", ["Order-7", "ORDER-7", "order-7 "]),
]


@pytest.mark.parametrize(("form", "texts"), SAME, ids=["integers", "uuids", "folded"])
def test_one_id_has_one_form(form, texts):
    assert len({spellings(text, form)[0] for text in texts}) == 1


@given(st.text(max_size=60))
def test_what_names_no_place_is_refused_in_our_own_words(text):
    with suppress(BadPlace):
        assert parse_place(str(parse_place(text))) == parse_place(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "user", "items"]), inner),
    max_leaves=20,
)
STEPS = st.lists(st.sampled_from(["id", "user", "items", "*"]), max_size=4).map(tuple)


@given(VALUES, STEPS, STEPS)
def test_whatever_an_upstream_says_can_be_walked(value, ids, owners):
    read = read_json(json.dumps(value).encode())
    list(values_at(read, ids))
    with suppress(BadId):
        for _, owner in pairs_at(read, ids, owners):
            assert isinstance(owner, str)


PLACES = [parse_place("graphql.order.id"), parse_place("graphql.find.input.ids")]
TEXTS = st.sampled_from(
    ["{order(id: 7)}", "query($x: ID = 3) {a: order(id: $x)}", "{find(input: {ids: [1, $x]})}", "{", ""]
)


@given(VALUES, TEXTS, st.binary(max_size=20))
def test_whatever_is_called_graphql_can_be_read_or_is_refused(value, text, noise):
    bodies = [
        json.dumps(value).encode(),
        json.dumps({"query": text, "variables": value}).encode(),
        json.dumps([{"query": text, "variables": {"x": value}}]).encode(),
        noise,
    ]
    for body in bodies:
        for media in ("application/json", "application/graphql", ""):
            with suppress(BadId):
                list(ids_in_graphql("query=%7Bping%7D&variables=%7B", media, body, PLACES))
