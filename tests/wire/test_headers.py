"""Header fields: order, repetition, case, and no value in a repr."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.wire import EMPTY, Headers

names = st.sampled_from(["accept", "Accept", "ACCEPT", "cookie", "X-Api-Key", "x-api-key", "host"])
pairs = st.lists(st.tuples(names, st.text(max_size=8)), max_size=8)


@given(pairs)
def test_headers_are_the_pairs_that_were_given(given_pairs):
    """Against the plainest model: a list of values by lower-case name."""
    model = defaultdict(list)
    for name, value in given_pairs:
        model[name.lower()].append(value)
    headers = Headers.of(given_pairs)
    assert list(headers) == [(name.lower(), value) for name, value in given_pairs]
    assert len(headers) == len(given_pairs)
    assert set(headers.names()) == set(model)
    for name in ("accept", "cookie", "x-api-key", "host", "absent"):
        assert headers.all(name) == model.get(name, [])
        assert headers.get(name) == (", ".join(model[name]) if name in model else None)
        assert (name in headers) == (name in model)


def test_a_repeated_field_is_never_reduced_to_one_of_its_lines():
    """Were the last to win, a check could read one credential and the upstream the other."""
    headers = Headers.of([("X-API-Key", "first"), ("accept", "a"), ("x-api-key", "second")])
    assert headers.get("x-api-key") == "first, second"
    assert headers.get("accept") == "a"


def test_an_empty_field_is_there():
    headers = Headers.of([("x-empty", "")])
    assert headers.get("x-empty") == ""
    assert "x-empty" in headers


def test_the_fast_way_in_equals_the_lenient_one():
    assert Headers(["accept", "host"], ["a", "b"]) == Headers.of([("Accept", "a"), ("HOST", "b")])
    assert Headers(["accept"], ["a"]) != Headers(["accept"], ["b"])
    assert Headers(["a", "b"], ["1", "2"]) != Headers(["b", "a"], ["2", "1"])
    assert Headers([], []) == EMPTY
    assert EMPTY != []


def test_names_without_values_are_refused():
    with pytest.raises(ValueError, match=r"zip\(\) argument"):
        Headers(["accept"], [])


def test_a_repr_shows_names_and_no_value():
    headers = Headers.of([("Authorization", "Bearer canary"), ("cookie", "session=canary")])
    assert repr(headers) == "Headers(authorization, cookie)"
    assert "canary" not in f"{headers!s}{headers!r}"


def test_names_can_be_compared_as_a_set():
    headers = Headers.of([("a", "1"), ("b", "2")])
    assert headers.names() & {"b", "c"} == {"b"}
