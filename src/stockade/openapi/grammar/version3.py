"""The objects of OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/v3.1.1.html, section 4.8)."""

from __future__ import annotations

from typing import Any

from stockade.openapi.grammar.schemas import SCHEMA
from stockade.openapi.grammar.shapes import (
    ANY,
    DOCUMENTATION,
    FLAG,
    TEXT,
    Choice,
    Leaf,
    Listed,
    Mapped,
    Object,
    Shape,
)

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SECURITY = Listed(Mapped(Listed(TEXT)))
STATUS = (r"default|[1-5](?:[0-9][0-9]|XX|xx)", "a status such as 200, 4XX or default")
MEDIA_TYPE = (r"[^\s/;]+/[^\s/;]+\s*(?:;.*)?", "a media type such as application/json")
_STYLES = ("matrix", "label", "simple", "form", "spaceDelimited", "pipeDelimited", "deepObject")

SECTIONS = {
    name: ("components", name)
    for name in (
        "schemas",
        "responses",
        "parameters",
        "examples",
        "requestBodies",
        "headers",
        "securitySchemes",
        "links",
        "callbacks",
        "pathItems",
    )
}


class _InPaths(Object):
    """A path item in `paths`: what it refers to is put in its place, for it may have keys beside the reference."""

    def copy(self, value: Any, walk: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            found = walk.splice(value, self)
            rest = {key: part for key, part in value.items() if key != "$ref"}
            return {**found, **self.members(rest, walk)} if rest else found
        return super().copy(value, walk)


class _Content(Mapped):
    """Media types. The key `*`, which some write for any, is read as `*/*`."""

    def copy(self, value: Any, walk: Any) -> Any:
        if isinstance(value, dict) and "*" in value:
            walk.remark("the media type '*' is read as */*")
            value = {"*/*" if key == "*" else key: part for key, part in value.items()}
        return super().copy(value, walk)


class _CallbackMap(Mapped):
    """Expressions to path items; it may be named by reference like an object."""

    section = "callbacks"

    def copy(self, value: Any, walk: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            return walk.refer(value, self)
        return super().copy(value, walk)


def _parameters() -> tuple[Object, Object, Shape]:
    """Parameter, Header and the mapping of media types, which hold one another."""
    example = Object("an example", "examples")
    example.fields = {"summary": DOCUMENTATION, "description": DOCUMENTATION, "value": ANY, "externalValue": ANY}
    media_type, encoding = Object("a media type"), Object("an encoding")
    header = Object("a header", "headers")
    content = _Content(media_type, MEDIA_TYPE, extensible=True)
    written: dict[str, Shape] = {
        "description": DOCUMENTATION,
        "required": FLAG,
        "deprecated": FLAG,
        "allowEmptyValue": FLAG,
        "style": Choice(*_STYLES),
        "explode": FLAG,
        "allowReserved": FLAG,
        "schema": SCHEMA,
        "example": ANY,
        "examples": Mapped(example),
        "content": content,
    }
    parameter = Object("a parameter", "parameters", required=["name", "in"])
    parameter.fields = {"name": TEXT, "in": Choice("query", "header", "path", "cookie"), **written}
    header.fields = written
    encoding.fields = {
        "contentType": TEXT,
        "headers": Mapped(header),
        "style": Choice(*_STYLES),
        "explode": FLAG,
        "allowReserved": FLAG,
    }
    media_type.fields = {
        "schema": SCHEMA,
        "example": ANY,
        "examples": Mapped(example),
        "encoding": Mapped(encoding),
    }
    return parameter, header, content


def _security_scheme() -> Object:
    flow = Object("an OAuth flow")
    flow.fields = {
        "authorizationUrl": TEXT,
        "tokenUrl": TEXT,
        "refreshUrl": TEXT,
        "scopes": Mapped(DOCUMENTATION),
    }
    flows = Object("the OAuth flows")
    flows.fields = dict.fromkeys(("implicit", "password", "clientCredentials", "authorizationCode"), flow)
    scheme = Object("a security scheme", "securitySchemes", required=["type"])
    scheme.fields = {
        "type": Choice("apiKey", "http", "mutualTLS", "oauth2", "openIdConnect"),
        "description": DOCUMENTATION,
        "name": TEXT,
        "in": Choice("query", "header", "cookie"),
        "scheme": TEXT,
        "bearerFormat": DOCUMENTATION,
        "flows": flows,
        "openIdConnectUrl": TEXT,
    }
    return scheme


def _servers() -> Shape:
    variable = Object("a server variable")
    variable.fields = {
        "enum": Listed(Leaf("text", lambda value: isinstance(value, str | int | float), "")),
        "default": Leaf("text", lambda value: isinstance(value, str | int | float), ""),
        "description": DOCUMENTATION,
    }
    server = Object("a server", required=["url"])
    server.fields = {
        "url": TEXT,
        "name": DOCUMENTATION,
        "description": DOCUMENTATION,
        "variables": Mapped(variable),
    }
    return Listed(server)


def root() -> Object:
    """The OpenAPI Object."""
    parameter, header, content = _parameters()
    servers = _servers()
    link, response = Object("a link", "links"), Object("a response", "responses")
    link.fields = dict.fromkeys(
        ("operationRef", "operationId", "parameters", "requestBody", "description", "server"), DOCUMENTATION
    )
    response.fields = {
        "description": DOCUMENTATION,
        "summary": DOCUMENTATION,
        "headers": Mapped(header),
        "content": content,
        "links": Mapped(link),
    }
    body = Object("a request body", "requestBodies", required=["content"])
    body.fields = {"description": DOCUMENTATION, "content": content, "required": FLAG}
    operation, item, in_paths = Object("an operation"), Object("a path item", "pathItems"), _InPaths("a path item")
    callback = _CallbackMap(item, extensible=True)
    documented = dict.fromkeys(("tags", "summary", "description", "externalDocs"), DOCUMENTATION)
    operation.fields = {
        **documented,
        "operationId": TEXT,
        "parameters": Listed(parameter),
        "requestBody": body,
        "responses": Mapped(response, STATUS, extensible=True),
        "callbacks": Mapped(callback),
        "deprecated": FLAG,
        "security": SECURITY,
        "servers": servers,
    }
    item.fields = {
        "summary": DOCUMENTATION,
        "description": DOCUMENTATION,
        "servers": servers,
        "parameters": Listed(parameter),
        **dict.fromkeys(METHODS, operation),
    }
    in_paths.fields = item.fields
    components = Object("the components")
    kept: dict[str, Shape] = {
        "schemas": SCHEMA,
        "responses": response,
        "parameters": parameter,
        "examples": DOCUMENTATION,
        "requestBodies": body,
        "headers": header,
        "securitySchemes": _security_scheme(),
        "links": link,
        "callbacks": callback,
        "pathItems": item,
    }
    components.fields = {name: Mapped(shape) for name, shape in kept.items()}
    made = Object("an OpenAPI description", required=[])
    made.fields = {
        **dict.fromkeys(("openapi", "info", "tags", "externalDocs", "jsonSchemaDialect", "$self"), DOCUMENTATION),
        "servers": servers,
        "paths": Mapped(in_paths, extensible=True),
        "webhooks": Mapped(item),
        "components": components,
        "security": SECURITY,
    }
    return made


ROOT = root()
