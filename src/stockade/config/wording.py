"""Pydantic's errors in our words, each with its line: what is wrong, and how to mend it."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from stockade.config.errors import Problem, did_you_mean, written
from stockade.config.reading import Place, nearest_line
from stockade.config.units import size_text

_MOST = 1000  # errors that are put into words


def explain(file: str, lines: Mapping[Place, int], model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """The problems of a mapping that should have become a `model`."""
    items = error.errors(include_url=False)[:_MOST]
    return [Problem(file, nearest_line(lines, item["loc"]), _words(model, dict(item))) for item in items]


def _words(model: type[BaseModel], item: dict[str, Any]) -> str:
    place: Place = item["loc"]
    name = ".".join(part for part in place if isinstance(part, str))
    if item["type"] == "extra_forbidden":
        return _unknown_key(model, place)
    if item["type"] == "missing":
        description = _fields(model, place[:-1])[str(place[-1])].description
        return f"{name} is missing" + (f" ({description.rstrip('.')})" if description else "")
    say = _SAYINGS.get(item["type"])
    message = say(item) if say is not None else _lower(item["msg"])
    return f"{name}: {message}" if name else message


def _unknown_key(model: type[BaseModel], place: Place) -> str:
    key, known = str(place[-1]), list(_fields(model, place[:-1]))
    around = ".".join(part for part in place[:-1] if isinstance(part, str))
    hint = did_you_mean(key, known) or f"; there are {', '.join(known)}"
    return f"unknown key {key[:60]!r}{f' in {around}' if around else ''}{hint}"


def _fields(model: type[BaseModel], place: Place) -> dict[str, FieldInfo]:
    """The keys that may stand at a place: walk down the models."""
    current = [model]
    for part in place:
        if isinstance(part, str):
            found = [fields[part] for fields in map(_by_key, current) if part in fields]
            current = [inner for field in found for inner in _models_in(field.annotation)]
    return {key: field for known in current for key, field in _by_key(known).items()}


def _by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model as they are written."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _own(item: dict[str, Any]) -> str:
    return str(item["msg"]).removeprefix("Value error, ")


def _not_text(item: dict[str, Any]) -> str:
    value = item["input"]
    if isinstance(value, bool | int | float):
        return f"{written(value)} must be text: put it in quotes"
    return "must be text"


def _not_one_of(item: dict[str, Any]) -> str:
    expected = str(item["ctx"]["expected"])
    value = item["input"]
    if not isinstance(value, str | bool | int | float):
        return f"must be {expected}"
    if " or " not in expected:
        return f"must be {expected}, not {written(value)}"
    hint = did_you_mean(value, re.findall(r"'([^']*)'", expected)) if isinstance(value, str) else ""
    return f"{written(value)} is not {expected}{hint}"


def _bound(item: dict[str, Any], key: str) -> str:
    bound: int = item["ctx"][key]
    return size_text(bound) if isinstance(item["input"], str) and "B" in item["input"] else str(bound)


_SAYINGS: dict[str, Callable[[dict[str, Any]], str]] = {
    "value_error": _own,
    "string_type": _not_text,
    "path_type": _not_text,
    "literal_error": _not_one_of,
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list: entries that begin with `- `, each on a line of its own, or [one, two]",
    "model_type": lambda _: "must be a mapping: keys and values, as in `key: value`",
    "too_short": lambda _: "the list must have at least one entry",
    "string_too_short": lambda _: "must not be empty",
    "greater_than_equal": lambda item: f"{written(item['input'])} is too little; the least is {_bound(item, 'ge')}",
    "less_than_equal": lambda item: f"{written(item['input'])} is too much; the most is {_bound(item, 'le')}",
}
