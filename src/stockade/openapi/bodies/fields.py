"""Fields of forms and of multipart bodies as one object (OpenAPI 3.1, sections 4.8.14.3, 4.8.14.4 and 4.8.15).

A list is a field that comes once for each item, or one field where `encoding` says explode: false. An object is a JSON
text, unless `encoding` gives it a style. A field that is no list and comes twice is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from msgspec import Struct

from stockade.openapi.bodies.media import MediaMap, is_json, media_type
from stockade.openapi.faults import Unreadable
from stockade.openapi.parameters.shapes import SCALARS, Shape
from stockade.openapi.parameters.styles import delimited_reader
from stockade.openapi.parameters.typing import converters, kinds_of
from stockade.payloads import Limits, Part, read_form, read_multipart

ParseJson = Callable[[bytes], Any]
_TEXT = Shape(SCALARS)


class Value(Struct, frozen=True, gc=False):
    """What one field holds. media_type: what a part declares; "" in forms. is_file: its bytes may be anything."""

    content: bytes | str
    media_type: str = ""
    is_file: bool = False

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        if self.is_file:
            return self.content.decode("latin-1")  # a character a byte, so that lengths count bytes
        try:
            return self.content.decode()
        except UnicodeDecodeError:
            raise Unreadable("encoding", "is not UTF-8") from None


class Field(Struct, frozen=True):
    """How the field of one name is read."""

    shape: Shape
    style: str = ""  # "" where `encoding` names none
    explode: bool = True
    accepted: MediaMap[bool] | None = None  # None: any
    as_json: bool = False

    @property
    def is_list(self) -> bool:
        return "array" in self.shape.types


def field_of(shape: Shape, encoding: Any) -> Field:
    """encoding: the Encoding Object of this property, or None."""
    told = encoding if isinstance(encoding, dict) else {}
    has_style = any(key in told for key in ("style", "explode", "allowReserved"))
    style = str(told.get("style", "form")) if has_style else ""
    types = [text.strip() for text in str(told.get("contentType", "")).split(",") if text.strip()]
    inner = shape.items if "array" in shape.types and shape.items is not None else shape
    is_structured = not inner.types & {"string", "integer", "number", "boolean"}
    as_json = (bool(types) and all(is_json(media_type(text)) for text in types)) or (is_structured and not has_style)
    accepted = MediaMap(dict.fromkeys(types, True)) if types else None
    return Field(shape, style, bool(told.get("explode", style in ("", "form"))), accepted, as_json)


class FieldReader:
    """shape: of the object. encodings: the `encoding` map of its media type."""

    def __init__(self, shape: Shape, encodings: Any, parse_json: ParseJson, limits: Limits) -> None:
        known = encodings if isinstance(encodings, dict) else {}
        self._fields = {name: field_of(member, known.get(name)) for name, member in shape.members.items()}
        self._other = Field(shape.others or _TEXT)
        self._deep = {f"{name}[": name for name, field in self._fields.items() if field.style == "deepObject"}
        self._parse_json = parse_json
        self._limits = limits

    def form(self, body: bytes, content_type: str) -> list[Callable[[], Any]]:  # noqa: ARG002
        """The ways to read a form body."""
        pairs = ((name, Value(text)) for name, text in read_form(body, self._limits))
        return self._ways(_gathered(pairs))

    def multipart(self, body: bytes, content_type: str) -> list[Callable[[], Any]]:
        """The ways to read a multipart body."""
        parts = read_multipart(body, content_type, self._limits)
        return self._ways(_gathered((part.name, _value(part)) for part in parts))

    def _ways(self, values: dict[str, list[Value]]) -> list[Callable[[], Any]]:
        return [partial(self._object, values, way) for way in (0, -1)]

    def _object(self, values: dict[str, list[Value]], way: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        deep: dict[str, dict[str, str]] = {}
        for name, found in values.items():
            owner = next((self._deep[start] for start in self._deep if name.startswith(start)), None)
            try:
                if owner is not None and name.endswith("]"):
                    deep.setdefault(owner, {})[name[len(owner) + 1 : -1]] = _only(found).text
                else:
                    made[name] = self._read(self._fields.get(name), found, way)
            except Unreadable as error:
                raise error.within(name) from None
        for name, parts in deep.items():
            try:
                made[name] = converters(self._fields[name].shape, "object")[way](parts)
            except Unreadable as error:
                raise error.within(name) from None
        return made

    def _read(self, field: Field | None, found: list[Value], way: int) -> Any:
        if field is None:  # the schema says whether it may be there; several are a list
            texts = [_converted(self._other.shape, value.text, way) for value in found]
            return texts[0] if len(texts) == 1 else texts
        if field.is_list and not (field.style and not field.explode):
            item = Field(field.shape.items or _TEXT, accepted=field.accepted, as_json=field.as_json)
            return [self._one(item, value, way) for value in found]
        return self._one(field, _only(found), way)

    def _one(self, field: Field, value: Value, way: int) -> Any:
        if field.accepted is not None and value.media_type and field.accepted.find(value.media_type) is None:
            raise Unreadable("media-type", f"must be of the type {' or '.join(field.accepted.names)}")
        if field.as_json or is_json(value.media_type):
            return self._parse_json(value.content.encode() if isinstance(value.content, str) else value.content)
        if field.style:
            kind = kinds_of(field.shape)[-1]
            parts = delimited_reader(field.style, kind, str)(value.text)
            return converters(field.shape, kind)[way](parts)
        return _converted(field.shape, value.text, way)


def _converted(shape: Shape, text: str, way: int) -> Any:
    return converters(shape, "text")[way](text)


def _only(found: list[Value]) -> Value:
    if len(found) > 1:
        raise Unreadable("duplicate-field", "is given more than once")
    return found[0]


def _value(part: Part) -> Value:
    is_file = part.filename is not None
    # A field that does not say what it is, is text (RFC 7578, section 4.4): nothing it would declare.
    declared = part.content_type if is_file or part.content_type != "text/plain" else ""
    return Value(part.content, declared, is_file)


def _gathered(pairs: Iterable[tuple[str, Value]]) -> dict[str, list[Value]]:
    values: dict[str, list[Value]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values
