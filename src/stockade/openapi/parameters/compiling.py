"""From the Parameter Objects of an operation to readers (OpenAPI 3.1, section 4.8.12)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from stockade.openapi.faults import Unreadable
from stockade.openapi.parameters.percent import decoded
from stockade.openapi.parameters.readers import Read, Reader, Repeated, Single, Spread, Text
from stockade.openapi.parameters.shapes import Shape, shape_of
from stockade.openapi.parameters.styles import Decode, Kind, delimited_reader, segment_reader
from stockade.openapi.parameters.typing import converters, is_nested, kinds_of
from stockade.openapi.schemas.checking import Checker, Schemas
from stockade.openapi.schemas.keywords import Reached

_DEFAULT_STYLE = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_STYLES = {
    "path": frozenset({"matrix", "label", "simple"}),
    "header": frozenset({"simple"}),
    "query": frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
    "cookie": frozenset({"form"}),
}
ParseJson = Callable[[bytes], Any]  # raises Unreadable


class Parameter(Struct, frozen=True):
    """A Parameter Object, its defaults filled in. `pointer` is where it stands in the document."""

    name: str
    location: str
    required: bool
    style: str
    explode: bool
    allow_empty: bool
    schema: Any
    media_type: str  # of `content`; "" where a style says how it is written
    pointer: str

    @property
    def where(self) -> str:
        return f"{self.location}:{self.name}"


class BadParameter(ValueError):
    """A Parameter Object that cannot be used; the message says why."""


def parameter_of(raw: dict[str, Any], pointer: str) -> Parameter:
    """Raises BadParameter."""
    name, location = raw.get("name"), raw.get("in")
    if not isinstance(name, str) or not name or location not in _STYLES:
        raise BadParameter("a parameter has a name, and is in path, query, header or cookie")
    style = raw.get("style", _DEFAULT_STYLE[location])
    if style not in _STYLES[location]:
        raise BadParameter(f"the style {style!r} is none for a parameter in {location}")
    content = raw.get("content")
    media_type, schema, place = "", raw.get("schema", True), f"{pointer}/schema"
    if isinstance(content, dict) and content:
        media_type, entry = next(iter(content.items()))
        schema = entry.get("schema", True) if isinstance(entry, dict) else True
        place = f"{pointer}/content/{media_type.replace('/', '~1')}/schema"
    return Parameter(
        name.lower() if location == "header" else name,
        location,
        raw.get("required") is True or location == "path",
        style,
        bool(raw.get("explode", style == "form")),
        raw.get("allowEmptyValue") is True and location == "query",
        schema,
        media_type.lower(),
        place,
    )


class Compiler:
    """Makes readers for one document. `partial` collects (pointer, what is not enforced)."""

    def __init__(self, schemas: Schemas, parse_json: ParseJson) -> None:
        self._schemas = schemas
        self._reached = Reached(schemas.rewriting.document)
        self._parse_json = parse_json
        self.partial: dict[str, str] = {}

    def text(self, parameter: Parameter) -> Text:
        """The reader of a parameter whose whole text stands in one place: path, header."""
        decode: Decode = decoded if parameter.location == "path" else _field_value
        if parameter.media_type:
            return self._content(parameter, decode)
        shape, checker = self.shape(parameter), self._checker(parameter)
        reads = [
            _then(segment_reader(parameter.style, parameter.explode, kind, parameter.name, decode), convert)
            for kind in kinds_of(shape)
            for convert in converters(shape, kind)
        ]
        return Text(parameter.where, reads, checker)

    def named(self, parameter: Parameter) -> Reader:
        """The reader of a parameter that is found by its name: query, cookie."""
        decode: Decode = partial(decoded, plus=True) if parameter.location == "query" else decoded
        name, required, allow_empty = parameter.name, parameter.required, parameter.allow_empty
        if parameter.media_type:
            content = self._content(parameter, decode)
            return Single(name, content, required=required, allow_empty=allow_empty)
        shape, checker = self.shape(parameter), self._checker(parameter)
        kinds = kinds_of(shape)
        if parameter.style == "deepObject":
            return self._spread(parameter, shape, checker, decode, _within_brackets(name))
        explode = parameter.explode
        if explode and kinds == ("object",):
            return self._spread(parameter, shape, checker, decode, _member_of(shape))
        simple = [kind for kind in kinds if not explode or kind == "text"]
        text = Text(parameter.where, self._delimited(parameter, shape, simple, decode), checker) if simple else None
        if explode and "list" in kinds:
            lists = [_each(decode, convert) for convert in converters(shape, "list")]
            return Repeated(
                name, parameter.where, lists, checker, required=required, allow_empty=allow_empty, alone=text
            )
        assert text is not None
        return Single(name, text, required=required, allow_empty=allow_empty)

    def _delimited(self, parameter: Parameter, shape: Shape, kinds: list[Kind], decode: Decode) -> list[Read]:
        return [
            _then(delimited_reader(parameter.style, kind, decode), convert)
            for kind in kinds
            for convert in converters(shape, kind)
        ]

    def _spread(
        self, parameter: Parameter, shape: Shape, checker: Checker, decode: Decode, inner: Callable[[str], str | None]
    ) -> Spread:
        reads: list[Callable[[dict[str, str]], Any]] = list(converters(shape, "object"))
        return Spread(parameter.where, inner, reads, checker, required=parameter.required, decode=decode)

    def _content(self, parameter: Parameter, decode: Decode) -> Text:
        checker = self._checker(parameter)
        if parameter.media_type != "application/json" and not parameter.media_type.endswith("+json"):
            self.partial[parameter.pointer] = f"a parameter of the type {parameter.media_type} is not read"
            checker = self._schemas.checker(True, parameter.pointer)
            return Text(parameter.where, [decode], checker)
        return Text(parameter.where, [lambda text: self._parse_json(decode(text).encode())], checker)

    def _checker(self, parameter: Parameter) -> Checker:
        return self._schemas.checker(parameter.schema, parameter.pointer)

    def shape(self, parameter: Parameter) -> Shape:
        shape = shape_of(self._reached, parameter.schema)
        if is_nested(shape):
            self.partial[parameter.pointer] = "no style says how lists and objects within others are written"
        if parameter.style in ("spaceDelimited", "pipeDelimited") and parameter.explode:
            self.partial[parameter.pointer] = f"{parameter.style} with explode is not defined: it is read as form"
        if parameter.style == "deepObject" and shape.types != {"object"}:
            self.partial[parameter.pointer] = "deepObject is defined for objects alone"
        return shape


def _field_value(text: str) -> str:
    """Header fields are not percent-decoded by servers; blanks around them and around list items mean nothing."""
    if "\0" in text:
        raise Unreadable("encoding", "holds a NUL character")
    return text.strip(" \t")


def _then(first: Callable[[str], Any], convert: Callable[[Any], Any]) -> Read:
    return lambda text: convert(first(text))


def _each(decode: Decode, convert: Callable[[Any], Any]) -> Callable[[list[str]], Any]:
    return lambda texts: convert([decode(text) for text in texts])


def _member_of(shape: Shape) -> Callable[[str], str | None]:
    """The names of an exploded object's members. One that takes any name takes every name of the query."""
    if shape.others is not None and not shape.members:
        return lambda name: name
    members = frozenset(shape.members)
    return lambda name: name if name in members else None


def _within_brackets(name: str) -> Callable[[str], str | None]:
    start, size = f"{name}[", len(name) + 1
    return lambda text: text[size:-1] if text.startswith(start) and text.endswith("]") else None
