"""Names of operations: the stated template that fits, else a guess; few, whatever a client sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.operations import BadOperation, OperationTable, guess_template, looks_like_identifier, parse_operation

STATED = [
    "GET /orders",
    "GET /orders/{order_id}",
    "GET /orders/mine",
    "DELETE /orders/{order_id}",
    "get /orders/{order_id}/items/{item}",
    "GET /orders/mine/export",
    "GET /",
    "GET /static/*",
    "GET /static/site.css",
    "GET /static/{name}/meta",
    "* /health",
    "GET /trailing/",
    "GET /a/{b}/c",
    "GET /{x}/fixed/d",
    "POST /hooks/*",
]
NAMED = [
    ("GET", "/orders", "GET /orders"),
    ("GET", "/orders/7", "GET /orders/{order_id}"),
    ("GET", "/orders/anything-at-all", "GET /orders/{order_id}"),
    ("DELETE", "/orders/7", "DELETE /orders/{order_id}"),
    ("GET", "/orders/7/items/8", "GET /orders/{order_id}/items/{item}"),
    # static before templated (OpenAPI 3.1, section 4.8.8.2), also where the static branch ends blindly
    ("GET", "/orders/mine", "GET /orders/mine"),
    ("GET", "/orders/mine/export", "GET /orders/mine/export"),
    ("GET", "/orders/mine/items/8", "GET /orders/{order_id}/items/{item}"),
    ("DELETE", "/orders/mine", "DELETE /orders/{order_id}"),
    ("GET", "/a/fixed/d", "GET /{x}/fixed/d"),
    ("GET", "/a/fixed/c", "GET /a/{b}/c"),
    # the root, and trailing slashes, which are paths of their own
    ("GET", "/", "GET /"),
    ("GET", "/trailing/", "GET /trailing/"),
    # tails
    ("GET", "/static/js/app.js", "GET /static/*"),
    ("GET", "/static/", "GET /static/*"),
    ("GET", "/static/site.css", "GET /static/site.css"),
    ("GET", "/static/site.css/more", "GET /static/*"),
    ("GET", "/static/7/meta", "GET /static/{name}/meta"),
    ("GET", "/static/7/other", "GET /static/*"),
    ("GET", "/static" + "/deep" * 200, "GET /static/*"),
    ("POST", "/hooks/a/b", "POST /hooks/*"),
    # any method
    ("GET", "/health", "* /health"),
    ("PROPFIND", "/health", "* /health"),
]
UNSTATED = [
    ("POST", "/orders"),
    ("get", "/orders"),
    ("GET", "/Orders"),
    ("GET", "/orders/"),
    ("GET", "/orders/7/"),
    ("GET", "/orders/7/items"),
    ("GET", "/trailing"),
    ("GET", "/static"),
    ("GET", "/orders//items/8"),
    ("GET", "/hooks/a"),
    ("GET", "/health/x"),
    ("GET", "/orders/mine/nothing"),
    ("GET", "/a" * 40),
]


@pytest.mark.parametrize(("method", "path", "name"), NAMED)
def test_stated_operations(method, path, name):
    table = OperationTable(STATED)
    assert table.name(method, path) == name
    assert table.name(method, path) == name  # remembered now
    assert table.matches(method, path)


@pytest.mark.parametrize(("method", "path"), UNSTATED)
def test_what_no_stated_operation_fits(method, path):
    assert not OperationTable(STATED).matches(method, path)


def test_a_table_counts_what_was_stated():
    assert len(OperationTable(STATED)) == len(STATED)
    assert len(OperationTable()) == 0


@pytest.mark.parametrize(
    ("text", "method", "segments"),
    [
        ("GET /", "GET", [""]),
        ("get /orders/{id}", "GET", ["orders", "{id}"]),
        ("  GET   /orders  ", "GET", ["orders"]),
        ("* /orders/*", "*", ["orders", "*"]),
        ("PROPFIND /dav/", "PROPFIND", ["dav", ""]),
    ],
)
def test_parse(text, method, segments):
    assert parse_operation(text) == (method, segments)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", "is not an operation"),
        ("GET", "is not an operation"),
        ("/orders", "is not an operation"),
        ("GET orders", "is not an operation"),
        ("GET  ", "is not an operation"),
        ("G3T /orders", "is not an operation"),
        ("GET,POST /orders", "is not an operation"),
        ("** /orders", "is not an operation"),
        ("GET /files/*/meta", "must be the last segment"),
        ("GET /*/*", "must be the last segment"),
        ("GET /orders/{id}.json", "must be a whole segment"),
        ("GET /orders/v{id}", "must be a whole segment"),
        ("GET /orders/{id", "must be a whole segment"),
        ("GET /orders/id}", "must be a whole segment"),
        ("GET /orders/{", "must be a whole segment"),
        ("GET /orders/{}", "must be a whole segment"),
        ("GET /orders/{a}-{b}", "must be a whole segment"),
        ("GET /orders/{{a}}", "must be a whole segment"),
    ],
)
def test_what_is_no_operation(text, trouble):
    with pytest.raises(BadOperation, match=trouble):
        OperationTable(["GET /good", text])


GUESSED = [
    ("/", "/"),
    ("/users", "/users"),
    ("/users/", "/users/"),
    ("/users/42", "/users/{id}"),
    ("/users/42/orders/7", "/users/{id}/orders/{id}"),
    ("/users/me", "/users/me"),
    ("/api/v1/users", "/api/v1/users"),
    ("/v2/users", "/v2/users"),
    ("/v10", "/v10"),
    ("/oauth2/token", "/oauth2/token"),
    ("/ipv4", "/ipv4"),
    ("/users/alice", "/users/alice"),
    ("/users/alice%40example.com", "/users/{id}"),
    ("/users/alice@example.com", "/users/{id}"),
    ("/files/report%202026.pdf", "/files/{id}"),
    ("/orders/123e4567-e89b-12d3-a456-426614174000", "/orders/{id}"),
    ("/orders/507f1f77bcf86cd799439011", "/orders/{id}"),
    ("/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/orders/{id}"),
    ("/orders/ORD-2026-000123", "/orders/{id}"),
    ("/orders/a1b2", "/orders/{id}"),
    ("/reset/dGhpcyBpcyBhIHRva2Vu", "/reset/{id}"),
    ("/" + "y" * 32, "/" + "y" * 32),  # letters alone, and not longer than a word can be
    ("/reset/" + "abcdefgh" * 5, "/reset/{id}"),
    ("/blog/2026/11/22/why-we-built-it", "/blog/{id}/{id}/{id}/why-we-built-it"),
    ("/blog/10-tips-for-tables", "/blog/{id}"),
    ("/geo/52.5200,13.4050", "/geo/{id}"),
    ("/date/2026-11-22", "/date/{id}"),
    ("/search;v=2", "/search;v=2"),
    ("/files/a-very-long-name-of-a-thing-that-nobody-types", "/files/{id}"),
    ("/a//b", "/a//b"),
    ("/x" * 100, "/{deep}"),
]


@pytest.mark.parametrize(("path", "template"), GUESSED)
def test_guessing(path, template):
    assert guess_template(path) == template
    assert OperationTable().name("GET", path) == f"GET {template}"


@given(st.integers(0, 10**30).map(str) | st.uuids().map(str) | st.uuids(version=4).map(lambda uuid: uuid.hex))
def test_numbers_and_uuids_are_identifiers(segment):
    assert looks_like_identifier(segment)


@given(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.", max_size=32))
def test_words_are_none(segment):
    assert not looks_like_identifier(segment)


@pytest.mark.parametrize(
    ("segment", "identifier"),
    [
        ("", False),
        ("ab1", True),  # a third of it digits
        ("abc1", False),
        ("abcdefghijklmn1", False),
        ("abcdefghijklmno1", True),  # long, for a word with a digit
        ("y" * 32, False),
        ("y" * 33, True),
        ("-" * 40, False),
        ("-" * 41, True),
        ("v7", False),
        ("v", False),
        ("v7b", True),
    ],
)
def test_the_borders_of_guessing(segment, identifier):
    assert looks_like_identifier(segment) is identifier


def test_how_deep_a_guess_goes():
    assert guess_template("/a" * 31) == "/a" * 31
    assert guess_template("/a" * 32) == "/{deep}"


def test_a_template_as_deep_as_names_go():
    table = OperationTable(["GET " + "/{x}" * 32, "GET " + "/{x}" * 33])
    assert table.matches("GET", "/a" * 32)
    assert table.matches("GET", "/a" * 33)
    assert not table.matches("GET", "/a" * 34)


def test_a_scanner_cannot_make_names_without_end():
    """Names are labels of metrics and parts of limits: a scan of random paths and methods must not fill the memory."""
    table = OperationTable(["GET /orders/{id}"])
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b + c for a in letters for b in letters for c in letters]
    names = {table.name("GET", f"/{word}") for word in words}
    names |= {table.name(word.upper(), f"/{word}/x") for word in words}
    names |= {table.name("GET", "/" + "/".join(words[:count])) for count in range(200)}
    names |= {table.name("GET", "/" + "y" * count) for count in range(2000)}
    assert len(names) <= 500 + 9 + 1
    assert "GET {other}" in names
    assert "_OTHER {other}" in names
    assert table.name("GET", "/orders/7") == "GET /orders/{id}"
    assert len(table._names) <= 4096
    assert max(len(path) for _, path in table._names) <= 512


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60), st.text("/a1{}*%.", max_size=60))
def test_any_request_has_a_name(method, rest):
    name = OperationTable(STATED).name(method, f"/{rest}")
    assert name.partition(" ")[0] in {"*", "_OTHER", method}
    assert len(name) < 600


def test_a_description_names_what_is_not_stated():
    names = {("GET", "/reports/7.json"): "GET /reports/{id}.json", ("GET", "/orders/7"): "GET /orders/{id}"}
    table = OperationTable(["GET /orders/{order}"], lambda method, path: names.get((method, path)))
    assert table.name("GET", "/reports/7.json") == "GET /reports/{id}.json"
    assert table.name("GET", "/orders/7") == "GET /orders/{order}"
    assert table.name("GET", "/users/7") == "GET /users/{id}"
    assert not table.matches("GET", "/reports/7.json")
