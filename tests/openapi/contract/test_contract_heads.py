"""Operations, parameters, security and dates of a description; what cannot be compiled, what is told to be partial."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.openapi.contract import BadContract, Contract, Match, UnknownPath, WrongMethod
from stockade.openapi.overlay import overlaid
from stockade.wire import EMPTY
from tests.openapi.contract.descriptions import asked, body_of, document_of, found_in, judged, told


def query(schema: Any, name: str = "q", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


# What a text is taken for.

TEXTS = {
    "integer": (
        {"type": "integer"},
        ["0", "-0", "-7", "9" * 20],
        ["", "+1", "01", "1_0", " 1", "1 ", "1.0", "1e3", "٣", "0x1"],
    ),
    "number": (
        {"type": "number"},
        ["1", "-1.5", "1e3", "0.10"],
        [".5", "1.", "1,5", "NaN", "inf", "1e9999", "01.5", "1" * 70],
    ),
    "boolean": ({"type": "boolean"}, ["true", "false"], ["True", "1", "yes", ""]),
    "string": (
        {"type": "string", "minLength": 1},
        ["x", "1", "a%20b", "a+b", "%E2%82%AC"],
        ["", "%", "%f", "%FF", "%00"],
    ),
    "bounds": ({"type": "integer", "minimum": 1, "maximum": 9}, ["1", "9"], ["0", "10"]),
    "nullable": ({"type": ["integer", "null"]}, ["1"], ["null", ""]),
    "any of": ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, ["1"], ["x"]),
    "either": ({"type": ["integer", "string"], "maxLength": 2, "maximum": 500}, ["12", "500", "ab"], ["501", "abc"]),
    "enum of numbers": ({"enum": [1, 2]}, ["1"], ["3", "x"]),
    "enum of both": ({"enum": [1, "1x"]}, ["1", "1x"], ["2"]),
    "anything": ({}, ["1", "x"], ["%"]),
    "list or text": (
        {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"const": "all"}]},
        ["1", "all"],
        ["x"],
    ),
    "uuid": ({"type": "string", "format": "uuid"}, ["0b0f6d3a-6f0e-4f5a-9a53-0d2b1f3c9f10"], ["0b0f6d3a"]),
    "nothing": (False, [], ["", "x"]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_read_strictly(name):
    schema, good, bad = TEXTS[name]
    document = document_of({"parameters": [query(schema)]})
    assert [text for text in good if asked(document, f"q={text}")] == []
    assert [text for text in bad if not asked(document, f"q={text}")] == []


def test_lists_of_either_are_read_as_one_or_the_other():
    document = document_of(
        {"parameters": [query({"type": "array", "items": {"type": ["integer", "string"], "maxLength": 2}})]}
    )
    assert asked(document, "q=1&q=ab") == []
    assert asked(document, "q=1&q=abc") == [("query:q", "maxLength")]


HEADS = {
    # name: (parameters, query, headers, strict, faults)
    "twice": ([query({"type": "integer"})], "q=1&q=2", [], False, [("query:q", "duplicate-parameter")]),
    "missing": ([query({}, required=True)], "", [], False, [("query:q", "required")]),
    "unknown": ([], "x=1&y=2&x=3", [], False, []),
    "unknown, strict": ([], "x=1&y=2", [], True, [("query:x", "unknown-parameter"), ("query:y", "unknown-parameter")]),
    "unknown name that is broken": ([], "%zz=1", [], False, [("query", "encoding")]),
    "known, strict": ([query({}), query({}, "d", style="deepObject")], "q=1&d[a]=2", [], True, []),
    "empty pairs": ([query({"type": "integer"})], "&q=1&&", [], True, []),
    "header": (
        [{"name": "X-Id", "in": "header", "schema": {"type": "integer"}}],
        "",
        [("x-id", "x")],
        False,
        [("header:x-id", "type")],
    ),
    "header twice": (
        [{"name": "X-Id", "in": "header", "schema": {"type": "integer"}}],
        "",
        [("x-id", "1"), ("x-id", "2")],
        False,
        [("header:x-id", "duplicate-parameter")],
    ),
    "header list in two lines": (
        [{"name": "X-Id", "in": "header", "schema": {"type": "array", "items": {"type": "integer"}}}],
        "",
        [("x-id", "1, 2"), ("x-id", "3")],
        False,
        [],
    ),
    "header missing": (
        [{"name": "X-Id", "in": "header", "required": True}],
        "",
        [],
        False,
        [("header:x-id", "required")],
    ),
    "headers that are none": ([{"name": "Accept", "in": "header", "schema": False}], "", [("accept", "x")], False, []),
    "override": ([], "", [("x-http-method-override", "PUT")], False, []),
    "override, strict": (
        [],
        "",
        [("x-http-method-override", "PUT")],
        True,
        [("header:x-http-method-override", "unknown-parameter")],
    ),
    "override, described": (
        [{"name": "X-HTTP-Method-Override", "in": "header", "schema": {"enum": ["PATCH"]}}],
        "",
        [("x-http-method-override", "PUT")],
        True,
        [("header:x-http-method-override", "enum")],
    ),
    "cookie": ([{"name": "s", "in": "cookie", "schema": {"type": "integer"}}], "", [("cookie", "a=b; s=1")], True, []),
    "cookie twice": (
        [{"name": "s", "in": "cookie", "schema": {"type": "integer"}}],
        "",
        [("cookie", "s=1; s=2")],
        False,
        [("cookie:s", "duplicate-parameter")],
    ),
    "cookie in two fields": (
        [{"name": "s", "in": "cookie", "schema": {"type": "integer"}}],
        "",
        [("cookie", "s=1"), ("cookie", "s=2")],
        False,
        [("cookie:s", "duplicate-parameter")],
    ),
    "cookie missing": ([{"name": "s", "in": "cookie", "required": True}], "", [], False, [("cookie:s", "required")]),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads(name):
    parameters, text, headers, strict, faults = HEADS[name]
    assert asked(document_of({"parameters": parameters}), text, headers, strict=strict) == faults


def test_parameters_of_the_path_hold_for_all_its_operations_and_yield_to_theirs():
    item = {
        "parameters": [query({"type": "integer"}), query({"type": "integer"}, "p")],
        "get": {"parameters": [query({"type": "boolean"})]},
    }
    contract = Contract.compile({"paths": {"/x": item}})
    assert found_in(contract, "GET").check_head("q=true&p=1", EMPTY) == ()
    assert [fault.where for fault in found_in(contract, "GET").check_head("q=1&p=x", EMPTY)] == ["query:q", "query:p"]


# Which operation.

SERVED = {
    "servers": [
        {"url": "https://{host}.example/{base}/", "variables": {"host": {"default": "a"}, "base": {"default": "v1"}}}
    ],
    "paths": {
        "/orders": {"get": {}, "post": {}},
        "/orders/{id}": {
            "delete": {},
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
        },
        "/probe": {"options": {}},
    },
}


def test_matching():
    contract = Contract.compile(SERVED)
    assert [operation.name for operation in contract.operations] == [
        "GET /v1/orders",
        "POST /v1/orders",
        "DELETE /v1/orders/{id}",
        "OPTIONS /v1/probe",
    ]
    assert isinstance(contract.match("HEAD", "/v1/orders"), Match)
    assert isinstance(contract.match("OPTIONS", "/v1/probe"), Match)
    assert contract.match("PUT", "/v1/orders") == WrongMethod("GET, HEAD, POST")
    assert contract.match("GET", "/v1/orders/7") == WrongMethod("DELETE")
    assert contract.match("GET", "/orders") == UnknownPath()


@pytest.mark.parametrize(
    ("url", "base"),
    [("https://a.example", ""), ("/v2/", "/v2"), ("https://a.example/{x}", ""), ("v1", ""), ("http://[", "")],
)
def test_base_paths(url, base):
    (operation,) = Contract.compile({"servers": [{"url": url}], "paths": {"/x": {"get": {}}}}).operations
    assert operation.name == f"GET {base}/x"


# Security, dates.


def test_security_is_data_and_scopes_are_asked_for():
    document = {
        "security": [{"oauth": ["read"]}],
        "paths": {
            "/x": {
                "get": {},
                "post": {"security": [{"oauth": ["read", "write"]}, {"key": []}]},
                "put": {"security": []},
                "delete": {"security": [{"oauth": ["admin"], "key": []}]},
            }
        },
    }
    get, put, post, delete = Contract.compile(document).operations
    assert get.security == ((("oauth", frozenset({"read"})),),)
    assert put.security == ()
    assert [one.permits(frozenset({"read"})) for one in (get, put, post, delete)] == [True, True, True, False]
    assert not get.permits(frozenset())
    assert delete.permits(frozenset({"admin", "other"}))


DATES: dict[str, tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = {
    "not deprecated": ({}, ()),
    "deprecated": ({"deprecated": True}, (("deprecation", "@0"),)),
    "since": ({"deprecated": True, "x-deprecated-since": "2025-01-01"}, (("deprecation", "@1735689600"),)),
    "sunset": ({"x-sunset": "2027-01-31"}, (("sunset", "Sun, 31 Jan 2027 00:00:00 GMT"),)),
    "sunset at": ({"x-sunset": "2027-01-31T01:30:00+01:00"}, (("sunset", "Sun, 31 Jan 2027 00:30:00 GMT"),)),
}


@pytest.mark.parametrize("name", DATES)
def test_dates(name):
    raw, fields = DATES[name]
    (operation,) = Contract.compile(document_of(raw)).operations
    assert operation.lifetime == fields


# What cannot be compiled, and what is not enforced.

BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a schema of no type": (document_of(body_of({"type": "strnig"})), "/paths/~1x/post/requestBody"),
    "a reference to nowhere": (
        document_of(body_of({"$ref": "#/components/schemas/No"})),
        "/paths/~1x/post/requestBody",
    ),
    "a parameter without a name": (document_of({"parameters": [{"in": "query"}]}), "/paths/~1x/post/parameters/0"),
    "a style of another place": (
        document_of({"parameters": [query({}, style="matrix")]}),
        "/paths/~1x/post/parameters/0",
    ),
    "a date that is none": (document_of({"x-sunset": "soon"}), "/paths/~1x/post"),
    "a path": ({"paths": {"/{a}{b}": {"get": {}}}}, "/paths/~1{a}{b}"),
    "a parameter of no path": (
        document_of({"parameters": [{"name": "id", "in": "path", "required": True}]}),
        "/paths/~1x/post",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_compiled_is_refused_with_its_place(name):
    document, pointer = BROKEN[name]
    with pytest.raises(BadContract) as error:
        Contract.compile(document)
    assert [trouble.pointer.startswith(pointer) for trouble in error.value.troubles] == [True]


def test_all_troubles_are_told_at_once():
    document = {"paths": {"/{a}{b}": {"get": {}}, "/x": {"get": {"x-sunset": "soon", "parameters": [{"in": "body"}]}}}}
    with pytest.raises(BadContract) as error:
        Contract.compile(document)
    assert len(error.value.troubles) == 3


PARTIAL: dict[str, tuple[dict[str, Any], str, bytes]] = {
    "look-ahead": (body_of({"pattern": "^(?=a)"}), "/pattern", b'"b"'),
    "back-reference": (body_of({"pattern": "^(a)\\1$"}), "/pattern", b'"b"'),
    "pattern of names": (
        body_of({"patternProperties": {"^(?!a)": {"type": "integer"}}, "additionalProperties": False}),
        "/patternProperties",
        b'{"b": "c"}',
    ),
    "format": (body_of({"format": "iban"}), "/format", b'"b"'),
    "regex": (body_of({"format": "regex"}), "/format", b'"("'),
    "content": (body_of({"contentSchema": {}}), "/contentSchema", b'"b"'),
    "discriminator alone": (body_of({"discriminator": {"propertyName": "a"}}), "/discriminator", b"{}"),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_what_is_not_enforced_is_told(name):
    operation, ending, data = PARTIAL[name]
    (trouble,) = Contract.compile(document_of(operation)).partial
    assert trouble.pointer == f"/paths/~1x/post/requestBody/content/application~1json/schema{ending}"
    assert judged(document_of(operation), data) == ()


# Schemas of the policy.


def test_a_schema_of_the_policy_alone():
    document = overlaid(None, {"POST /x": {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}}})
    assert told(judged(document, b'"x"', strict=True)) == [("", "type")]
    assert asked(document, "any=1", strict=True) == []  # of its parameters nothing is said


def test_a_schema_of_the_policy_beside_the_descriptions():
    document = {"servers": [{"url": "/v1"}], **document_of(body_of({"required": ["a"]}))}
    both = Contract.compile(overlaid(document, {"POST /v1/x": {"required": ["b"]}}))
    check = found_in(both, path="/v1/x").operation.check_body
    assert told(check("application/json", b"{}")) == [("", "required"), ("", "required")]
    assert "x-policy-0" not in document["components"]["schemas"]
