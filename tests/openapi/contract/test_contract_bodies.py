"""Bodies against their schemas: JSON, forms, multipart, text; directions, closing, discriminators."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.openapi.contract import Contract
from stockade.openapi.schemas.checking import Schemas
from tests.openapi.contract.descriptions import JSON, body_of, document_of, found_in, judged, told

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"

ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "count": {"type": "integer", "format": "int32", "minimum": 1},
        "note": {"type": ["string", "null"], "maxLength": 5},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
        "secret": {"type": "string", "writeOnly": True},
    },
    "required": ["id", "count"],
}
LINE = {"type": "object", "properties": {"sku": {"type": "string", "format": "uuid"}}, "required": ["sku"]}
UUID = "0b0f6d3a-6f0e-4f5a-9a53-0d2b1f3c9f10"
SCHEMAS = {"Order": ORDER, "Line": LINE}

JSON_BODIES: dict[str, tuple[Any, list[tuple[str, str]], list[tuple[str, str]]]] = {
    # name: (value, faults, faults when strict)
    "good": ({"count": 1}, [], []),
    "nullable": ({"count": 1, "note": None}, [], []),
    "read-only is not required, and refused": ({"count": 1, "id": 3}, [("/id", "read-only")], [("/id", "read-only")]),
    "write-only may be sent": ({"count": 1, "secret": "s"}, [], []),
    "missing": ({}, [("", "required")], [("", "required")]),
    "type": ({"count": "1"}, [("/count", "type")], [("/count", "type")]),
    "beyond int32": ({"count": 2**31}, [("/count", "maximum")], [("/count", "maximum")]),
    "several": (
        {"count": 0, "note": "too long", "lines": [{"sku": UUID}, {"sku": "x"}, {}]},
        [("/count", "minimum"), ("/lines/1/sku", "format"), ("/lines/2", "required"), ("/note", "maxLength")],
        [("/count", "minimum"), ("/lines/1/sku", "format"), ("/lines/2", "required"), ("/note", "maxLength")],
    ),
    "unknown property": ({"count": 1, "role": "admin"}, [], [("", "unknown-property")]),
    "unknown property within": (
        {"count": 1, "lines": [{"sku": UUID, "price": 0}]},
        [],
        [("/lines/0", "unknown-property")],
    ),
    "not an object": ([1], [("", "type")], [("", "type")]),
}


@pytest.mark.parametrize("name", JSON_BODIES)
def test_json(name):
    value, faults, strict = JSON_BODIES[name]
    document = document_of(body_of({"$ref": "#/components/schemas/Order"}), SCHEMAS)
    data = json.dumps(value).encode()
    assert sorted(told(judged(document, data))) == faults
    assert sorted(told(judged(document, data, strict=True))) == strict


RAW = {
    "empty": (b"", "required"),
    "no json": (b"{count}", "syntax"),
    "a name twice": (b'{"count": 1, "count": 2}', "duplicate-name"),
    "deep": (b"[" * 60 + b"]" * 60, "depth"),
}


@pytest.mark.parametrize("name", RAW)
def test_what_is_no_json_is_refused_by_its_structure(name):
    data, rule = RAW[name]
    document = document_of(body_of({"$ref": "#/components/schemas/Order"}), SCHEMAS)
    assert told(judged(document, data))[0][1] == rule


def test_write_only_is_refused_in_responses():
    checker = Schemas({"components": {"schemas": SCHEMAS}}, "response", strict=False).checker(
        {"$ref": "#/components/schemas/Order"}, ""
    )
    assert checker.valid({"id": 1, "count": 2})
    assert told(checker.faults({"id": 1, "count": 2, "secret": "s"}, "body")) == [("/secret", "write-only")]


def test_messages_hold_no_value():
    document = document_of(body_of({"properties": {"a": {"type": "integer"}, "b": {"enum": ["x"]}}}))
    (one, other) = judged(document, b'{"a": "hunter2", "b": "hunter2"}')
    assert "hunter2" not in one.message + other.message


def test_a_thousand_errors_are_cut():
    document = document_of(body_of({"items": {"type": "integer"}}))
    assert len(judged(document, json.dumps(["x"] * 1000).encode())) == 20
    assert len(judged(document, json.dumps(["x"] * 9000).encode())) == 1  # of a large body the first alone


# Closing.

OPEN_ENDED = {
    "a map stays one": ({"type": "object"}, {"a": 1}, True),
    "a map of numbers": ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, True),
    "said to be open": ({"properties": {"a": {}}, "additionalProperties": True}, {"b": 1}, True),
    "closed": ({"properties": {"a": {}}}, {"b": 1}, False),
    "by pattern": ({"properties": {"a": {}}, "patternProperties": {"^x-": {}}}, {"x-b": 1}, True),
    "by pattern, another": ({"properties": {"a": {}}, "patternProperties": {"^x-": {}}}, {"b": 1}, False),
    "all of": ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"a": 1, "b": 1}, True),
    "all of, another": ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"c": 1}, False),
    "any of": ({"anyOf": [{"properties": {"a": {}}}, {"type": "null"}]}, {"b": 1}, False),
    "any of a map": ({"anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"type": "object"}]}, {"b": 1}, True),
    "then": (
        {"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"properties": {"b": {}}}},
        {"a": 1, "b": 1},
        True,
    ),
}


@pytest.mark.parametrize("name", OPEN_ENDED)
def test_strict_closes_what_names_its_properties(name):
    schema, value, good = OPEN_ENDED[name]
    assert (judged(document_of(body_of(schema)), json.dumps(value).encode(), strict=True) == ()) is good


# Discriminators.

PETS = {
    "Cat": {
        "type": "object",
        "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
        "required": ["kind", "lives"],
    },
    "Dog": {
        "type": "object",
        "properties": {"kind": {"enum": ["dog", "hound"]}, "tail": {"type": "string"}},
        "required": ["kind", "tail"],
    },
}
PET = {
    "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
    "discriminator": {
        "propertyName": "kind",
        "mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog", "hound": "#/components/schemas/Dog"},
    },
}
LOOSE = {
    "oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}],
    "discriminator": {"propertyName": "kind"},
}
LOOSE_SCHEMAS = {
    "A": {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "a": {"type": "integer"}},
        "required": ["kind", "a"],
    },
    "B": {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["kind", "b"],
    },
}
CHOICES = {
    "the cat": (PET, PETS, {"kind": "cat", "lives": 9}, []),
    "a hound": (PET, PETS, {"kind": "hound", "tail": "long"}, []),
    "errors of the chosen one alone": (PET, PETS, {"kind": "cat", "tail": 3}, [("", "required")]),
    "an unknown one": (PET, PETS, {"kind": "bird"}, [("/kind", "enum")]),
    "none": (PET, PETS, {"lives": 9}, [("", "required")]),
    "no text": (PET, PETS, {"kind": 3}, [("/kind", "enum")]),
    "by name": (LOOSE, LOOSE_SCHEMAS, {"kind": "A", "a": 1}, []),
    "the property says B, the value is an A": (LOOSE, LOOSE_SCHEMAS, {"kind": "B", "a": 1}, [("", "required")]),
    "both fit, so one does not": (LOOSE, LOOSE_SCHEMAS, {"kind": "B", "a": 1, "b": 1}, [("", "oneOf")]),
}


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("strict", [False, True])
def test_discriminators(name, strict):
    schema, schemas, value, faults = CHOICES[name]
    found = told(judged(document_of(body_of(schema), schemas), json.dumps(value).encode(), strict=strict))
    assert (set(found) >= set(faults)) if strict else (found == faults)
    assert bool(found) == bool(faults)


# Forms.

FIELDS = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}},
        "ids": {"type": "array", "items": {"type": "integer"}},
        "place": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        "deep": {"type": "object", "properties": {"x": {"type": "integer"}}},
        "either": {"type": ["integer", "string"], "maxLength": 2},
    },
    "required": ["count"],
}
ENCODING = {"ids": {"style": "form", "explode": False}, "deep": {"style": "deepObject", "explode": True}}
FORMS = {
    "good": (b"count=1&ok=true&tags=a&tags=b&ids=1,2&place=%7B%22x%22:1%7D&deep%5Bx%5D=3", []),
    "one tag": (b"count=1&tags=a", []),
    "either": (b"count=1&either=12", []),
    "either as text": (b"count=1&either=ab", []),
    "either, too long a text": (b"count=1&either=abc", [("/either", "maxLength")]),
    "missing": (b"ok=true", [("", "required")]),
    "twice": (b"count=1&count=2", [("/count", "duplicate-field")]),
    "type": (b"count=1_000", [("/count", "type")]),
    "item": (b"count=1&tags=a&tags=long", [("/tags/1", "maxLength")]),
    "delimited": (b"count=1&ids=1,x", [("/ids/1", "type")]),
    "json within": (b"count=1&place=%7B%7D", [("/place", "required")]),
    "no json within": (b"count=1&place=x", [("/place", "syntax")]),
    "deep": (b"count=1&deep[x]=y", [("/deep/x", "type")]),
    "unknown": (b"count=1&admin=1", []),
    "structure": (b"count=1&&", [("", "form-pair"), ("", "form-pair")]),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name):
    data, faults = FORMS[name]
    assert told(judged(document_of(body_of(FIELDS, FORM, encoding=ENCODING)), data, FORM)) == faults


def test_strict_forms_take_no_other_field():
    document = document_of(body_of(FIELDS, FORM, encoding=ENCODING))
    assert told(judged(document, b"count=1&admin=1", FORM, strict=True)) == [("", "unknown-property")]


def part(name: str, content: str, *headers: str, filename: str | None = None) -> str:
    file = f'; filename="{filename}"' if filename is not None else ""
    head = "\r\n".join([f'Content-Disposition: form-data; name="{name}"{file}', *headers])
    return f"--b\r\n{head}\r\n\r\n{content}\r\n"


UPLOAD = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "place": {"type": "object", "properties": {"x": {"type": "integer"}}},
        "file": {"type": "string", "format": "binary", "maxLength": 8},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["count"],
}
ACCEPTED = {"file": {"contentType": "text/plain, text/csv"}}
MULTIPART = {
    "good": ([part("count", "1"), part("file", "a,b\n", "Content-Type: text/csv", filename="a.csv")], []),
    "json part": ([part("count", "1"), part("place", '{"x": 1}', "Content-Type: application/json")], []),
    "json part without a type": ([part("count", "1"), part("place", '{"x": 1}')], []),
    "bad json part": ([part("count", "1"), part("place", '{"x": "y"}')], [("/place/x", "type")]),
    "repeated": ([part("count", "1"), part("tags", "a"), part("tags", "b")], []),
    "twice": ([part("count", "1"), part("count", "2")], [("/count", "duplicate-field")]),
    "missing": ([part("tags", "a")], [("", "required")]),
    "too long a file": (
        [part("count", "1"), part("file", "a,b,c,d,e\n", "Content-Type: text/csv", filename="a.csv")],
        [("/file", "maxLength")],
    ),
    "wrong type of file": (
        [part("count", "1"), part("file", "{}", "Content-Type: application/json", filename="a.json")],
        [("/file", "media-type")],
    ),
}


@pytest.mark.parametrize("name", MULTIPART)
def test_multipart(name):
    parts, faults = MULTIPART[name]
    data = ("".join(parts) + "--b--\r\n").encode()
    assert told(judged(document_of(body_of(UPLOAD, "multipart/form-data", encoding=ACCEPTED)), data, PARTS)) == faults


# Other types.

OTHERS = {
    "text": ("text/plain", {"type": "string", "maxLength": 3}, "text/plain", b"abcd", [("", "maxLength")]),
    "a number as text": ("text/plain", {"type": "integer"}, "text/plain; charset=utf-8", b"12", []),
    "no number": ("text/plain", {"type": "integer"}, "text/plain", b"1 ", [("", "type")]),
    "not UTF-8": ("text/plain", {"type": "string"}, "text/plain", b"\xff", [("", "encoding")]),
    "bytes": (
        "application/octet-stream",
        {"type": "string", "maxLength": 2},
        "application/octet-stream",
        b"\xff\0",
        [],
    ),
    "too many bytes": ("image/png", {"type": "string", "maxLength": 2}, "image/png", b"\xff\0\0", [("", "maxLength")]),
    "any of a kind": ("image/*", {}, "image/png", b"\xff", []),
    "json of a kind": ("application/*+json", {"type": "object"}, "application/json", b"{}", [("", "media-type")]),
    "a suffix": ("application/vnd.x+json", {"type": "object"}, "application/vnd.x+json", b"[]", [("", "type")]),
    "xml is held to its structure": (
        "application/xml",
        {},
        "application/xml",
        b"<!DOCTYPE a><a/>",
        [("", "document-type")],
    ),
    "exact before range": ("application/*", {}, "application/json", b"{", [("", "syntax")]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_types(name):
    described, schema, kind, data, faults = OTHERS[name]
    assert told(judged(document_of(body_of(schema, described)), data, kind)) == faults


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (JSON, True),
        ("Application/JSON; charset=UTF-8", True),
        ("application/json; charset=utf-16", False),
        ("application/json, text/plain", False),
        ("text/plain", False),
        ("application", False),
        (None, False),
    ],
)
def test_media_types(kind, good):
    body = found_in(Contract.compile(document_of(body_of({})))).operation.body
    assert body is not None
    assert body.accepts(kind) is good


ENCODED: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "byte": ({"format": "byte"}, ["", "YQ==", "YWI=", "YWJj"], ["YQ", "YQ=", "Y!==", "YQ==\n"]),
    "base64": ({"contentEncoding": "base64"}, ["YWJj"], ["YWJ"]),
    "base64 of a PNG": (
        {"contentEncoding": "base64", "contentMediaType": "image/png"},
        ["iVBORw0KGgo=", "iVBORw0KGgoAAAAN", "iVBORw0KGgqA"],
        ["YWJj", "iVBORw0K", "aVBORw0KGgo=", "<svg/onload=alert(1)>", "iVBORw0KGgo='or'1"],
    ),
    "base64 of what nobody knows": ({"contentEncoding": "base64", "contentMediaType": "text/x"}, ["YWJj"], ["YWJ"]),
    "base64url": ({"contentEncoding": "base64url"}, ["YQ", "YQ==", "-_-_"], ["a+b/"]),
    "base16": ({"contentEncoding": "base16"}, ["00fF"], ["0", "0g"]),
    "int8": ({"format": "int8"}, [-128, 127, "x"], [128, -129]),
    "int64": ({"type": "integer", "format": "int64"}, [2**53 - 1], [1.5]),
    "float": ({"type": "number", "format": "float"}, [3.4e38], [3.5e38]),
    "with bounds of its own": ({"type": "integer", "format": "int8", "minimum": 0}, [0], [-1]),
    "with a pattern of its own": ({"format": "byte", "pattern": "^Y"}, ["YQ=="], ["ZQ==", "Y"]),
    "email": ({"format": "email"}, ["a@example.com"], ["a", "A <a@example.com>"]),
    "ipv4": ({"format": "ipv4"}, ["192.0.2.1"], ["192.0.2.01", "192.0.2.1/24"]),
    "uri": ({"format": "uri"}, ["https://example.com/?q=1"], ["/relative"]),
}


@pytest.mark.parametrize("name", ENCODED)
def test_formats_and_encodings(name):
    schema, good, bad = ENCODED[name]
    document = document_of(body_of(schema))
    assert [value for value in good if judged(document, json.dumps(value).encode())] == []
    assert [value for value in bad if not judged(document, json.dumps(value).encode())] == []
