"""Schemas of OpenAPI 3.0 and Swagger 2.0 in the words of JSON Schema 2020-12, which OpenAPI 3.1 uses.

See "Migrating from OpenAPI 3.0 to 3.1.0", https://www.openapis.org/blog/2021/02/16/migrating-from-openapi-3-0-to-3-1-0.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_BINARY = "application/octet-stream"


def modernize(schema: Json) -> None:
    """Rewrite one schema in place; those within it have been, or will be, on their own."""
    nullable = schema.pop("nullable", False)
    if schema.pop("x-nullable", False) or nullable:
        _admit_null(schema)
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        _exclude(schema, bound, limit)
    if "example" in schema:
        example = schema.pop("example")
        schema.setdefault("examples", [example])
    if schema.get("type") == "file":
        schema["type"], schema["format"] = "string", "binary"
    _encode(schema)


def modernize_all(schema: Json) -> Json:
    """The same for a value that is described outside of a schema (version 2.0), whose items may be arrays."""
    modernize(schema)
    if isinstance(schema.get("items"), dict):
        schema["items"] = modernize_all(dict(schema["items"]))
    return schema


def _admit_null(schema: Json) -> None:
    """`nullable` adds null to the stated type and does nothing without one (3.0.3, section 4.7.24)."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        schema["type"] = [kind, "null"]
    elif isinstance(kind, list) and "null" not in kind:
        schema["type"] = [*kind, "null"]


def _exclude(schema: Json, bound: str, limit: str) -> None:
    if not isinstance(schema.get(bound), bool):
        return
    if schema.pop(bound) and limit in schema:
        schema[bound] = schema.pop(limit)


def _encode(schema: Json) -> None:
    if schema.get("format") == "binary":
        del schema["format"]
        schema.setdefault("contentMediaType", _BINARY)
    elif schema.get("format") in ("byte", "base64"):
        del schema["format"]
        schema.setdefault("contentEncoding", "base64")
