"""From the parts that a style found to a value of the schema's types: the ways in which a text can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockade.openapi.faults import Unreadable
from stockade.openapi.parameters.coercion import scalar_reader
from stockade.openapi.parameters.shapes import TEXT, Shape
from stockade.openapi.parameters.styles import Kind, Parts

Convert = Callable[[Parts], Any]


def kinds_of(shape: Shape) -> tuple[Kind, ...]:
    """What parts a value of this shape may have, the simplest first. Where nothing is allowed it is read as text."""
    kinds: list[Kind] = ["text"] if shape.scalars - {"null"} else []
    if "array" in shape.types:
        kinds.append("list")
    if "object" in shape.types:
        kinds.append("object")
    return tuple(kinds) or ("text",)


def converters(shape: Shape, kind: Kind) -> tuple[Convert, ...]:
    """The ways to give the parts their types. The second, if any, takes for text what could be a number."""
    first = _converter(shape, kind, prefer_text=False)
    return (first, _converter(shape, kind, prefer_text=True)) if _is_mixed(shape, kind) else (first,)


def _is_mixed(shape: Shape, kind: Kind) -> bool:
    if kind == "text":
        return "string" in shape.types and bool(shape.types & {"integer", "number", "boolean"})
    inner = [shape.items] if kind == "list" else [*shape.members.values(), shape.others]
    return any(_is_mixed(part, "text") for part in inner if part is not None)


def _converter(shape: Shape, kind: Kind, *, prefer_text: bool) -> Convert:
    if kind == "text":
        text: Callable[[Any], Any] = scalar_reader(shape, prefer_text=prefer_text)
        return text
    if kind == "list":
        read = scalar_reader(shape.items or TEXT, prefer_text=prefer_text)
        return lambda parts: _list(parts, read)
    named = {name: scalar_reader(part, prefer_text=prefer_text) for name, part in shape.members.items()}
    # A member that is refused is read all the same: the schema then says so.
    other = scalar_reader(shape.others or TEXT, prefer_text=prefer_text)
    return lambda parts: _object(parts, named, other)


def _list(parts: Any, read: Callable[[str], Any]) -> list[Any]:
    made = []
    for index, part in enumerate(parts):
        try:
            made.append(read(part))
        except Unreadable as error:
            raise error.within(index) from None
    return made


def _object(parts: Any, named: dict[str, Callable[[str], Any]], other: Callable[[str], Any]) -> dict[str, Any]:
    made = {}
    for name, part in parts.items():
        try:
            made[name] = named.get(name, other)(part)
        except Unreadable as error:
            raise error.within(name) from None
    return made


def is_nested(shape: Shape) -> bool:
    """Whether a list or object may hold another, for which no style says how it is written."""
    inner = [shape.items, *shape.members.values()]
    return any(part is not None and not part.types & {"string", "integer", "number", "boolean"} for part in inner)
