"""The posture report: each rule finds its weakness, in its place, and is quiet where it is mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stockade.openapi.posture import RULES, posture
from stockade.openapi.posture.rules import RISKS
from tests.openapi.description.conftest import describe_files, whole

KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
OAUTH = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {"read": ""}}}}
PROBLEM = {"description": "d", "content": {"application/problem+json": {"schema": {"type": "object"}}}}
FINE = {"200": {"description": "d"}, "4XX": PROBLEM}


def api(
    path: str = "/orders",
    method: str = "get",
    operation: dict[str, Any] | None = None,
    schemes: dict[str, Any] | None = None,
    **rest: Any,
) -> dict[str, Any]:
    """A description in which nothing is weak but what is asked for."""
    made = {"security": [{"oauth": ["read"]}], "responses": FINE, **(operation or {})}
    components = {"securitySchemes": {"oauth": OAUTH, **(schemes or {})}, **rest.pop("components", {})}
    document = {"servers": [{"url": "https://api.example.com"}], "components": components, **rest}
    return whole({path: {method: made}}, **document)


def sent(schema: Any) -> dict[str, Any]:
    return api(method="put", operation={"requestBody": {"content": {"application/json": {"schema": schema}}}})


def query(schema: Any, name: str = "q", where: str = "query", path: str = "/orders") -> dict[str, Any]:
    return api(path, operation={"parameters": [{"name": name, "in": where, "schema": schema}]})


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


STRING = {"type": "string", "maxLength": 9}
SECRETS = {"type": "object", "properties": {"password": STRING}}
ANSWER = {"200": {"description": "d", "content": {"a/b": {"schema": SECRETS}}}, "default": PROBLEM}

# id of the rule, a description in which it speaks, where (a JSON pointer), and the same description mended.
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("write-without-auth", api(method="post", operation={"security": []}), "/paths/~1orders/post", api(method="post")),
    ("read-without-auth", api(operation={"security": []}), "/paths/~1orders/get", api()),
    ("no-security-scheme", whole(), "", api()),
    (
        "optional-auth",
        api(operation={"security": [{}, {"oauth": ["read"]}]}),
        "/paths/~1orders/get",
        api(),
    ),
    ("basic-auth", api(schemes={"b": {"type": "http", "scheme": "Basic"}}), "/components/securitySchemes/b", api()),
    (
        "weak-http-auth",
        api(schemes={"d": {"type": "http", "scheme": "digest"}}),
        "/components/securitySchemes/d",
        api(schemes={"d": {"type": "http", "scheme": "bearer"}}),
    ),
    (
        "api-key-in-query",
        api(schemes={"k": {**KEY, "in": "query"}}),
        "/components/securitySchemes/k",
        api(schemes={"k": KEY}),
    ),
    (
        "api-key-in-cookie",
        api(schemes={"k": {**KEY, "in": "cookie"}}),
        "/components/securitySchemes/k",
        api(schemes={"k": KEY}),
    ),
    (
        "weak-oauth-flow",
        api(schemes={"o": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://a", "scopes": {}}}}}),
        "/components/securitySchemes/o/flows/implicit",
        api(),
    ),
    (
        "plain-http-oauth",
        api(schemes={"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "HTTP://t", "scopes": {}}}}}),
        "/components/securitySchemes/o/flows/clientCredentials/tokenUrl",
        api(),
    ),
    (
        "secret-in-url",
        query(STRING, "api_key"),
        "/paths/~1orders/get/parameters/0",
        query(STRING, "api_key", "header"),
    ),
    (
        "secret-in-response",
        api(operation={"responses": ANSWER}),
        "/paths/~1orders/get/responses/200/content/a~1b/schema/properties/password",
        api(operation={"responses": {**ANSWER, "200": {"description": "d"}}}),
    ),
    (
        "sequential-id",
        query({"type": "integer", "format": "int64"}, "orderId", "path", "/orders/{orderId}"),
        "/paths/~1orders~1{orderId}/get/parameters/0",
        query({"type": "string", "format": "uuid"}, "orderId", "path", "/orders/{orderId}"),
    ),
    ("no-scopes", api(operation={"security": [{"oauth": []}]}), "/paths/~1orders/get", api()),
    (
        "admin-without-scopes",
        api("/admin/users", operation={"security": [{"oauth": []}]}),
        "/paths/~1admin~1users/get",
        api("/admin/users"),
    ),
    (
        "plain-http-server",
        api(servers=[{"url": "https://a.example"}, {"url": "http://b.example"}]),
        "/servers/1",
        api(servers=[{"url": "http://localhost:8000"}]),
    ),
    (
        "any-media-type",
        api(method="put", operation={"requestBody": {"content": {"*/*": {}}}}),
        "/paths/~1orders/put/requestBody",
        api(method="put", operation={"requestBody": {"content": {"text/plain": {}}}}),
    ),
    (
        "no-error-response",
        api(operation={"responses": {"200": {"description": "d"}}}),
        "/paths/~1orders/get/responses",
        api(),
    ),
    (
        "no-401",
        api(operation={"responses": {"200": {"description": "d"}, "404": PROBLEM}}),
        "/paths/~1orders/get/responses",
        api(operation={"responses": {"200": {"description": "d"}, "401": PROBLEM}}),
    ),
    (
        "no-429",
        api(operation={"responses": {"401": PROBLEM}}),
        "/paths/~1orders/get/responses",
        api(operation={"responses": {"401": PROBLEM, "429": PROBLEM}}),
    ),
    ("no-responses", api(operation={"responses": {}}), "/paths/~1orders/get", api()),
    (
        "untyped-value",
        sent(closed(x={})),
        "/paths/~1orders/put/requestBody/content/application~1json/schema/properties/x",
        sent(closed(x={"enum": [1]})),
    ),
    (
        "unbounded-string",
        query({"type": "string"}),
        "/paths/~1orders/get/parameters/0/schema",
        query({"type": "string", "pattern": "^[a-z]{1,9}$"}),
    ),
    (
        "unbounded-array",
        query({"type": "array", "items": STRING}),
        "/paths/~1orders/get/parameters/0/schema",
        query({"type": "array", "items": STRING, "maxItems": 3}),
    ),
    (
        "unbounded-number",
        query({"type": "integer", "minimum": 0}),
        "/paths/~1orders/get/parameters/0/schema",
        query({"type": "integer", "format": "int32"}),
    ),
    (
        "unbounded-map",
        sent({"type": "object", "additionalProperties": STRING}),
        "/paths/~1orders/put/requestBody/content/application~1json/schema",
        sent({"type": "object", "additionalProperties": STRING, "maxProperties": 3}),
    ),
    (
        "unbounded-page",
        query({"type": "integer", "minimum": 1}, "per_page"),
        "/paths/~1orders/get/parameters/0/schema",
        query({"type": "integer", "minimum": 1, "maximum": 100}, "per_page"),
    ),
    (
        "open-object",
        sent({"type": "object", "properties": {"x": STRING}}),
        "/paths/~1orders/put/requestBody/content/application~1json/schema",
        sent({"allOf": [{"type": "object", "properties": {"x": STRING}}], "unevaluatedProperties": False}),
    ),
    (
        "url-from-client",
        query({"type": "string", "maxLength": 99}, "callbackUrl"),
        "/paths/~1orders/get/parameters/0/schema",
        query({"type": "string", "pattern": "^https://hooks\\.example/[a-z]{1,9}$"}, "callbackUrl"),
    ),
    (
        "sensitive-flow",
        api("/login", "post", {"responses": {"401": PROBLEM}}),
        "/paths/~1login/post/responses",
        api("/login", "post"),
    ),
    ("inner-server", api(servers=[{"url": "https://staging.example.com"}]), "/servers/0", api()),
    ("deprecated-operation", api(operation={"deprecated": True}), "/paths/~1orders/get", api()),
]


@pytest.mark.parametrize(("rule", "weak", "where", "mended"), CASES, ids=[case[0] for case in CASES])
def test_rules(rule: str, weak: dict[str, Any], where: str, mended: dict[str, Any]) -> None:
    found = [weakness for weakness in posture(describe_files({"openapi.json": weak})) if weakness.id == rule]
    assert [weakness.pointer for weakness in found] == [where]
    (weakness,) = found
    assert weakness.severity == RULES[rule].severity
    assert weakness.owasp.startswith("API")
    assert ":2023 " in weakness.owasp
    assert weakness.file == "openapi.json"
    assert weakness.line > 1 or not where
    assert weakness.text
    assert weakness.mend
    assert rule not in {weakness.id for weakness in posture(describe_files({"openapi.json": mended}))}


def test_every_rule_has_a_case() -> None:
    assert [case[0] for case in CASES] == list(RULES)
    assert {rule.risk for rule in RULES.values()} == RISKS.keys()


def test_every_rule_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "description.md").read_text()
    for rule in RULES.values():
        assert f"| `{rule.id}` | {rule.severity} | {rule.owasp.partition(' ')[0]} | {rule.mend} |" in page


def test_a_good_description_has_nothing() -> None:
    assert posture(describe_files({"openapi.json": api()})) == ()


def test_the_worst_comes_first_and_shared_parts_come_once() -> None:
    item = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}
    document = whole({"/a": {"post": item}, "/b": {"post": item}}, components={"schemas": {"A": {"type": "string"}}})
    found = posture(describe_files({"openapi.json": document}))
    assert [weakness.severity for weakness in found] == sorted(
        (weakness.severity for weakness in found), key=["high", "medium", "low", "info"].index
    )
    strings = [weakness for weakness in found if weakness.id == "unbounded-string"]
    assert [(weakness.pointer, weakness.operation) for weakness in strings] == [("/components/schemas/A", "POST /a")]


def test_schemas_that_refer_to_themselves_end() -> None:
    node = closed(next={"$ref": "#/components/schemas/N"}, name={"type": "string"})
    document = sent({"$ref": "#/components/schemas/N"})
    document["components"]["schemas"] = {"N": node}
    found = posture(describe_files({"openapi.json": document}))
    assert [weakness.pointer for weakness in found] == ["/components/schemas/N/properties/name"]


def test_what_the_server_alone_sets_is_not_judged() -> None:
    assert posture(describe_files({"openapi.json": sent(closed(x={"type": "string", "readOnly": True}))})) == ()
