"""Where a `$ref` leads and whether it may: files, URLs, and the tricks that would lead elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from stockade.openapi.references import BadReference, Reach, resolve
from tests.openapi.description.conftest import describe_files, problems_of, schemas_of, whole, with_schemas


@pytest.mark.parametrize(
    ("base", "reference", "name", "fragment"),
    [
        ("api/o.yaml", "#/a", "api/o.yaml", "/a"),
        ("api/o.yaml", "x.yaml", "api/x.yaml", ""),
        ("api/o.yaml", "./s/x.yaml#/a/b", "api/s/x.yaml", "/a/b"),
        ("api/s/x.yaml", "../o.yaml#anchor", "api/o.yaml", "anchor"),
        ("o.yaml", "a%20b.yaml", "a b.yaml", ""),
        ("o.yaml", "/etc/passwd", "/etc/passwd", ""),
        ("https://h/api/o.yaml", "x.yaml#/a", "https://h/api/x.yaml", "/a"),
        ("https://h/api/o.yaml", "//other/x", "https://other/x", ""),
        ("o.yaml", "https://h/x.json#/a", "https://h/x.json", "/a"),
    ],
)
def test_resolving(base: str, reference: str, name: str, fragment: str) -> None:
    assert resolve(base, reference) == (name, fragment)


@pytest.mark.parametrize(
    ("base", "reference", "said"),
    [
        ("o.yaml", "file:///etc/passwd", "has the scheme 'file'"),
        ("o.yaml", "FILE:/etc/passwd", "has the scheme 'file'"),
        ("o.yaml", "ftp://h/x", "has the scheme 'ftp'"),
        ("o.yaml", "c:/x.yaml", "begin a file's name with ./"),
        ("o.yaml", "//h/x", "write https:// before it"),
        ("o.yaml", "a\0b", "is no URI reference"),
        ("o.yaml", "a%00b", "is no path"),
        ("o.yaml", "a%1B[2J", "is no path"),
        ("o.yaml", "..\\x", "is no URI reference"),
        ("o.yaml", "", "is empty"),
        ("o.yaml", "https://u:p@h/x", "is no plain URL"),
        ("o.yaml", "https://h/a/%2e%2e/x", "is no plain URL"),
        ("o.yaml", "https://h/a b", "is no plain URL"),
        ("o.yaml", "https://h:x/", "is no URL"),
        ("o.yaml", "https://[h/", "is no"),
    ],
)
def test_references_that_lead_nowhere_good(base: str, reference: str, said: str) -> None:
    with pytest.raises(BadReference, match=said):
        resolve(base, reference)


@pytest.mark.parametrize(
    ("root", "allow", "folder", "name", "good"),
    [
        ("api/o.yaml", [], None, "api/x.yaml", True),
        ("api/o.yaml", [], None, "api/s/x.yaml", True),
        ("api/o.yaml", [], None, "x.yaml", False),
        ("api/o.yaml", [], None, "apis/x.yaml", False),
        ("api/o.yaml", [], None, "/etc/passwd", False),
        ("api/o.yaml", [], ".", "x.yaml", True),
        ("api/o.yaml", [], ".", "../x.yaml", False),
        ("o.yaml", [], None, "..x/y.yaml", True),
        ("../api/o.yaml", [], None, "../api/x.yaml", True),
        ("../api/o.yaml", [], None, "../x.yaml", False),
        ("/a/o.yaml", [], None, "/a/x.yaml", True),
        ("/o.yaml", [], None, "/etc/x.yaml", True),
        ("o.yaml", [], None, "https://h/x", False),
        ("o.yaml", ["h"], None, "https://h/x", True),
        ("o.yaml", ["h"], None, "https://H/x", True),
        ("o.yaml", ["h"], None, "http://h/x", False),
        ("o.yaml", ["h"], None, "https://h:8443/x", False),
        ("o.yaml", ["h:8443"], None, "https://h:8443/x", True),
        ("o.yaml", ["h"], None, "https://h.evil/x", False),
        ("o.yaml", ["https://h/v1"], None, "https://h/v1/x", True),
        ("o.yaml", ["https://h/v1/"], None, "https://h/v1/x", True),
        ("o.yaml", ["https://h/v1"], None, "https://h/v12/x", False),
        ("o.yaml", ["https://h/v1"], None, "https://h:443/v1/x", True),
        ("o.yaml", ["http://h/"], None, "http://h/x", True),
        ("o.yaml", ["http://h/"], None, "https://h/x", False),
        ("https://h/api/o.yaml", [], None, "https://h/api/s/x", True),
        ("https://h/api/o.yaml", [], None, "https://h/other/x", False),
        ("https://h/api/o.yaml", [], None, "https://evil/api/x", False),
        ("https://h/api/o.yaml", [], None, "http://h/api/x", False),
        ("https://h/api/o.yaml", [], None, "api/x", False),
    ],
)
def test_what_may_be_read(root: str, allow: list[str], folder: str | None, name: str, good: bool) -> None:
    reach = Reach.of(root, allow, folder)
    if good:
        reach.check(name)
    else:
        with pytest.raises(BadReference):
            reach.check(name)


def test_files_are_bundled() -> None:
    files = {
        "openapi.json": whole(
            {
                "/a": {"$ref": "paths/a.yaml", "summary": "mine"},
                "/b": {"get": {"parameters": [{"$ref": "paths/a.yaml#/get/parameters/0"}]}},
            },
            components={"schemas": {"Pet": {"type": "string"}, "Own": {"$ref": "schemas.yaml#/Pet"}}},
        ),
        "paths/a.yaml": (
            "summary: theirs\n"
            "get:\n"
            "  parameters:\n"
            "    - {name: q, in: query, schema: {$ref: '../schemas.yaml#/Pet'}}\n"
            "  responses:\n"
            "    200: {$ref: '../schemas.yaml#/responses/Fine'}\n"
        ),
        "schemas.yaml": (
            "Pet:\n"
            "  type: object\n"
            "  properties:\n"
            "    parent: {$ref: '#/Pet'}\n"
            "    name: {$ref: 'openapi.json#/components/schemas/Pet'}\n"
            "responses:\n"
            "  Fine: {description: fine, content: {application/json: {schema: {$ref: '#/Pet'}}}}\n"
        ),
    }
    found = describe_files(files)
    assert found.files == {"openapi.json", "paths/a.yaml", "schemas.yaml"}
    item = found.document["paths"]["/a"]
    assert item["summary"] == "mine"
    pet = {"$ref": "#/components/schemas/Pet_2"}
    assert item["get"]["parameters"] == [{"name": "q", "in": "query", "schema": pet}]
    assert item["get"]["responses"] == {"200": {"$ref": "#/components/responses/Fine"}}
    assert schemas_of(found)["Own"] == pet
    assert schemas_of(found)["Pet_2"]["properties"] == {"parent": pet, "name": {"$ref": "#/components/schemas/Pet"}}
    (parameter,) = found.document["paths"]["/b"]["get"]["parameters"]
    assert found.document["components"]["parameters"] == {
        parameter["$ref"].rpartition("/")[2]: {"name": "q", "in": "query", "schema": pet}
    }
    assert found.where("/paths/~1a/get/responses/200") == ("paths/a.yaml", 6)
    assert found.where("/components/schemas/Pet_2/properties/parent") == ("schemas.yaml", 4)
    assert found.where("/components/responses/Fine/description") == ("schemas.yaml", 7)
    assert found.where("/paths/~1b")[0] == "openapi.json"


def test_pointers_with_escapes_and_percent_signs() -> None:
    odd = {"a/b~c d%": {"type": "string"}, "é": {"type": "integer"}}
    document = with_schemas(A={"$ref": "x.json#/a~1b~0c%20d%25"}, B={"$ref": "x.json#/%C3%A9"})
    found = describe_files({"openapi.json": document, "x.json": odd})
    made = schemas_of(found)
    assert made[made["A"]["$ref"].rpartition("/")[2]] == {"type": "string"}
    assert made[made["B"]["$ref"].rpartition("/")[2]] == {"type": "integer"}


def test_maps_may_be_in_files_of_their_own() -> None:
    files = {
        "openapi.json": whole({}, components={"schemas": {"$ref": "s.yaml"}}, security=[])
        | {"paths": {"$ref": "p.yaml"}},
        "p.yaml": "/a: {get: {}}",
        "s.yaml": "A: {properties: {$ref: 'q.yaml#/props'}}",
        "q.yaml": "props: {x: {type: string}}",
    }
    found = describe_files(files)
    assert list(found.document["paths"]) == ["/a"]
    assert schemas_of(found) == {"A": {"properties": {"x": {"type": "string"}}}}
    assert found.where("/components/schemas/A/properties/x") == ("q.yaml", 1)


def test_a_property_called_ref_is_a_property() -> None:
    schema = {"properties": {"$ref": {"type": "string"}}, "example": {"$ref": "nowhere.yaml"}, "enum": [{"$ref": "#"}]}
    assert schemas_of(describe_files({"openapi.json": with_schemas(A=schema)}))["A"]["properties"] == {
        "$ref": {"type": "string"}
    }


def test_anchors_and_ids() -> None:
    schemas: dict[str, Any] = {
        "A": {"$anchor": "here", "type": "string"},
        "B": {"$ref": "#here"},
        "C": {"$id": "https://example.com/c", "$defs": {"x": {"type": "integer"}}, "items": {"$ref": "#/$defs/x"}},
        "D": {"$ref": "https://example.com/c"},
        "E": {"$ref": "https://example.com/c#/$defs/x"},
        "F": {"$id": "https://example.com/f", "items": {"$ref": "c"}, "contains": {"$ref": "#/components/schemas/A"}},
    }
    made = schemas_of(describe_files({"openapi.json": with_schemas(**schemas)}))
    assert made["A"] == {"type": "string"}
    assert made["B"] == {"$ref": "#/components/schemas/A"}
    assert made["D"] == {"$ref": "#/components/schemas/C"}
    inner = made["C"]["items"]
    assert made["E"] == inner
    assert made[inner["$ref"].rpartition("/")[2]] == {"type": "integer"}
    assert made["F"] == {"items": {"$ref": "#/components/schemas/C"}, "contains": {"$ref": "#/components/schemas/A"}}


def test_discriminators_lead_to_components() -> None:
    mapping = {"a": "Cat", "b": "#/components/schemas/Cat", "c": "x.json#/Dog"}
    schema = {
        "oneOf": [{"$ref": "#/components/schemas/Cat"}],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }
    files = {"openapi.json": with_schemas(A=schema, Cat={}), "x.json": {"Dog": {"type": "object"}}}
    made = schemas_of(describe_files(files))
    assert made["A"]["discriminator"]["mapping"] == {
        "a": "Cat",
        "b": "#/components/schemas/Cat",
        "c": "#/components/schemas/Dog",
    }
    assert made["Dog"] == {"type": "object"}


def test_schemas_may_refer_to_themselves() -> None:
    node = {"properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    made = schemas_of(describe_files({"openapi.json": with_schemas(Node=node)}))
    assert made["Node"]["properties"]["next"] == {"$ref": "#/components/schemas/Node"}


def test_remote_files() -> None:
    files = {
        "openapi.json": with_schemas(A={"$ref": "https://h.example/a.json"}),
        "https://h.example/a.json": {"items": {"$ref": "b.json#/x"}},
        "https://h.example/b.json": {"x": {"$ref": "https://evil.example/c.json"}},
        "https://evil.example/c.json": {},
    }
    (problem,) = problems_of(files, allow_remote=["h.example"])
    assert problem.startswith("https://h.example/b.json:2: $ref 'https://evil.example/c.json' is remote; allow it with")
    assert describe_files(files, allow_remote=["h.example", "evil.example"]).files == set(files)
    (problem,) = problems_of(files)
    assert "openapi.allow_remote: [h.example]" in problem


def test_a_root_that_is_a_url() -> None:
    files = {
        "https://h.example/api/openapi.json": with_schemas(A={"$ref": "s/a.json"}, B={"$ref": "/etc/b.json"}),
        "https://h.example/api/s/a.json": {},
    }
    (problem,) = problems_of(files, "https://h.example/api/openapi.json")
    assert "$ref '/etc/b.json' is remote" in problem


def test_a_remote_file_reaches_no_local_one() -> None:
    files = {
        "openapi.json": with_schemas(A={"$ref": "https://h.example/a.json"}),
        "https://h.example/a.json": {"items": {"$ref": "file:///etc/passwd"}, "not": {"$ref": "/etc/passwd"}},
        "/etc/passwd": "root: x",
    }
    problems = problems_of(files, allow_remote=["h.example"])
    assert len(problems) == 2
    assert "has the scheme 'file'" in problems[0]
    assert "the file cannot be read" in problems[1]  # https://h.example/etc/passwd


WRONG: list[tuple[str, Any, str]] = [
    ("nowhere", {"$ref": "#/components/schemas/Nope"}, "leads nowhere: there is no 'Nope' at /components/schemas"),
    ("index", {"$ref": "#/components/schemas/L/allOf/7"}, "there is no '7' at /components/schemas/L/allOf"),
    ("odd-index", {"$ref": "#/components/schemas/L/allOf/00"}, "there is no '00'"),
    ("file", {"$ref": "nope.yaml"}, "the file cannot be read: No such file"),
    ("anchor", {"$ref": "#nope"}, r"no \$anchor 'nope'"),
    ("out", {"$ref": "../x.yaml"}, "leads out of the folder"),
    ("out-hidden", {"$ref": "a/%2e%2e/%2E./x.yaml"}, "leads out of the folder"),
    ("absolute", {"$ref": "/etc/passwd"}, "leads out of the folder"),
    ("no-schema", {"$ref": "#/openapi"}, r"must be a mapping \(a schema\), not '3.1.0'"),
    ("itself", {"$ref": "#/components/schemas/A"}, "is defined by itself alone"),
]


@pytest.mark.parametrize(("schema", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_references_that_are_refused(schema: Any, said: str) -> None:
    document = with_schemas(A=schema, L={"allOf": [{}]})
    (problem,) = problems_of({"openapi.json": document, "../x.yaml": "a: b", "/etc/passwd": "a"})
    assert re.search(said, problem), problem


def test_senseless_circles_are_refused() -> None:
    files: dict[str, Any] = {
        "openapi.json": whole(
            {"/a": {"$ref": "a.json"}, "/b": {"post": {"requestBody": {"$ref": "#/components/requestBodies/B"}}}},
            components={"requestBodies": {"B": {"$ref": "#/components/requestBodies/B"}}},
        ),
        "a.json": {"$ref": "b.json"},
        "b.json": {"$ref": "a.json"},
    }
    problems = problems_of(files)
    assert any("leads back to itself, which makes sense in schemas alone" in problem for problem in problems)
    assert any("leads back to itself, and so to nothing" in problem for problem in problems)


def test_a_file_of_another_version_is_refused() -> None:
    files = {
        "openapi.json": with_schemas(A={"$ref": "old.json#/definitions/A"}),
        "old.json": with_schemas("2.0", A={}),
    }
    (problem,) = problems_of(files)
    assert "leads to a file of version 2.0, from one of 3.1" in problem


def test_a_bad_file_is_told_once_with_its_own_line() -> None:
    files = {
        "openapi.json": with_schemas(A={"$ref": "x.yaml#/a"}, B={"$ref": "x.yaml#/b"}),
        "x.yaml": "a: 1\nb: [",
    }
    problems = problems_of(files)
    assert sum(problem.startswith("x.yaml:") for problem in problems) == 1
    assert sum(problem.startswith("openapi.json:") for problem in problems) == 2


def test_references_do_not_multiply_without_end() -> None:
    """Billion laughs by reference: each map is put in the place of ten references to it."""
    files: dict[str, Any] = {"openapi.json": with_schemas(A={"properties": {"$ref": "x0.json"}})}
    for number in range(12):
        files[f"x{number}.json"] = {f"p{index}": {"properties": {"$ref": f"x{number + 1}.json"}} for index in range(10)}
    files["x12.json"] = {"p": {}}
    problems = problems_of(files)
    assert any("do references multiply?" in problem for problem in problems)


def test_many_things_of_one_name_get_names_in_good_time() -> None:
    schemas = {f"A{number}": {"$ref": f"#/x-{number}/same"} for number in range(20_000)}
    document = with_schemas(**schemas) | {f"x-{number}": {"same": {}} for number in range(20_000)}
    assert len(schemas_of(describe_files({"openapi.json": document}))) == 40_000


def test_deep_files_within_deep_files_are_refused() -> None:
    deep: Any = {"$ref": "d.json"}
    for _ in range(40):
        deep = {"p": {"properties": deep}}
    files: dict[str, Any] = {"openapi.json": with_schemas(A={"properties": {"$ref": "d.json"}}), "d.json": deep}
    assert any("levels deep" in problem or "back to itself" in problem for problem in problems_of(files))
