"""The Schema Object of all versions at once: JSON Schema 2020-12, and what 3.0 and 2.0 wrote otherwise.

Who writes `const` or a list of types in a description of version 3.0 is understood; what only old versions have
(`nullable`, `exclusiveMinimum: true`, `example`) is rewritten by `schema_dialects` once the schema is whole.
"""

from __future__ import annotations

from typing import Any

from stockade.openapi.grammar.shapes import (
    ANY,
    COUNT,
    DOCUMENTATION,
    FLAG,
    NUMBER,
    POSITIVE,
    TEXT,
    Choice,
    Leaf,
    Listed,
    Mapped,
    Object,
    Shape,
    Walk,
)

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_NAME = Choice(*TYPES, old="file")  # which Swagger 2.0 alone may say


class _Types(Shape):
    words = f"one of {', '.join(TYPES)}, or a list of them"

    def copy(self, value: Any, walk: Walk) -> Any:
        if isinstance(value, list):
            made = [kind for kind in Listed(_NAME, least=1, distinct=True).copy(value, walk) if kind is not None]
        else:
            made = _NAME.copy(value, walk)
        return made or list(TYPES)


class _Required(Shape):
    """The names of required properties; `required: true` on a property itself is an old mistake that says nothing."""

    _names = Listed(TEXT)

    def copy(self, value: Any, walk: Walk) -> Any:
        if isinstance(value, bool):
            walk.remark("`required: true` on a property says nothing; list its name at the object's `required`")
            return []
        return list(dict.fromkeys(self._names.copy(value, walk)))


class _Bound(Shape):
    words = "a number (or true or false, in OpenAPI 3.0 and 2.0)"

    def copy(self, value: Any, walk: Walk) -> Any:
        return value if isinstance(value, int | float) else self.wrong(value, walk)

    def empty(self) -> Any:
        return False


class _Discriminator(Object):
    def copy(self, value: Any, walk: Walk) -> Any:
        if isinstance(value, str):  # version 2.0
            return {"propertyName": value}
        return super().copy(value, walk)


class _MappingTarget(Shape):
    words = "the name of a schema, or a reference to one"

    def copy(self, value: Any, walk: Walk) -> Any:
        return walk.mapping_target(value) if isinstance(value, str) else self.wrong(value, walk)

    def empty(self) -> Any:
        return ""


class _Schema(Object):
    def copy(self, value: Any, walk: Walk) -> Any:
        if isinstance(value, bool):
            return value
        if not isinstance(value, dict):
            return self.wrong(value, walk)
        name = value.get("$id")
        if not isinstance(name, str):
            return self._whole(value, walk)
        walk.enter_id(name)
        try:
            return self._whole(value, walk)
        finally:
            walk.leave_id()

    def _whole(self, value: dict[str, Any], walk: Walk) -> Any:
        if isinstance(value.get("$ref"), str):
            return walk.refer(value, self)
        return self.rest(value, walk)

    def rest(self, value: dict[str, Any], walk: Walk) -> dict[str, Any]:
        """All but what is referred to."""
        made = self.members(value, walk)
        walk.finish_schema(made)
        return made

    def unknown(self, key: str, walk: Walk) -> None:
        """A schema may have keywords that nobody knows; only a likely mistake is worth a word."""
        hint = walk.near(key, self.fields)
        if hint:
            walk.remark(f"{key[:60]!r} is no keyword of a schema, and is ignored{hint}")


def _made() -> _Schema:
    schema = _Schema("a schema", "schemas")
    schemas = Mapped(schema)
    several = Listed(schema, least=1)
    discriminator = _Discriminator("a discriminator", required=["propertyName"])
    discriminator.fields = {"propertyName": TEXT, "mapping": Mapped(_MappingTarget())}
    fields: dict[str, Shape] = dict.fromkeys(("$schema", "$id", "$anchor"), TEXT)
    fields |= dict.fromkeys(("$dynamicAnchor", "$dynamicRef", "pattern", "format"), TEXT)
    fields |= dict.fromkeys(("contentEncoding", "contentMediaType"), TEXT)
    fields |= dict.fromkeys(("$comment", "title", "description", "deprecated", "externalDocs", "xml"), DOCUMENTATION)
    fields |= dict.fromkeys(("example", "default", "const"), ANY)
    fields |= dict.fromkeys(("$defs", "definitions", "properties", "patternProperties", "dependentSchemas"), schemas)
    fields |= dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), several)
    fields |= dict.fromkeys(("not", "if", "then", "else", "items", "contains", "propertyNames"), schema)
    fields |= dict.fromkeys(("additionalProperties", "unevaluatedItems", "unevaluatedProperties"), schema)
    fields |= dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), COUNT)
    fields |= dict.fromkeys(("minProperties", "maxProperties"), COUNT)
    fields |= dict.fromkeys(("minimum", "maximum"), NUMBER)
    fields |= dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), _Bound())
    fields |= dict.fromkeys(("uniqueItems", "readOnly", "writeOnly", "nullable", "x-nullable"), FLAG)
    schema.fields = fields | {
        "contentSchema": schema,
        "dependentRequired": Mapped(Listed(TEXT)),
        "discriminator": discriminator,
        "enum": Listed(ANY),
        "examples": Leaf("a list", lambda value: isinstance(value, list | dict), []),
        "multipleOf": POSITIVE,
        "required": _Required(),
        "type": _Types(),
    }
    return schema


SCHEMA = _made()
