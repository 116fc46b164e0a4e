"""Names of operations from a description."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockade.config import build, load_text
from stockade.openapi.naming import Names

DOCUMENT = {
    "servers": [{"url": "https://api.example/v1"}],
    "paths": {
        "/reports/{id}.json": {"get": {}},
        "/{latitude},{longitude}": {"get": {}, "parameters": []},
        "/orders/mine": {"get": {}},
        "/orders/{id}": {"get": {}, "delete": {}},
        "/shared": {"$ref": "#/components/pathItems/Shared"},
        "/bro{ken": {"get": {}},
        "/gr\u00fc\u00df dich": {"get": {}},
    },
    "components": {"pathItems": {"Shared": {"post": {}}}},
}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/reports/q-3.json", "GET /v1/reports/{id}.json"),
        ("HEAD", "/v1/reports/q-3.json", "HEAD /v1/reports/{id}.json"),
        ("GET", "/v1/1.5,2", "GET /v1/{latitude},{longitude}"),
        ("GET", "/v1/orders/mine", "GET /v1/orders/mine"),
        ("DELETE", "/v1/orders/mine", "DELETE /v1/orders/{id}"),
        ("POST", "/v1/shared", "POST /v1/shared"),
        ("GET", "/v1/gr%C3%BC%C3%9F%20dich", "GET /v1/gr\u00fc\u00df dich"),
        ("GET", "/orders/7", None),
        ("PUT", "/v1/orders/7", None),
        ("GET", "/v1/bro{ken", None),
    ],
)
def test_names(method, path, name):
    assert Names(DOCUMENT).of(method, path) == name


def test_a_document_without_paths_has_none():
    assert Names({}).of("GET", "/") is None


def test_a_policy_takes_them(tmp_path: Path) -> None:
    text = """openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /reports/{name}.json:
    get: {parameters: [{name: name, in: path, required: true, schema: {type: string}}], responses: {}}
"""
    (tmp_path / "openapi.yaml").write_text(text)
    policy = """version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - {name: shop, upstream: {url: "http://127.0.0.1:9000"}, openapi: openapi.yaml, operations: ["GET /users/{name}"]}
"""
    (route,) = build(load_text(policy, tmp_path / "stockade.yaml", {})).policy.routes
    assert route.operations.name("GET", "/reports/summary.json") == "GET /reports/{name}.json"
    assert route.operations.name("GET", "/users/ada") == "GET /users/{name}"
    assert route.operations.name("GET", "/else/7") == "GET /else/{id}"
