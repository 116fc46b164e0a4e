"""Swagger 2.0 and OpenAPI 3.0 as 3.1: schemas, parameters, bodies, security, and where all of it was written."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from stockade.openapi.pointers import parse_pointer, pointer
from tests.openapi.description.conftest import describe_files, problems_of, schemas_of, whole, with_schemas

BINARY = "application/octet-stream"

# What version 3.0 (and 2.0) wrote, and what that is in JSON Schema 2020-12.
SCHEMAS: list[tuple[str, Any, Any]] = [
    ("nullable", {"type": "string", "nullable": True}, {"type": ["string", "null"]}),
    ("not-nullable", {"type": "string", "nullable": False}, {"type": "string"}),
    ("nullable-without-type", {"nullable": True, "minLength": 1}, {"minLength": 1}),
    ("x-nullable", {"type": "string", "x-nullable": True}, {"type": ["string", "null"]}),
    ("list-of-types", {"type": ["string"], "nullable": True}, {"type": ["string", "null"]}),
    ("null-twice", {"type": ["string", "null"], "nullable": True}, {"type": ["string", "null"]}),
    ("above", {"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
    ("from", {"minimum": 1, "exclusiveMinimum": False}, {"minimum": 1}),
    ("below", {"maximum": 2.5, "exclusiveMaximum": True}, {"exclusiveMaximum": 2.5}),
    ("above-nothing", {"exclusiveMinimum": True}, {}),
    ("new-bound", {"exclusiveMinimum": 3}, {"exclusiveMinimum": 3}),
    ("example", {"example": None}, {"examples": [None]}),
    ("byte", {"type": "string", "format": "byte"}, {"type": "string", "contentEncoding": "base64"}),
    ("binary", {"type": "string", "format": "binary"}, {"type": "string", "contentMediaType": BINARY}),
    ("other-format", {"type": "string", "format": "uuid"}, {"type": "string", "format": "uuid"}),
    ("read-only", {"type": "string", "readOnly": True}, {"type": "string", "readOnly": True}),
    (
        "inside",
        {"items": {"allOf": [{"type": "number", "nullable": True}]}},
        {"items": {"allOf": [{"type": ["number", "null"]}]}},
    ),
    (
        "property-nullable",
        {"properties": {"nullable": {"type": "string"}}},
        {"properties": {"nullable": {"type": "string"}}},
    ),
    ("in-enum", {"enum": [{"nullable": True}]}, {"enum": [{"nullable": True}]}),
    ("any-of-not", {"not": {"type": "string", "nullable": True}}, {"not": {"type": ["string", "null"]}}),
    ("required-flag", {"type": "string", "required": True}, {"type": "string", "required": []}),
]


@pytest.mark.parametrize("version", ["2.0", "3.0.3"])
@pytest.mark.parametrize(("old", "new"), [row[1:] for row in SCHEMAS], ids=[row[0] for row in SCHEMAS])
def test_schemas(version: str, old: Any, new: Any) -> None:
    made = schemas_of(describe_files({"openapi.json": with_schemas(version, A=old)}))["A"]
    assert made == new
    jsonschema.Draft202012Validator.check_schema(made)


def test_what_stands_beside_a_reference() -> None:
    schemas = {"A": {"$ref": "#/components/schemas/B", "maxLength": 3, "description": "d"}, "B": {"type": "string"}}
    new = describe_files({"openapi.json": with_schemas("3.1.0", **schemas)})
    assert schemas_of(new)["A"] == {"$ref": "#/components/schemas/B", "maxLength": 3, "description": "d"}
    assert new.partial == ()
    old = describe_files({"openapi.json": with_schemas("3.0.0", **schemas)})
    assert schemas_of(old)["A"] == {"$ref": "#/components/schemas/B"}
    (remark,) = old.partial
    assert "maxLength beside $ref says nothing in OpenAPI 3.0" in remark.text


def test_what_3_1_no_longer_has() -> None:
    (problem,) = problems_of({"openapi.json": with_schemas(A={"minimum": 1, "exclusiveMinimum": True})})
    assert "must be a number since OpenAPI 3.1" in problem
    (remark,) = describe_files({"openapi.json": with_schemas(A={"type": "string", "nullable": True})}).partial
    assert "nullable says nothing since OpenAPI 3.1" in remark.text
    for version in ("3.0.0", "3.1.0"):
        (problem,) = problems_of({"openapi.json": with_schemas(version, A={"type": "file"})})
        assert "type: file is Swagger 2.0" in problem


def operation_of(listed: list[Any], **options: Any) -> dict[str, Any]:
    """What one Swagger 2.0 operation with these parameters becomes; options: of the whole description."""
    document = whole({"/a": {"post": {"parameters": listed}}}, version="2.0", **options)
    made: dict[str, Any] = describe_files({"openapi.json": document}).document["paths"]["/a"]["post"]
    return made


QUERY = {"name": "q", "in": "query"}
LIST = {"type": "array", "items": {"type": "integer"}}
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"

PARAMETERS: list[tuple[str, Any, Any]] = [
    ("plain", {**QUERY, "type": "string", "maxLength": 3}, {**QUERY, "schema": {"type": "string", "maxLength": 3}}),
    (
        "required",
        {**QUERY, "type": "string", "required": True},
        {**QUERY, "required": True, "schema": {"type": "string"}},
    ),
    ("csv", {**QUERY, **LIST}, {**QUERY, "style": "form", "explode": False, "schema": LIST}),
    (
        "multi",
        {**QUERY, **LIST, "collectionFormat": "multi"},
        {**QUERY, "style": "form", "explode": True, "schema": LIST},
    ),
    (
        "ssv",
        {**QUERY, **LIST, "collectionFormat": "ssv"},
        {**QUERY, "style": "spaceDelimited", "explode": False, "schema": LIST},
    ),
    (
        "pipes",
        {**QUERY, **LIST, "collectionFormat": "pipes"},
        {**QUERY, "style": "pipeDelimited", "explode": False, "schema": LIST},
    ),
    ("tsv", {**QUERY, **LIST, "collectionFormat": "tsv"}, {**QUERY, "schema": {"type": "string"}}),
    ("nested", {**QUERY, "type": "array", "items": LIST}, {**QUERY, "schema": {"type": "string"}}),
    (
        "header",
        {"name": "x-a", "in": "header", **LIST},
        {"name": "x-a", "in": "header", "style": "simple", "explode": False, "schema": LIST},
    ),
    (
        "bounds",
        {**QUERY, "type": "integer", "minimum": 0, "exclusiveMinimum": True, "enum": [1, 2], "default": 1},
        {**QUERY, "schema": {"type": "integer", "exclusiveMinimum": 0, "enum": [1, 2], "default": 1}},
    ),
    (
        "empty",
        {**QUERY, "type": "string", "allowEmptyValue": True},
        {**QUERY, "allowEmptyValue": True, "schema": {"type": "string"}},
    ),
]


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in PARAMETERS], ids=[row[0] for row in PARAMETERS])
def test_parameters(old: Any, new: Any) -> None:
    made = operation_of([old])
    assert made["parameters"] == [new]
    assert "requestBody" not in made


def test_lists_that_cannot_be_said_are_told() -> None:
    document = whole({"/a": {"get": {"parameters": [{**QUERY, **LIST, "collectionFormat": "tsv"}]}}}, version="2.0")
    (remark,) = describe_files({"openapi.json": document}).partial
    assert "a list as tsv (in query, or within another) is read as one text" in remark.text


BODY = {"name": "b", "in": "body", "required": True, "schema": {"type": "object"}}
FIELD = {"name": "f", "in": "formData", "type": "string", "required": True}
FILE = {"name": "u", "in": "formData", "type": "file"}
TEXT_AND_FILE = {
    "type": "object",
    "properties": {"f": {"type": "string"}, "u": {"type": "string", "contentMediaType": BINARY}},
    "required": ["f"],
}

OBJECT = {"schema": {"type": "object"}}
TEXT_ALONE = {"type": "object", "properties": {"f": {"type": "string"}}, "required": ["f"]}
MANY = {"name": "l", "in": "formData", **LIST, "collectionFormat": "multi"}
MANY_MADE = {
    "schema": {"type": "object", "properties": {"l": LIST}},
    "encoding": {"l": {"style": "form", "explode": True}},
}
BOTH = {PARTS: {"schema": TEXT_AND_FILE}, FORM: {"schema": TEXT_AND_FILE}}

BODIES: list[tuple[str, list[Any], list[str], Any]] = [
    ("body", [BODY], ["application/json"], {"content": {"application/json": OBJECT}, "required": True}),
    ("any-type", [BODY], [], {"content": {"application/json": OBJECT, "*/*": OBJECT}, "required": True}),
    ("two-types", [BODY], ["a/b", "c/d"], {"content": {"a/b": OBJECT, "c/d": OBJECT}, "required": True}),
    ("form", [FIELD], [], {"content": {FORM: {"schema": TEXT_ALONE}}, "required": True}),
    ("parts", [FIELD, FILE], [], {"content": {PARTS: {"schema": TEXT_AND_FILE}}, "required": True}),
    ("both", [FIELD, FILE], [PARTS, FORM, "text/plain"], {"content": BOTH, "required": True}),
    ("list", [MANY], [], {"content": {FORM: MANY_MADE}, "required": False}),
]


@pytest.mark.parametrize(("old", "consumes", "new"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_bodies(old: list[Any], consumes: list[str], new: Any) -> None:
    assert operation_of(old, consumes=consumes)["requestBody"] == new
    shared = {part["name"]: part for part in old}
    named = [{"$ref": f"#/parameters/{name}"} for name in shared]
    assert operation_of(named, consumes=consumes, parameters=shared)["requestBody"] == new


def test_what_a_path_item_says_of_bodies_is_each_operations() -> None:
    item = {
        "parameters": [BODY, {**QUERY, "type": "string"}],
        "post": {},
        "put": {"parameters": [{**BODY, "required": False}]},
    }
    made = describe_files({"openapi.json": whole({"/a": item}, version="2.0")}).document["paths"]["/a"]
    assert made["post"]["requestBody"]["required"] is True
    assert made["put"]["requestBody"]["required"] is False
    assert [part["name"] for part in made["parameters"]] == ["q"]


def test_responses_and_headers() -> None:
    responses = {
        "200": {
            "description": "d",
            "schema": {"type": "string", "x-nullable": True},
            "headers": {"X-A": {**LIST, "description": "h"}},
        },
        "404": {"$ref": "#/responses/gone"},
        "x-note": 1,
    }
    document = whole(
        {"/a": {"get": {"responses": responses}}},
        version="2.0",
        produces=["application/json"],
        responses={"gone": {"description": "gone", "schema": {}}},
    )
    found = describe_files({"openapi.json": document}).document
    assert found["paths"]["/a"]["get"]["responses"] == {
        "200": {
            "description": "d",
            "content": {"application/json": {"schema": {"type": ["string", "null"]}}},
            "headers": {"X-A": {"description": "h", "schema": LIST}},
        },
        "404": {"$ref": "#/components/responses/gone"},
    }
    assert found["components"]["responses"]["gone"]["content"] == {"application/json": {"schema": {}}}


@pytest.mark.parametrize(
    ("stated", "servers"),
    [
        ({}, ["/"]),
        ({"basePath": "/v2/"}, ["/v2"]),
        ({"host": "h", "basePath": "/v2"}, ["//h/v2"]),
        ({"host": "h:8080", "schemes": ["https", "http"]}, ["https://h:8080", "http://h:8080"]),
    ],
    ids=["nothing", "path", "host", "schemes"],
)
def test_servers(stated: Any, servers: list[str]) -> None:
    made = describe_files({"openapi.json": whole(version="2.0", **stated)}).document["servers"]
    assert [server["url"] for server in made] == servers


def test_security() -> None:
    old = {
        "basic": {"type": "basic"},
        "key": {"type": "apiKey", "in": "query", "name": "k"},
        "code": {
            "type": "oauth2",
            "flow": "accessCode",
            "authorizationUrl": "https://a",
            "tokenUrl": "https://t",
            "scopes": {"r": ""},
        },
        "machine": {"type": "oauth2", "flow": "application", "tokenUrl": "https://t", "scopes": {}},
    }
    document = whole(
        {"/a": {"get": {"security": [{"code": ["r"]}]}}}, version="2.0", securityDefinitions=old, security=[{"key": []}]
    )
    found = describe_files({"openapi.json": document}).document
    flow = {"authorizationUrl": "https://a", "tokenUrl": "https://t", "scopes": {"r": ""}}
    assert found["components"]["securitySchemes"] == {
        "basic": {"type": "http", "scheme": "basic"},
        "key": {"type": "apiKey", "in": "query", "name": "k"},
        "code": {"type": "oauth2", "flows": {"authorizationCode": flow}},
        "machine": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}}},
    }
    assert found["security"] == [{"key": []}]


def test_odd_names_of_definitions_become_good_ones() -> None:
    schemas = {"Page«Pet»": {"items": {"$ref": "#/definitions/a~1b"}}, "a/b": {}, "Page_Pet": {}}
    found = describe_files({"openapi.json": with_schemas("2.0", **schemas)})
    assert schemas_of(found) == {
        "Page_Pet": {},
        "Page_Pet_2": {"items": {"$ref": "#/components/schemas/a_b"}},
        "a_b": {},
    }
    lines = {name: found.where(f"/components/schemas/{name}")[1] for name in schemas_of(found)}
    assert sorted(lines, key=lambda name: lines[name]) == ["Page_Pet_2", "a_b", "Page_Pet"]


SWAGGER = """\
swagger: "2.0"
host: h.example
schemes: [http]
parameters:
  shared: {name: s, in: query, type: string}
  pet:
    name: pet
    in: body
    schema:
      $ref: '#/definitions/Pet'
definitions:
  Pet:
    type: object
    properties:
      name:
        type: string
        x-nullable: true
paths:
  /a:
    post:
      consumes: [application/json]
      parameters:
        - $ref: '#/parameters/pet'
        - $ref: '#/parameters/shared'
        - name: q
          in: query
          type: integer
          maximum: 3
      responses:
        200:
          description: fine
          schema:
            type: string
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("", 1),
        ("/servers/0", 3),
        ("/components/schemas/Pet/properties/name/type", 16),
        ("/components/parameters/shared/schema/type", 5),
        ("/paths/~1a/post/parameters/0", 24),
        ("/paths/~1a/post/parameters/1/name", 25),
        ("/paths/~1a/post/parameters/1/schema/maximum", 28),
        ("/paths/~1a/post/requestBody", 6),
        ("/paths/~1a/post/requestBody/content/application~1json/schema/$ref", 10),
        ("/paths/~1a/post/responses/200/content/*~1*/schema/type", 33),
        ("/nowhere/at/all", 1),
    ],
)
def test_places_of_what_was_moved(place: str, line: int) -> None:
    assert describe_files({"o.yaml": SWAGGER}, "o.yaml").where(place) == ("o.yaml", line)
    assert pointer(parse_pointer(place)) == place


def test_no_pointer() -> None:
    with pytest.raises(ValueError, match="is no JSON pointer"):
        describe_files({"o.yaml": SWAGGER}, "o.yaml").where("paths")
