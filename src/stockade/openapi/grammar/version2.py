"""The objects of Swagger 2.0 (https://spec.openapis.org/oas/v2.0.html)."""

from __future__ import annotations

from stockade.openapi.grammar.schemas import SCHEMA
from stockade.openapi.grammar.shapes import DOCUMENTATION, FLAG, TEXT, Choice, Listed, Mapped, Object, Shape
from stockade.openapi.grammar.version3 import METHODS, SECURITY, STATUS, _InPaths

SECTIONS = {
    "schemas": ("definitions",),
    "responses": ("responses",),
    "parameters": ("parameters",),
    "securitySchemes": ("securityDefinitions",),
}
_MOST_TYPES = 64  # media types of an operation: each has a copy of the schema
_FORMATS = ("csv", "ssv", "tsv", "pipes", "multi")
VALUE_KEYWORDS = (
    *("type", "format", "items", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
    *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "enum", "multipleOf"),
    *("x-nullable", "x-example", "example"),
)
"""What a parameter that is no body, and a header, says of its value."""


def root() -> Object:
    """The Swagger Object."""
    described: dict[str, Shape] = {key: SCHEMA.fields.get(key, DOCUMENTATION) for key in VALUE_KEYWORDS}
    items = Object("the items of an array")
    items.fields = {**described, "items": items, "collectionFormat": Choice(*_FORMATS)}
    described["items"] = items
    parameter = Object("a parameter", "parameters", required=["name", "in"])
    parameter.fields = {
        **described,
        "name": TEXT,
        "in": Choice("query", "header", "path", "formData", "body"),
        "description": DOCUMENTATION,
        "required": FLAG,
        "schema": SCHEMA,
        "allowEmptyValue": FLAG,
        "collectionFormat": Choice(*_FORMATS),
    }
    header = Object("a header")
    header.fields = {**described, "description": DOCUMENTATION, "collectionFormat": Choice(*_FORMATS)}
    response = Object("a response", "responses")
    response.fields = {
        "description": DOCUMENTATION,
        "schema": SCHEMA,
        "headers": Mapped(header),
        "examples": DOCUMENTATION,
    }
    types, schemes = Listed(TEXT, most=_MOST_TYPES), Listed(Choice("http", "https", "ws", "wss"))
    operation, item = Object("an operation"), _InPaths("a path item")
    operation.fields = {
        **dict.fromkeys(("tags", "summary", "description", "externalDocs"), DOCUMENTATION),
        "operationId": TEXT,
        "consumes": types,
        "produces": types,
        "parameters": Listed(parameter),
        "responses": Mapped(response, STATUS, extensible=True),
        "schemes": schemes,
        "deprecated": FLAG,
        "security": SECURITY,
    }
    item.fields = {"parameters": Listed(parameter), **dict.fromkeys(METHODS, operation)}
    made = Object("a Swagger description")
    made.fields = {
        **dict.fromkeys(("swagger", "info", "tags", "externalDocs"), DOCUMENTATION),
        "host": TEXT,
        "basePath": TEXT,
        "schemes": schemes,
        "consumes": types,
        "produces": types,
        "paths": Mapped(item, extensible=True),
        "definitions": Mapped(SCHEMA),
        "parameters": Mapped(parameter),
        "responses": Mapped(response),
        "securityDefinitions": Mapped(_security_scheme()),
        "security": SECURITY,
    }
    return made


def _security_scheme() -> Object:
    scheme = Object("a security scheme", "securitySchemes", required=["type"])
    scheme.fields = {
        "type": Choice("basic", "apiKey", "oauth2"),
        "description": DOCUMENTATION,
        "name": TEXT,
        "in": Choice("query", "header"),
        "flow": Choice("implicit", "password", "application", "accessCode"),
        "authorizationUrl": TEXT,
        "tokenUrl": TEXT,
        "scopes": Mapped(DOCUMENTATION, extensible=True),
    }
    return scheme


ROOT = root()
