"""Objects that take no property beyond those they name: what `strict` makes of them (OWASP API3:2023, mass assignment).

An object that names none is a map: it stays as it is. So does one that says itself that others may come.
"""

from __future__ import annotations

from typing import Any

from stockade.openapi.schemas.keywords import Reached, Schema, looked_up

_BESIDE = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties")
_MOST = 1000  # schemas looked at for one answer


def may_close(reached: Reached, schema: Any) -> bool:
    """Whether the value has named properties and nothing that may hold for it leaves it open to others."""
    named, waiting, seen = False, [schema], set()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        if len(seen) > _MOST or _is_open(part):
            return False
        named = named or bool(part.get("properties"))
        waiting += _alternatives(reached, part)
    return named


def _alternatives(reached: Reached, part: dict[str, Any]) -> list[Any]:
    found: list[Any] = [part[key] for key in ("then", "else") if key in part]
    for key in ("allOf", "anyOf", "oneOf"):
        if isinstance(part.get(key), list):
            found += part[key]
    if isinstance(part.get("dependentSchemas"), dict):
        found += part["dependentSchemas"].values()
    if isinstance(part.get("$ref"), str):
        found.append(looked_up(reached.document, part["$ref"]))
    return found


def _is_open(part: dict[str, Any]) -> bool:
    if part.get("additionalProperties", False) is not False or part.get("unevaluatedProperties", False) is not False:
        return True
    types = part.get("type")
    is_object = types == "object" or (isinstance(types, list) and "object" in types)
    return (
        is_object and not part.get("properties") and not any(key in part for key in (*_BESIDE, "additionalProperties"))
    )


def closed(schema: Schema) -> Schema:
    """The schema, refusing properties that nothing in it has named."""
    if not isinstance(schema, dict):
        return schema
    if any(key in schema for key in _BESIDE if key != "patternProperties"):
        return {**schema, "unevaluatedProperties": False}
    return {**schema, "additionalProperties": False}
