"""Controls that read a secret field and refuse it say where it stands and what is wrong with it, not what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries.secret_places import FORM, JSON, MARK, PLACES, SECRETS, Sent, World, graphql, posted

NAMES = ("password", "passwd", "newPassword", "pin", "otp", "apiKey", "cvv", "token", "tokens", "client_secret")
# Whatever a schema can find wrong with a text, and with what is no text.
REFUSING: dict[str, Any] = {
    "type": {"type": "integer"},
    "length": {"type": "string", "maxLength": 3},
    "pattern": {"type": "string", "pattern": "^z$"},
    "enum": {"enum": ["right", "wrong"]},
    "const": {"const": "right"},
    "format": {"type": "string", "format": "uuid"},
    "not": {"not": {"type": "string"}},
    "oneOf": {"oneOf": [{"type": "integer"}, {"const": "right"}, {"type": "string", "maxLength": 2}]},
    "unknown": {},
}
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="right"><xs:restriction base="xs:string"><xs:pattern value="z"/></xs:restriction></xs:simpleType>
  <xs:element name="login"><xs:complexType><xs:sequence>
    <xs:element name="user" type="xs:string" minOccurs="0"/>
    <xs:element name="password" type="right" minOccurs="0"/>
  </xs:sequence><xs:attribute name="user"/><xs:attribute name="pin" type="right"/></xs:complexType></xs:element>
</xs:schema>
"""
SDL = "enum Right { RIGHT } type Query { ping: Int } type Mutation { login(password: Right!, pin: Int): String }"
IDS = ["query.password", "header.x-api-key", "body.apiKey", "body.passwd", "body.user.login.otp", "body.tokens[*]"]


def described(refusing: dict[str, Any]) -> dict[str, Any]:
    fields = dict.fromkeys(NAMES, refusing) if refusing else {"user": {"type": "string"}}
    user = {"type": "object", "properties": {"login": {"type": "object", "properties": {"otp": refusing}}}}
    several = {"type": "array", "items": refusing}
    properties = {**fields, "tokens": several, "credentials": {"properties": {"value": refusing}}}
    schema = {"type": "object", "properties": {**properties, "user": {"anyOf": [{"type": "string"}, user]}}}
    places = [("query", "password"), ("header", "x-api-key"), ("cookie", "anything"), ("header", "x-plain")]
    parameters = [{"in": place, "name": name, "schema": refusing or {"type": "string"}} for place, name in places]
    content = {kind: {"schema": schema} for kind in (JSON, FORM, "multipart/form-data")}
    answers = {"responses": {"200": {"description": "done"}}}
    operations = {
        "get": {"parameters": parameters, **answers},
        "post": {"requestBody": {"content": content}, **answers},
    }
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/things": operations}}


def contract(folder: Path, refusing: str) -> dict[str, Any]:
    (folder / "openapi.json").write_text(json.dumps(described(REFUSING[refusing])))
    return {"openapi": "openapi.json", "schema": {"mode": "monitor", "strict": refusing == "unknown"}}


def xsd(folder: Path) -> dict[str, Any]:
    (folder / "login.xsd").write_text(XSD)
    return {"schema": {"mode": "monitor", "operations": {"POST /things": {"xml": ["login.xsd"]}}}}


def of_graphql(folder: Path) -> dict[str, Any]:
    (folder / "schema.graphql").write_text(SDL)
    return {"graphql": {"mode": "monitor", "path": "/things", "schema": "schema.graphql"}}


def structure(_: Path) -> dict[str, Any]:
    limits = {"string": "3B", "depth": 1, "items": 1, "name": 2, "fields": 1, "parts": 1, "files": 0, "elements": 1}
    return {"schema": {"mode": "monitor", "limits": limits}}


def properties(_: Path) -> dict[str, Any]:
    rule = {"properties": [*NAMES, "credentials"], "roles": ["admin"]}
    return {"authorization": {"mode": "monitor", "default": "allow", "properties": [rule]}}


def ownership(_: Path) -> dict[str, Any]:
    rules = {"type": "thing", "id": IDS, "operations": ["* /things"], "owner": "claim:sub", "form": "text"}
    return {"ownership": [rules]}


def firewall(_: Path) -> dict[str, Any]:
    return {"firewall": {"mode": "monitor", "methods": ["PUT"], "media_types": ["text/csv"]}}


def keys(folder: Path) -> dict[str, Any]:
    (folder / "shared").write_text("0123456789abcdef0123456789")
    schemes = [{"api_key": {}}, {"webhook": {"style": "github", "secrets": [{"file": "shared"}]}}]
    return {"authentication": {"mode": "monitor", "any_of": schemes}}


MAKERS: dict[str, Any] = {
    **{f"contract, {name}": lambda folder, name=name: contract(folder, name) for name in REFUSING},
    "XML Schema": xsd,
    "GraphQL": of_graphql,
    "structure": structure,
    "properties": properties,
    "ownership": ownership,
    "firewall": firewall,
    "authentication": keys,
}


@pytest.fixture(scope="module", params=MAKERS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("controls")
    made = World(folder, **MAKERS[request.param](folder))
    yield made
    made.close()


def found(world: World, sent: Sent) -> int:
    """How many findings the request has; none says what is secret."""
    record, written = world.told(sent)
    assert MARK not in re.sub(r"\W|[0-9]", "", written.lower())
    return len(record.findings)


def test_nothing_of_a_secret_is_written(world: World) -> None:
    """Every control complains of some place."""
    assert sum(found(world, PLACES[place](secret)) for place in PLACES for secret in SECRETS.values())


VARIABLES = {"query": "mutation ($p: Right!, $n: Int) { login(password: $p, pin: $n) }"}


@pytest.mark.parametrize("name", ["p", "n", "password"])
def test_a_variable_of_graphql_is_not_told(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, **of_graphql(tmp_path))
    try:
        assert found(world, graphql(SECRETS["sql"]))
        for value in (SECRETS["sql"], [SECRETS["sql"]], {"password": SECRETS["sql"]}):
            assert found(world, posted(JSON, json.dumps({**VARIABLES, "variables": {name: value}})))
    finally:
        world.close()
