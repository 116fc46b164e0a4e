"""What a description may not say of itself, all told at once, each with its line; and what is said but not enforced."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.openapi.reading import BadDescription
from tests.openapi.description.conftest import describe_files, problems_of, schemas_of, whole

HEAD = 'openapi: 3.0.3\ninfo: {title: t, version: "1"}\n'

# A description from its third line on, and what is wrong with it: line, text.
WRONG: dict[str, tuple[str, list[str]]] = {
    "types-of-fields": (
        """\
servers: [{url: 5}, odd]
security: {}
paths:
  /a:
    get:
      operationId: [x]
      deprecated: "yes"
      parameters: {}
      requestBody: odd
      responses: []
    post: odd
    parameters: [7]
""",
        [
            "3: servers[1]: must be a mapping (a server), not 'odd'",
            "3: url: must be text, not 5",
            "4: security: must be a list, not a mapping",
            "8: operationId: must be text, not a list",
            "9: deprecated: must be true or false, not 'yes'",
            "10: parameters: must be a list, not a mapping",
            "11: requestBody: must be a mapping (a request body), not 'odd'",
            "12: responses: must be a mapping, not a list",
            "13: post: must be a mapping (an operation), not 'odd'",
            "14: parameters[0]: must be a mapping (a parameter), not 7",
        ],
    ),
    "parameters": (
        """\
paths:
  /a:
    get:
      parameters:
        - {name: a, in: qurey}
        - {in: query}
        - {name: b, in: query, style: matrix, schema: {}}
        - {name: c, in: query, style: fancy, schema: {}}
        - {name: d, in: query, schema: {}, content: {a/b: {}}}
        - {name: e, in: query, content: {a/b: {}, c/d: {}}}
        - {name: f, in: query, content: {json: {}}}
        - {name: g, in: query, schema: {}}
        - {name: g, in: query, schema: {}}
        - {name: X-H, in: header, schema: {}}
        - {name: x-h, in: header, schema: {}}
        - {name: "", in: query, schema: {}}
""",
        [
            "7: in: 'qurey' is not one of query, header, path, cookie (did you mean 'query'?)",
            "8: name is missing: a parameter must have it",
            "9: a query parameter cannot have the style matrix: form, spaceDelimited, pipeDelimited, deepObject",
            "10: style: 'fancy' is not one of matrix, label, simple, form, spaceDelimited, pipeDelimited, deepObject",
            "11: the parameter 'd' has both schema and content: remove one",
            "12: the parameter 'e' must have one media type in content",
            "13: 'json' is not a media type such as application/json",
            "15: the query parameter 'g' is declared twice: remove one",
            "17: the header parameter 'x-h' is declared twice: remove one",
            "18: a query parameter without a name",
        ],
    ),
    "templates": (
        """\
paths:
  a: {}
  /b/{x}: {get: {}}
  /b/{y}: {get: {parameters: [{name: y, in: path, schema: {}}]}}
  /c/{z: {get: {}}
  /d/z}: {get: {}}
  /e/{}: {get: {}}
  /f/{x}/{x}: {get: {}}
  /g/{x}:
    parameters: [{name: y, in: path, schema: {}}]
    get: {parameters: [{name: x, in: path, schema: {}}]}
    put: {parameters: [{name: z, in: path, schema: {}}]}
  /h:
    get: {parameters: [{name: x, in: path, schema: {}}]}
""",
        [
            "4: the path 'a' must begin with '/'",
            "5: GET does not declare the path parameter 'x': "
            "add {name: x, in: path, required: true, schema: {type: string}} to its parameters",
            "6: '/b/{y}' means the same paths as '/b/{x}' (o.yaml:5), with a method in common: make them one",
            "7: '/c/{z' has a brace that is not closed, or not opened",
            "8: '/d/z}' has a brace that is not closed, or not opened",
            "9: '/e/{}' has a parameter without a name: {}",
            "10: '/f/{x}/{x}' has one parameter twice: give them different names",
            "12: the path has no {y}, which is declared as its parameter; it has x",
            "14: PUT does not declare the path parameter 'x': "
            "add {name: x, in: path, required: true, schema: {type: string}} to its parameters",
            "14: the path has no {z}, which is declared as its parameter; it has x",
            "16: the path has no {x}, which is declared as its parameter",
        ],
    ),
    "operations": (
        """\
paths:
  /a:
    get: {operationId: one, security: [{key: []}, {other: x}]}
    put: {operationId: one, responses: {600: {}, ok: {}, 20x: {}, 4XX: {}, default: {}}}
    post: {requestBody: {}}
    poke: {}
""",
        [
            "5: other: must be a list, not 'x'",
            "5: the security scheme 'key' is not declared",
            "5: the security scheme 'other' is not declared",
            "6: '20x' is not a status such as 200, 4XX or default",
            "6: '600' is not a status such as 200, 4XX or default",
            "6: 'ok' is not a status such as 200, 4XX or default",
            "6: operationId 'one' is taken (o.yaml:5): rename one",
            "7: content is missing: a request body must have it",
        ],
    ),
    "schemas": (
        """\
paths: {}
components:
  schemas:
    A: {type: strng}
    B: {type: []}
    C: {type: [string, string]}
    D: {maxLength: -1}
    E: {maxItems: "3"}
    F: {minimum: low}
    G: {multipleOf: 0}
    H: {required: name}
    I: {properties: []}
    J: {properties: {x: odd}}
    K: {allOf: []}
    L: {anyOf: {}}
    M: {items: [{}]}
    N: {enum: 1}
    O: {pattern: 7}
    P: {additionalProperties: 3}
    Q: {discriminator: {}}
    R: {uniqueItems: 1}
    S: {properties: {x: }}
    T: {required: [1]}
    U: {maxLength: 1.5}
    V: odd
    W: {discriminator: {propertyName: x, mapping: {a: Nowhere}}}
""",
        [
            "6: type: 'strng' is not one of array, boolean, integer, null, number, object, string"
            " (did you mean 'string'?)",
            "7: type: must have 1 entry at least",
            "8: type: an entry is written twice",
            "9: maxLength: must be a whole number, 0 or more, not -1",
            "10: maxItems: must be a whole number, 0 or more, not '3'",
            "11: minimum: must be a number, not 'low'",
            "12: multipleOf: must be a number above 0, not 0",
            "13: required: must be a list, not 'name'",
            "14: properties: must be a mapping, not a list",
            "15: x: must be a mapping (a schema), not 'odd'",
            "16: allOf: must have 1 entry at least",
            "17: anyOf: must be a list, not a mapping",
            "18: items: must be a mapping (a schema), not a list",
            "19: enum: must be a list, not 1",
            "20: pattern: must be text, not 7",
            "21: additionalProperties: must be a mapping (a schema), not 3",
            "22: propertyName is missing: a discriminator must have it",
            "23: uniqueItems: must be true or false, not 1",
            "24: x is empty: give it a value, or remove the line",
            "25: required[0]: must be text, not 1",
            "26: maxLength: must be a whole number, 0 or more, not 1.5",
            "27: V: must be a mapping (a schema), not 'odd'",
            "28: $ref 'Nowhere': the file cannot be read: No such file or directory",
        ],
    ),
    "circles": (
        """\
paths: {}
components:
  schemas:
    A: {$ref: "#/components/schemas/B"}
    B: {allOf: [{$ref: "#/components/schemas/A"}]}
    C: {properties: {c: {$ref: "#/components/schemas/C"}}}
    D: {items: {allOf: [{$ref: "#/components/schemas/D"}]}}
""",
        [
            "6: the schema 'A' is defined by itself alone ($ref, allOf); say what it is",
            "7: the schema 'B' is defined by itself alone ($ref, allOf); say what it is",
        ],
    ),
    "security": (
        """\
paths: {}
components:
  securitySchemes:
    a: {type: apiKey, in: header}
    b: {type: http}
    c: {type: oauth2}
    d: {type: openIdConnect}
    e: {type: basic}
    f: {}
    g: {type: apiKey, in: body, name: k}
""",
        [
            "6: name is missing: a security scheme of type apiKey must have it",
            "7: scheme is missing: a security scheme of type http must have it",
            "8: flows is missing: a security scheme of type oauth2 must have it",
            "9: openIdConnectUrl is missing: a security scheme of type openIdConnect must have it",
            "10: type: 'basic' is not one of apiKey, http, mutualTLS, oauth2, openIdConnect",
            "11: type is missing: a security scheme must have it",
            "12: in: 'body' is not one of query, header, cookie",
        ],
    ),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG.keys())
def test_all_that_is_wrong_is_told_at_once(text: str, said: list[str]) -> None:
    problems = problems_of({"o.yaml": HEAD + text}, "o.yaml")
    found = [problem.removeprefix("o.yaml:") for problem in problems]
    assert found == sorted(said, key=lambda line: (int(line.partition(":")[0]), line.partition(": ")[2]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "o.yaml: no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing"),
        ("", "o.yaml: no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing"),
        ("- openapi", "o.yaml: no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing"),
        ("openapi: 3.1.0", "o.yaml: no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing"),
        (
            "info: {}\nopenapi: 3.2.0\npaths: {}",
            "o.yaml:2: openapi '3.2.0' is no version that is understood: 3.1, 3.0 and Swagger 2.0 are",
        ),
        (
            "swagger: '1.2'\npaths: {}",
            "o.yaml:1: swagger '1.2' is no version that is understood: 3.1, 3.0 and Swagger 2.0 are",
        ),
        (
            "openapi: [3]\npaths: {}",
            "o.yaml:1: openapi a list is no version that is understood: 3.1, 3.0 and Swagger 2.0 are",
        ),
        ("openapi: 3.0.0\nswagger: '2.0'\npaths: {}", "o.yaml:2: states both `openapi` and `swagger`: remove one"),
        ("openapi: 3.0.0\npaths: []", "o.yaml:2: paths: must be a mapping, not a list"),
        (b"openapi: \xff", "o.yaml:1: not UTF-8; save the file in that encoding"),
        (b"\xef\xbb\xbfopenapi: 3.0.0\npaths: 1", "o.yaml:2: paths: must be a mapping, not 1"),
    ],
)
def test_what_is_no_description(text: str | bytes, said: str) -> None:
    assert problems_of({"o.yaml": text}, "o.yaml") == [said]


@pytest.mark.parametrize("version", ["3.0", "3.1", "3.0.4", "3.1.1", "3.1.0-rc1", 3.1, 3.0])
def test_versions(version: Any) -> None:
    found = describe_files({"openapi.json": {"openapi": version, "paths": {}}})
    assert found.version == str(version)[:3]
    assert found.document["openapi"] == "3.1.0"


@pytest.mark.parametrize("version", ["2.0", 2.0, 2])
def test_versions_of_swagger(version: Any) -> None:
    assert describe_files({"openapi.json": {"swagger": version, "paths": {}}}).version == "2.0"


def test_too_many_media_types() -> None:
    document = whole({"/a": {"post": {"consumes": [f"a/{number}" for number in range(65)]}}}, version="2.0")
    (problem,) = problems_of({"openapi.json": document})
    assert problem.endswith("consumes: must have 64 entries at most")


def test_no_such_file() -> None:
    assert problems_of({}) == ["openapi.json: cannot be read: No such file or directory"]


def test_one_mistake_is_told_once() -> None:
    """A path parameter that cannot be read is not reported as missing from its path too."""
    item = {"get": {"parameters": [{"name": "id", "in": "pth", "schema": {}}]}}
    assert len(problems_of({"openapi.json": whole({"/a/{id}": item})})) == 1
    item = {"get": {"parameters": [{"$ref": "#/nowhere"}]}}
    assert len(problems_of({"openapi.json": whole({"/a/{id}": item})})) == 1


def test_keys_cannot_steer_the_terminal() -> None:
    (problem,) = problems_of(
        {"openapi.json": whole({"/a": {"get": {"responses": {"200": {"headers": {"\x1b[2J\n": 1}}}}}})}
    )
    assert problem == "openapi.json:13: �[2J�: must be a mapping (a header), not 1"


def test_no_end_of_mistakes_is_no_end_of_answers() -> None:
    wrong = {f"S{number}": {"type": f"strng{number}"} for number in range(20_000)}
    with pytest.raises(BadDescription) as caught:
        describe_files({"openapi.json": whole(components={"schemas": wrong})})
    assert len(caught.value.problems) == 1000
    assert len(str(caught.value).splitlines()) == 101


def test_path_parameters_are_required() -> None:
    parameter = {"name": "id", "in": "path", "schema": {"type": "string"}}
    found = describe_files({"openapi.json": whole({"/a/{id}": {"get": {"parameters": [parameter]}}})})
    assert found.document["paths"]["/a/{id}"]["get"]["parameters"][0]["required"] is True


def test_templates_that_differ_in_names_alone_are_made_one_where_methods_differ() -> None:
    def named(name: str, kind: str = "path") -> dict[str, Any]:
        return {"name": name, "in": kind, "schema": {"type": "string"}}

    paths = {
        "/a/{x}/{y}": {"parameters": [named("x"), named("y"), named("q", "query")], "get": {}},
        "/a/{y}/{z}": {"parameters": [{"$ref": "#/components/parameters/Y"}, named("z")], "put": {"operationId": "p"}},
    }
    document = whole(paths, components={"parameters": {"Y": named("y")}})
    found = describe_files({"openapi.json": document})
    (item,) = found.document["paths"].values()
    assert [(part["in"], part["name"]) for part in item["get"]["parameters"]] == [
        ("path", "x"),
        ("path", "y"),
        ("query", "q"),
    ]
    assert [(part["in"], part["name"]) for part in item["put"]["parameters"]] == [("path", "x"), ("path", "y")]
    (remark,) = found.partial
    assert "is read as one with '/a/{x}/{y}'" in remark.text
    line = found.where("/paths/~1a~1{x}~1{y}/put/operationId")[1]
    assert document["paths"]["/a/{y}/{z}"]["put"] == {"operationId": "p"}
    assert line > found.where("/paths/~1a~1{x}~1{y}/get")[1]


CIRCLE = {
    "A": {"oneOf": [{"$ref": "#/components/schemas/B"}]},
    "B": {"allOf": [{"$ref": "#/components/schemas/A"}]},
}
PARTIAL: list[tuple[str, dict[str, Any], str]] = [
    ("fragment", {"paths": {"/a#b": {}}}, "'/a#b' is left out: a query or fragment is no part of a path template"),
    ("query", {"paths": {"/a?b={c}": {"get": {}}}}, "is left out"),
    (
        "header",
        {"paths": {"/a": {"get": {"parameters": [{"name": "Accept", "in": "header", "schema": {}}]}}}},
        "the header parameter Accept is ignored, as OpenAPI wants",
    ),
    (
        "schemaless",
        {"paths": {"/a": {"get": {"parameters": [{"name": "q", "in": "query"}]}}}},
        "has no schema: any text",
    ),
    ("unknown-key", {"pathz": {}}, "'pathz' is nothing that an OpenAPI description may have, and is ignored (did you"),
    ("keyword", {"components": {"schemas": {"A": {"requierd": []}}}}, "'requierd' is no keyword of a schema"),
    ("webhooks", {"webhooks": {"a": {"post": {}}}}, "webhooks are requests that the API makes: they are not checked"),
    (
        "callbacks",
        {"paths": {"/a": {"get": {"callbacks": {"c": {"{$request.body#/url}": {"post": {}}}}}}}},
        "callbacks (of 1 operations) are requests that the API makes",
    ),
    (
        "dynamic",
        {"components": {"schemas": {"A": {"$dynamicAnchor": "n", "items": {"$dynamicRef": "#n"}}}}},
        "$dynamicRef is read as $ref",
    ),
    (
        "dialect",
        {"components": {"schemas": {"A": {"$schema": "http://json-schema.org/draft-07/schema#"}}}},
        "is read as JSON Schema 2020-12",
    ),
    (
        "circle",
        {"components": {"schemas": CIRCLE}},
        "refers to itself with no step into the value",
    ),
    ("star", {"paths": {"/a": {"post": {"requestBody": {"content": {"*": {}}}}}}}, "the media type '*' is read as */*"),
]


@pytest.mark.parametrize(("rest", "said"), [row[1:] for row in PARTIAL], ids=[row[0] for row in PARTIAL])
def test_what_cannot_be_enforced_is_told(rest: dict[str, Any], said: str) -> None:
    found = describe_files({"openapi.json": {**whole(), **rest}})
    assert any(said in problem.text and problem.line > 0 for problem in found.partial), found.partial
    assert not any("#" in path or "?" in path for path in found.document["paths"])


def test_nothing_is_said_of_a_good_description() -> None:
    schema = {"type": "string", "x-note": 1, "unknownAnnotation": 2}
    item = {"get": {"responses": {"200": {"description": "d"}}, "x-y": 1}, "x-z": 1}
    document = whole({"/a": item, "x-paths": 7}, components={"schemas": {"A": schema}, "x-c": 1})
    found = describe_files({"openapi.json": document})
    assert found.partial == ()
    assert schemas_of(found)["A"] == schema
