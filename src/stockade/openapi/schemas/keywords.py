"""Where in a schema other schemas stand (JSON Schema 2020-12, core, section 10), and what a reference leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote

Schema: TypeAlias = "dict[str, Any] | bool"
BASE = "urn:stockade:description"  # the name under which a validator knows the document

ONE = frozenset(
    {
        "additionalProperties",
        "unevaluatedProperties",
        "items",
        "unevaluatedItems",
        "contains",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "contentSchema",
    }
)
MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_MOST_REFERENCES = 32  # one after the other


def mapped(schema: dict[str, Any], change: Callable[[Schema, str, str], Schema]) -> dict[str, Any]:
    """A copy whose direct subschemas are what `change(subschema, keyword, pointer within the schema)` makes of them."""
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ONE and is_schema(value):
            value = change(value, keyword, f"/{keyword}")
        elif keyword in MANY and isinstance(value, list):
            value = [
                change(part, keyword, f"/{keyword}/{index}") if is_schema(part) else part
                for index, part in enumerate(value)
            ]
        elif keyword in NAMED and isinstance(value, dict):
            value = {
                name: change(part, keyword, f"/{keyword}/{_escaped(name)}") if is_schema(part) else part
                for name, part in value.items()
            }
        made[keyword] = value
    return made


def is_schema(value: object) -> bool:
    return isinstance(value, dict | bool)


def _escaped(token: str) -> str:
    return str(token).replace("~", "~0").replace("/", "~1")


def looked_up(document: Any, reference: str) -> Any:
    """What "#/components/…" leads to in the document (RFC 6901, section 6); None when it leads nowhere."""
    reference = reference.removeprefix(BASE)
    if not reference.startswith("#"):
        return None
    value = document
    for token in unquote(reference[1:]).split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and token.isascii() and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        elif isinstance(value, dict):
            value = value.get(token)
        else:
            return None
    return value


def resolved(document: Any, value: Any) -> Any:
    """What a chain of references stands for; None when it leads nowhere or round in a circle."""
    for _ in range(_MOST_REFERENCES):
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str):
            return value
        value = looked_up(document, reference)
    return None


def absolute(schema: dict[str, Any]) -> None:
    """Let the reference of the schema (a copy of ours) say whose components it means."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/components/"):
        schema["$ref"] = BASE + reference


class Reached:
    """The schemas that hold for the same value: a schema, what it refers to, and the parts of its `allOf`."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def together(self, schema: Any) -> Iterator[dict[str, Any]]:
        """Every schema object that the value must meet in any case; each once."""
        seen: set[int] = set()
        waiting = [schema]
        while waiting:
            part = waiting.pop()
            if not isinstance(part, dict) or id(part) in seen:
                continue
            seen.add(id(part))
            yield part
            if isinstance(part.get("$ref"), str):
                waiting.append(looked_up(self.document, part["$ref"]))
            if isinstance(part.get("allOf"), list):
                waiting.extend(part["allOf"])
