"""Problem details (RFC 9457)."""

from __future__ import annotations

import json

import pytest

from stockade.wire import problem


def test_a_problem_has_the_members_of_the_standard_and_the_request_id():
    response = problem(403, "Access from this address is refused.", "r-1")
    assert response.status == 403
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "Access from this address is refused.",
        "request_id": "r-1",
    }


def test_a_problem_is_neither_stored_nor_sniffed():
    assert list(problem(500, "x", "r").headers) == [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ]


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (415, "Unsupported Media Type"),
        (429, "Too Many Requests"),
        (503, "Service Unavailable"),
        (599, "Error"),
    ],
)
def test_the_title_is_the_phrase_of_the_status(status, title):
    """RFC 9457, section 4.2.1: with "about:blank" the title should be the status phrase."""
    assert json.loads(problem(status, "x", "r").body)["title"] == title


def test_extension_members_and_headers():
    challenge = ("www-authenticate", "Bearer"), ("www-authenticate", "ApiKey")
    response = problem(401, "x", "r", challenge, fields=["a", "b"])
    assert json.loads(response.body)["fields"] == ["a", "b"]
    assert response.headers.all("www-authenticate") == ["Bearer", "ApiKey"]


def test_a_given_header_stands_in_place_of_the_fixed_one():
    """Two lines of `x-content-type-options` would be read as the one value "nosniff, nosniff"."""
    headers = (("x-content-type-options", "nosniff"), ("cache-control", "private"))
    response = problem(500, "x", "r", headers)
    assert response.headers.get("x-content-type-options") == "nosniff"
    assert response.headers.get("cache-control") == "private"
    assert response.headers.get("content-type") == "application/problem+json"


def test_hostile_text_stays_inside_its_json_string():
    detail = 'a"}, "admin": true, {"\r\n\0é'
    body = json.loads(problem(400, detail, 'r"\n').body)
    assert body["detail"] == detail
    assert body["request_id"] == 'r"\n'
    assert "admin" not in body
