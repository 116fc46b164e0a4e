"""What `stockade init` makes of an OpenAPI description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stockade.config import BadConfig, build, load_text
from stockade.config.description import Described, read_description
from stockade.config.starter import starter_policy

UPSTREAM = "http://127.0.0.1:9000"
KEY = {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}}


SWAGGER = """\
swagger: "2.0"
basePath: /v2/
consumes: [application/json]
paths:
  /pets/{id}:
    parameters: [{name: id, in: path, type: integer, required: true}]
    delete: {}
  /pets:
    put: {parameters: [{name: pet, in: body, schema: {}}]}
"""


def described(tmp_path: Path, **document: Any) -> Described:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps({"openapi": "3.1.0", "paths": {}, **document}))
    return read_description(path)


def body(*types: str) -> dict[str, Any]:
    return {"requestBody": {"content": {name: {} for name in types}}}


def test_operations_methods_types_and_name(tmp_path: Path) -> None:
    made = described(
        tmp_path,
        info={"title": "The Shop — API"},
        components=KEY,
        security=[{"key": []}],
        paths={
            "/orders": {"get": {}, "post": body("application/json; charset=utf-8"), "summary": "Orders"},
            "/health": {"get": {"security": []}},
        },
    )
    assert made.name == "the-shop-api"
    assert made.operations == ("GET /orders", "POST /orders", "GET /health")
    assert made.anonymous == ("GET /health",)
    assert made.methods == ("GET", "POST", "OPTIONS", "HEAD")
    assert made.media_types == ("application/json",)


def test_nothing_is_anonymous_where_nothing_is_secured(tmp_path: Path) -> None:
    assert described(tmp_path, paths={"/a": {"get": {"security": []}}}).anonymous == ()


def test_yaml_and_swagger_2(tmp_path: Path) -> None:
    path = tmp_path / "swagger.yaml"
    path.write_text(SWAGGER)
    made = read_description(path)
    assert made.operations == ("DELETE /v2/pets/{id}", "PUT /v2/pets")
    assert made.media_types == ("application/json",)
    path.write_text(SWAGGER.replace("consumes: [application/json]", ""))
    assert read_description(path).media_types == (), "it does not say enough to refuse any"


@pytest.mark.parametrize(
    ("servers", "wanted"),
    [
        ([], "GET /a"),
        ([{"url": "https://api.example/v1/"}], "GET /v1/a"),
        ([{"url": "/v1"}], "GET /v1/a"),
        ([{"url": "https://api.example"}, {"url": "/v9"}], "GET /a"),
        ([{"url": "https://api.example/{base}"}], "GET /a"),
        ([{"url": "https://[broken"}], "GET /a"),
    ],
)
def test_the_servers_path_comes_first(tmp_path: Path, servers: list[Any], wanted: str) -> None:
    assert described(tmp_path, servers=servers, paths={"/a": {"get": {}}}).operations == (wanted,)


def test_references_are_followed(tmp_path: Path) -> None:
    made = described(
        tmp_path,
        components={
            "requestBodies": {"file/it": body("multipart/form-data")["requestBody"]},
            "pathItems": {"p": {"get": {}}},
        },
        paths={
            "/a": {"post": {"requestBody": {"$ref": "#/components/requestBodies/file~1it"}}},
            "/b": {"put": body("application/json")},
            "/c": {"$ref": "#/components/pathItems/p"},
        },
    )
    assert made.media_types == ("application/json", "multipart/form-data")
    assert made.operations == ("POST /a", "PUT /b", "GET /c")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"$ref": "other.yaml#/body"}, "the file cannot be read: No such file"),
        ({"$ref": "#/nowhere"}, "leads nowhere: there is no 'nowhere' at the top"),
        ({"$ref": "#/paths/~1a/post/requestBody"}, "leads back to itself"),
        ({"content": ["application/json"]}, "content: must be a mapping, not a list"),
        ("odd", r"requestBody: must be a mapping \(a request body\), not 'odd'"),
    ],
)
def test_a_broken_description_is_refused(tmp_path: Path, wrong: Any, said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        described(tmp_path, paths={"/a": {"post": {"requestBody": wrong}}})


def test_types_are_not_narrowed_by_half_knowledge(tmp_path: Path) -> None:
    paths = {"/a": {"post": body("*/*")}, "/b": {"post": body("application/json")}}
    assert described(tmp_path, paths=paths).media_types == ()


def test_what_a_policy_cannot_hold_is_left_out(tmp_path: Path) -> None:
    name = {"name": "id", "in": "path", "schema": {"type": "string"}}
    paths: dict[str, Any] = {path: {"get": {}} for path in ("/a", "/${HOME}", "/c\u2028", "/d#e", "/f?g")}
    paths["/${HOME}"] = {}
    made = described(tmp_path, paths={**paths, "/b/{id}.json": {"parameters": [name], "get": {}}})
    assert made.operations == ("GET /a",)


@pytest.mark.parametrize(
    ("title", "name"),
    [("2024", "api-2024"), ("true", "api-true"), ("1e5", "api-1e5"), ("***", "api"), ("", "api"), ("x" * 99, "x" * 40)],
)
def test_odd_titles(tmp_path: Path, title: str, name: str) -> None:
    assert described(tmp_path, info={"title": title}).name == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no OpenAPI description"),
        ("[]", "no OpenAPI description"),
        ('{"openapi": "3.1.0"}', "no OpenAPI description"),
        ('{"openapi": "3.1.0", "paths": []}', "openapi.yaml:1: paths: must be a mapping, not a list"),
        ('{"openapi": ', "openapi.yaml:1: not valid JSON: expecting value"),
        ("a: [", "openapi.yaml:[12]: not valid YAML: while parsing a flow node"),
        ('{"a":' * 100_000, "openapi.yaml:1: more than 128 levels deep"),
        ("!!python/object:os.system x", "openapi.yaml:1: the tag '.*' has no meaning in a description"),
    ],
)
def test_what_is_no_description(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=said):
        read_description(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read: No such file"):
        read_description(tmp_path / "nowhere.json")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(BadConfig, match="more than 64 MiB"):
        read_description(huge)


def test_the_starting_policy_is_good(tmp_path: Path) -> None:
    text = starter_policy(UPSTREAM, Described())
    loaded = load_text(text, tmp_path / "stockade.yaml", {})
    assert build(loaded).warnings == ()
    (api,) = loaded.config.apis
    assert api.kind == "partner"
    assert api.authentication is not None
    assert api.authentication.anonymous == ["GET /health"]
    assert all(len(line) <= 120 for line in text.splitlines())


def test_the_starting_policy_of_a_description(tmp_path: Path) -> None:
    paths = {'/it\'s "odd" \\ x': {"get": {}}, "/a": {"post": body("application/json")}}
    made = described(tmp_path, info={"title": "No"}, paths=paths)
    text = starter_policy(UPSTREAM, made, "openapi.json")
    loaded = load_text(text, tmp_path / "stockade.yaml", {})
    (api,) = loaded.config.apis
    assert api.name == "no"
    assert api.openapi is not None
    assert api.openapi.file == Path("openapi.json")
    assert api.schema_ is not None
    assert api.schema_.mode == "block"
    assert all(len(line) <= 120 for line in text.splitlines())
    (route,) = build(loaded).policy.routes
    assert route.operations.name("POST", "/a") == "POST /a"
    assert api.firewall.media_types == ["application/json"]
    assert api.authentication is not None
    assert api.authentication.anonymous == []


def test_commented_lines_are_good_too(tmp_path: Path) -> None:
    """Whoever removes a `#` gets what the comment promised."""
    text = starter_policy(UPSTREAM, Described())
    text = text.replace("  # - {address", "  - {address").replace("\n    # op", "\n    op")
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.strip() == "# - jwt:")
    for number in range(first, first + 5):
        lines[number] = lines[number].replace("# ", "", 1)
    policy = yaml.safe_load("\n".join(lines))
    assert set(policy["apis"][0]["authentication"]["any_of"][1]["jwt"]) == {"jwks", "issuer", "audience", "algorithms"}
    loaded = load_text("\n".join(lines), tmp_path / "stockade.yaml", {})
    assert loaded.config.apis[0].openapi is not None
    assert len(loaded.config.listen) == 2
    assert loaded.config.apis[0].operations == ["GET /orders/{id}"]
