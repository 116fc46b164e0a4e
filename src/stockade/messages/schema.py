"""JSON messages and their schema (JSON Schema, any draft that `$schema` may name; 2020-12 where it names none)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class BadSchema(ValueError):
    """Not a schema that can be used. The text says why."""


class NotJson(ValueError):
    """What a message has wrong before any schema: JSON pointer and rule."""

    def __init__(self, pointer: str, rule: str) -> None:
        super().__init__(rule)
        self.fault = (pointer, rule)


class MessageSchema:
    """Says what a message has wrong. Patterns run in linear time; nothing is ever fetched. Raises BadSchema.

    read: a strict reader of JSON, which raises NotJson and nothing else.
    """

    def __init__(self, document: Any, read: Callable[[bytes], Any]) -> None:
        import jsonschema_rs  # takes its time, and most policies have no such schema

        self._read = read
        try:
            self._validator = jsonschema_rs.validator_for(
                document, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
            reason = getattr(error, "message", None) or str(error)
            raise BadSchema(str(reason).splitlines()[0]) from None

    def fault(self, data: bytes) -> tuple[str, str] | None:
        """JSON pointer and rule of the first fault; None when there is none."""
        try:
            value = self._read(data)
        except NotJson as unread:
            return unread.fault
        try:
            if self._validator.is_valid(value):
                return None
            error = next(self._validator.iter_errors(value))
        except (ValueError, OverflowError, RecursionError):  # an instance that the validator itself cannot read
            return "", "json"
        return _pointer(error.instance_path), str(error.kind.name)


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
