"""Parameters of Swagger 2.0: what they say of their value becomes a schema, `collectionFormat` becomes a style."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.openapi.grammar.version2 import VALUE_KEYWORDS
from stockade.openapi.pointers import Tokens
from stockade.openapi.schema_dialects import modernize_all

Json: TypeAlias = dict[str, Any]
_BODIES = ("body", "formData")
_REFERENCE = "#/components/parameters/"
# How a list is written: style and explode, by what the parameter's place makes of "csv".
_STYLES = {
    "query": {
        "csv": ("form", False),
        "multi": ("form", True),
        "ssv": ("spaceDelimited", False),
        "pipes": ("pipeDelimited", False),
    },
    "path": {"csv": ("simple", False)},
    "header": {"csv": ("simple", False)},
}
_STYLES["formData"] = _STYLES["query"]


class Parted(Struct, frozen=True):
    """Parameters, and what is of the body instead, each with its place in the old document."""

    parameters: list[Json]
    bodies: list[tuple[Json, Tokens]]


def value_schema(old: Json) -> Json:
    """The schema of a value that is described beside `name` and `in`."""
    schema = {key: old[key] for key in VALUE_KEYWORDS if key in old and key != "x-example"}
    return modernize_all(schema)


def style_of(old: Json) -> Json | None:
    """`style` and `explode` of a list; {} for what is none, None where no style of version 3 is written so."""
    if old.get("type") != "array":
        return {}
    inner = old.get("items", {})
    if inner.get("type") == "array":
        return None  # lists within lists
    known = _STYLES.get(old.get("in", ""), {}).get(old.get("collectionFormat", "csv"))
    return None if known is None else {"style": known[0], "explode": known[1]}


class ParameterConverter:
    def __init__(self, shared: Json, moves: dict[Tokens, Tokens], remark: Callable[[Tokens, str], None]) -> None:
        self._shared = shared
        self._moves = moves
        self._remark = remark

    def shared(self) -> Json:
        """Those in `components`: all that are not of a body."""
        made = {}
        for name, old in self._shared.items():
            if old.get("in") not in _BODIES:
                made[name] = self._parameter(old, ("components", "parameters", name), ("parameters", name))
        return made

    def part(self, old: list[Json], place: Tokens) -> Parted:
        """The parameters of a path item or an operation. place: where it is, in the new document as in the old."""
        parted = Parted([], [])
        for index, parameter in enumerate(old):
            before = (*place, "parameters", str(index))
            meant, there = parameter, before
            reference = parameter.get("$ref", "")
            if reference:
                name = reference.removeprefix(_REFERENCE)
                meant, there = self._shared.get(name, {}), ("parameters", name)
            if meant.get("in") in _BODIES:
                parted.bodies.append((meant, there))
                continue
            now = (*place, "parameters", str(len(parted.parameters)))
            self._moves[now] = before
            parted.parameters.append(parameter if reference else self._parameter(parameter, now, before))
        return parted

    def _parameter(self, old: Json, place: Tokens, before: Tokens) -> Json:
        apart = (*VALUE_KEYWORDS, "collectionFormat", "schema")
        new = {key: value for key, value in old.items() if key not in apart}
        schema = value_schema(old)
        style = style_of(old)
        if style is None:
            self._remark(before, _unwritable(old))
            schema = {"type": "string"}
        self._moves[*place, "schema"] = before
        return {**new, **(style or {}), "schema": schema}


def _unwritable(old: Json) -> str:
    form = old.get("collectionFormat", "csv")
    return f"a list as {form} (in {old.get('in')}, or within another) is read as one text; its items are not checked"
