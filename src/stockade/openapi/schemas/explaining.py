"""From a validator's error to faults: what to mend, in words that hold nothing of the value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import ValidationError

from stockade.openapi.faults import Fault, pointer_of

_LONGEST = 200  # characters of a message
_MOST_NAMED = 5  # names or values told in one message
_DEEPEST = 4  # alternatives within alternatives
_ONE_OF = frozenset({"anyOf", "oneOf"})
_RULES = {
    "additionalProperties": "unknown-property",
    "unevaluatedProperties": "unknown-property",
    "additionalItems": "unknown-item",
    "unevaluatedItems": "unknown-item",
    "falseSchema": "forbidden",
    "constant": "const",
}
# What a kind of error is called, and what to say of the one attribute that it has.
_TEXTS = {
    "type": "must be of type {}",
    "required": "the property {} is required",
    "enum": "must be one of {}",
    "const": "must be {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be greater than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "pattern": "must match the pattern {}",
    "format": "must be of the format {}",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "uniqueItems": "must not have the same item twice",
    "contains": "lacks an item of the kind that it must have",
    "minProperties": "must have at least {} properties",
    "maxProperties": "must have at most {} properties",
    "unknown-property": "has properties that are not allowed: {}",
    "unknown-item": "has more items than allowed",
    "propertyNames": "has a property whose name is not allowed",
    "forbidden": "must not be there",
    "not": "must not be of this kind",
}


def explained(error: ValidationError, where: str, pointer: str, depth: int = 0) -> Iterator[Fault]:
    """The fault that an error stands for; several where one alternative was clearly meant.

    pointer: of the value that was checked, within the one that `where` names.
    """
    name = error.kind.name
    if name in _ONE_OF and depth < _DEEPEST:
        meant = _meant(getattr(error.kind, "context", []))
        if meant:
            for inner in meant:
                yield from explained(inner, where, pointer, depth + 1)
            return
    place = pointer + pointer_of(error.instance_path)
    hidden = _hidden(error)
    if hidden:
        yield Fault(where, place, hidden[0], hidden[1])
        return
    rule = _RULES.get(name, name)
    yield Fault(where, place, rule, _message(rule, error))


def _meant(context: list[list[ValidationError]]) -> list[ValidationError]:
    """The errors of the one alternative that the value resembles: the only one whose kind of value it is."""
    near = [errors for errors in context if errors and not any(_is_of_another_kind(error) for error in errors)]
    return near[0] if len(near) == 1 else []


def _is_of_another_kind(error: ValidationError) -> bool:
    """The type of the whole is wrong, or a property that can have but one value has another."""
    name, depth = error.kind.name, len(error.instance_path)
    return (name == "type" and depth == 0) or (name in ("const", "constant", "enum") and depth <= 1)


def _hidden(error: ValidationError) -> tuple[str, str] | None:
    schema = getattr(error.kind, "schema", None) if error.kind.name == "not" else None
    reason = schema.get("$comment") if isinstance(schema, dict) and len(schema) == 1 else None
    if reason == "readOnly":
        return "read-only", "is read-only: it must not be sent"
    return ("write-only", "is write-only: it must not be shown") if reason == "writeOnly" else None


def _message(rule: str, error: ValidationError) -> str:
    text = _TEXTS.get(rule)
    if text is None:
        return "fits none of the alternatives" if rule in _ONE_OF else "is not valid"
    return text.format(_shown(error.kind.value) if "{}" in text else "")[:_LONGEST]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        more = f" and {len(value) - _MOST_NAMED} more" if len(value) > _MOST_NAMED else ""
        return ", ".join(_shown(item) for item in value[:_MOST_NAMED]) + more
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = f'"{value}"' if isinstance(value, str) else "null" if value is None else str(value)
    text = text.lower() if isinstance(value, bool) else text
    return text if len(text) <= _LONGEST // 2 else f"{text[: _LONGEST // 2]}…"
