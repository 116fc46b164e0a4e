"""JSON messages and their schema (JSON Schema, any draft that `$schema` may name; 2020-12 where it names none)."""

from __future__ import annotations

import json
from math import isinf
from typing import Any, NoReturn

import jsonschema_rs


class BadSchema(ValueError):
    """Not a schema that can be used. The text says why."""


class MessageSchema:
    """Says what a message has wrong. Patterns run in linear time; nothing is ever fetched. Raises BadSchema."""

    def __init__(self, document: Any) -> None:
        try:
            self._validator = jsonschema_rs.validator_for(
                document, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
            reason = getattr(error, "message", None) or str(error)
            raise BadSchema(str(reason).splitlines()[0]) from None

    def fault(self, data: bytes) -> tuple[str, str] | None:
        """JSON pointer and rule of the first fault; None when there is none. What is no JSON breaks the rule "json"."""
        try:
            value = _read(data)
        except (ValueError, RecursionError):
            return "", "json"
        try:
            if self._validator.is_valid(value):
                return None
            error = next(self._validator.iter_errors(value))
        except (ValueError, OverflowError):  # an instance that the validator itself cannot read
            return "", "json"
        return _pointer(error.instance_path), str(error.kind.name)


def _read(data: bytes) -> Any:
    """Strictly RFC 8259: what two parsers could read differently is no JSON. Raises ValueError or RecursionError."""
    text = data.decode()
    if text[:1] == "\ufeff":
        raise ValueError("a byte order mark")
    value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates have no UTF-8
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _float(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError("a number that has no double")
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
