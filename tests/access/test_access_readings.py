"""Every way in which a server could read a path or a method."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.access import Ambiguous, Templates, methods_of, readings
from stockade.wire import BadTarget, Headers, parse_target

ALIKE = [
    "/orders/7",
    "/Orders/7",
    "/ORDERS/7/",
    "/orders/7.",
    "/orders/7%20",
    "/orders/7...",
    "/orders;v=1/7;x",
    "/%256Frders/7",
    "/orders//7",
    "/./orders/x/../7",
    "/orders%5c7",
    "/%EF%BD%8Frders/7",  # a fullwidth o
]


@pytest.mark.parametrize("path", ALIKE)
def test_what_a_server_could_take_for_one_path_is_found_as_it(path):
    templates = Templates[str]()
    templates.insert("GET", ["orders", "{id}"], "one")
    try:
        normal = parse_target(path).path
    except BadTarget:
        return  # the door refuses it
    found = [templates.find("GET", reading) for reading in readings(normal)]
    assert (["one"], ("7",)) in found


def test_a_path_encoded_twice_is_read_both_ways():
    assert readings("/public/%252e%252e%252fadmin") == (("public", "%2e%2e%2fadmin"), ("admin",))
    with pytest.raises(Ambiguous):
        readings("/" + "%25" * 10 + "2525252525252f")


def test_the_most_specific_statement_decides_and_equals_stand_together():
    templates = Templates[str]()
    for method, path, said in (
        ("*", "*", "all"),
        ("*", "admin/*", "admin"),
        ("GET", "orders/{id}", "any"),
        ("GET", "orders/{order}", "other"),
        ("GET", "orders/mine", "mine"),
    ):
        templates.insert(method, path.split("/"), said)
    told = {
        path: templates.find("GET", readings(path)[0])
        for path in ("/x", "/admin", "/ADMIN/x/y", "/orders/7", "/orders/mine")
    }
    assert {path: found[0] for path, found in told.items() if found} == {
        "/x": ["all"],
        "/admin": ["admin"],
        "/ADMIN/x/y": ["admin"],
        "/orders/7": ["any", "other"],
        "/orders/mine": ["mine"],
    }
    assert templates.find("POST", ("orders", "7")) == (["all"], ())


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ([], "", ("POST",)),
        ([("X-HTTP-Method-Override", "delete")], "", ("POST", "DELETE")),
        ([("x-http-method", "PUT"), ("x-method-override", "PATCH, GET")], "", ("POST", "PATCH", "GET", "PUT")),
        ([], "a=1&_method=DELETE", ("POST", "DELETE")),
        ([], "%5Fmethod=DELETE", ("POST", "DELETE")),
    ],
)
def test_methods(headers, query, expected):
    assert methods_of("POST", Headers.of(headers), query) == expected


@given(st.text(max_size=60))
def test_any_path_is_read_or_refused(text):
    with suppress(Ambiguous):
        assert 1 <= len(readings("/" + text)) <= 2
