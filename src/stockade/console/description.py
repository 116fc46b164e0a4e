"""The admin API as an OpenAPI 3.1 description, made of the same table that is served."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from stockade import __version__
from stockade.console.operation import PREFIX, Operation

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ERRORS = {
    "400": "The request cannot be read.",
    "401": "No good API key.",
    "403": "The key's scopes do not allow it.",
    "404": "Nothing of that name.",
    "409": "The name is taken.",
    "422": "The body is not as it must be; `errors` says where.",
    "503": "The database cannot be used now.",
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Problem": _PROBLEM_SCHEMA}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation)
        if operation.body is not None:
            schema = operation.body.model_json_schema()
            schemas |= schema.pop("$defs", {})
            schemas[operation.body.__name__] = schema
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stockade admin API", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key of ours."}},
        },
        "security": [{"key": []}],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    names = [(name, "path") for name in re.findall(r"{(\w+)}", operation.path)]
    names += [(name, "query") for name in operation.query]
    verb = {"GET": "get", "POST": "create", "PATCH": "change", "DELETE": "end"}[operation.method]
    said: dict[str, Any] = {
        "operationId": re.sub(r"[^a-z]+", "_", f"{verb}{operation.path}").strip("_"),
        "summary": operation.summary,
        "description": f"Scope: `stockade:{operation.resource}:{operation.right}`.",
        "tags": [operation.resource],
        "parameters": [
            {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}
            for name, place in names
        ],
        "responses": {
            str(operation.status): {
                "description": "Done.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **{status: {"description": text, "content": _PROBLEM} for status, text in _ERRORS.items()},
        },
    }
    if operation.body is not None:
        reference = {"$ref": f"#/components/schemas/{operation.body.__name__}"}
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return said
