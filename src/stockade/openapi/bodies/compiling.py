"""From the Request Body Object of an operation to what checks it (OpenAPI 3.1, sections 4.8.13 and 4.8.14)."""

from __future__ import annotations

from typing import Any

from stockade.openapi.bodies.contents import (
    BODY,
    Content,
    Fields,
    Json,
    Octets,
    Plain,
    Structure,
    json_parser,
    of_payload,
)
from stockade.openapi.bodies.fields import FieldReader
from stockade.openapi.bodies.media import MediaMap, is_json, is_utf8, is_xml, media_type
from stockade.openapi.faults import NO_FAULTS, Fault, escaped
from stockade.openapi.parameters.shapes import shape_of
from stockade.openapi.schemas.checking import Schemas
from stockade.openapi.schemas.keywords import Reached
from stockade.payloads import BadPayload, Limits

_REQUIRED = (Fault(BODY, "", "required", "a body is required"),)
_SIZES = ("minLength", "maxLength")


class Body:
    """The body of an operation. `accepted` are the media types, as described."""

    def __init__(self, contents: MediaMap[Content], required: bool) -> None:
        self._contents = contents
        self._missing = _REQUIRED if required else NO_FAULTS
        self.required = required
        self.accepted = contents.names

    def accepts(self, content_type: str | None) -> bool:
        """Whether a body of that type may come: described, not encoded in another character set than UTF-8."""
        kind = media_type(content_type)
        if self._contents.find(kind) is None:
            return False
        return is_utf8(content_type) if is_json(kind) or kind.startswith("text/") else True

    def faults(self, body: bytes, content_type: str | None) -> tuple[Fault, ...]:
        """What is wrong with a body of an accepted type."""
        content = self._contents.find(media_type(content_type))
        if not body and (content is None or not content.takes_nothing):
            return self._missing
        if content is None:
            return (Fault(BODY, "", "media-type", "is of a type that is not accepted"),)
        try:
            return content.faults(body, content_type or "")
        except BadPayload as error:
            return of_payload(error)


class Compiler:
    """Makes bodies for one document. `partial` collects (pointer, what is not enforced)."""

    def __init__(self, schemas: Schemas, limits: Limits) -> None:
        self._schemas = schemas
        self._reached = Reached(schemas.rewriting.document)
        self._limits = limits
        self._parse_json = json_parser(limits)
        self.partial: dict[str, str] = {}

    def body(self, raw: dict[str, Any], pointer: str) -> Body:
        """raw: a Request Body Object. Raises BadSchema."""
        content = raw.get("content")
        entries = content if isinstance(content, dict) else {}
        made = {
            str(name): self._content(str(name), entry, f"{pointer}/content/{escaped(str(name))}")
            for name, entry in entries.items()
        }
        return Body(MediaMap(made), raw.get("required") is True)

    def _content(self, name: str, entry: Any, pointer: str) -> Content:
        entry = entry if isinstance(entry, dict) else {}
        kind = name.partition(";")[0].strip().lower()
        schema = entry.get("schema", True)
        if is_json(kind):
            return Json(self._schemas.checker(schema, f"{pointer}/schema"), self._limits)
        if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            return self._fields(kind, schema, entry.get("encoding"), f"{pointer}/schema")
        if kind.startswith("text/") and not is_xml(kind):
            shape = shape_of(self._reached, schema)
            if shape.scalars:
                return Plain(shape, self._schemas.checker(schema, f"{pointer}/schema"))
        return self._unread(kind, schema, f"{pointer}/schema")

    def _fields(self, kind: str, schema: Any, encoding: Any, pointer: str) -> Content:
        reader = FieldReader(shape_of(self._reached, schema), encoding, self._parse_json, self._limits)
        read = reader.multipart if kind.startswith("multipart/") else reader.form
        return Fields(read, self._schemas.checker(schema, pointer))

    def _unread(self, kind: str, schema: Any, pointer: str) -> Content:
        parts = list(self._reached.together(schema)) if isinstance(schema, dict) else []
        is_text = any(part.get("type") == "string" for part in parts)
        if is_text and any(key in part for part in parts for key in _SIZES):
            return Octets(
                self._schemas.checker({key: part[key] for part in parts for key in _SIZES if key in part}, pointer)
            )
        if any(part.keys() - {"type", "format", "title", "description", "contentMediaType"} for part in parts):
            self.partial[pointer] = f"bodies of the type {kind} are held to the limits of structure, not to the schema"
        return Structure(self._limits, takes_nothing=not is_xml(kind))
