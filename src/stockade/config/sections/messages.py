"""`messages:` bounds of the messages in WebSockets and streams of server-sent events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from stockade.config.base import Model, Section
from stockade.config.site import Site
from stockade.config.texts import FilePath, Operation
from stockade.config.units import Count, RateUnit, Size
from stockade.controls.messages import Bounds, Messages, StreamRule
from stockade.engine import Binding
from stockade.messages import BadSchema, MessageSchema, NotJson
from stockade.operations import OperationTable
from stockade.payloads import BadPayload, Limits, read_json

_LARGEST_KEPT = 16 << 20  # bytes of a message that is held to be read


def _document(value: Any) -> Any:
    if isinstance(value, str | dict):
        return value
    raise ValueError("a schema is a file, or a JSON Schema written out here")


SchemaText = Annotated[
    FilePath | dict[str, Any],
    BeforeValidator(_document),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
]


class BoundsSection(Model):
    """What the messages of one direction may be."""

    size: Size = Field(64 << 10, description="The size of a message at most; of an event, all of its lines.")
    rate: RateUnit | None = Field(None, description="How many per connection, 50/s, spread evenly.")
    burst: Count | None = Field(
        None, ge=1, le=1_000_000, description="How many may come at once; default: one second's worth."
    )
    schema_: SchemaText | None = Field(
        None, alias="schema", description="JSON Schema of every message: a file, or written out."
    )


class WebSocketRule(BoundsSection):
    """Messages of the client; those of the upstream are `replies`."""

    replies: BoundsSection | None = Field(None, description="What the upstream's messages may be; default: anything.")
    operations: list[Operation] = Field([], description='WebSockets, "GET /live/{id}"; empty: all of this API.')


class EventRule(BoundsSection):
    """Server-sent events."""

    operations: list[Operation] = Field([], description='Streams of events, "GET /events"; empty: all of this API.')


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class _OneOrList:
    """For the schema of the policy: what is written once need not be a list."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


class MessagesSection(Section):
    """Bounds of messages in streams; the first rule whose operations fit counts."""

    websocket: Annotated[list[WebSocketRule], BeforeValidator(_listed), _OneOrList()] = Field(
        [], description="Rules for WebSockets, one or a list."
    )
    events: Annotated[list[EventRule], BeforeValidator(_listed), _OneOrList()] = Field(
        [], description="Rules for server-sent events, one or a list."
    )


def make(site: Site) -> list[Binding]:
    section = site.api.messages
    if section is None or section.mode == "off":
        return []
    if not section.websocket and not section.events:
        site.problem("messages bounds nothing: it needs websocket or events", "messages")
        return []
    if site.api.upstream.http2 and section.websocket:
        site.warn("an upstream that speaks HTTP/2 takes no WebSockets here", "messages", "websocket")
    websocket = [_websocket(site, rule, index) for index, rule in enumerate(section.websocket)]
    events = [
        StreamRule(None, _bounds(site, rule, "events", index), _table(rule.operations))
        for index, rule in enumerate(section.events)
    ]
    return [site.bind(Messages(websocket, events), section, "messages")]


def _websocket(site: Site, rule: WebSocketRule, index: int) -> StreamRule:
    client = _bounds(site, rule, "websocket", index)
    replies = _bounds(site, rule.replies, "websocket", index, "replies") if rule.replies is not None else None
    return StreamRule(client, replies, _table(rule.operations))


def _table(operations: list[str]) -> OperationTable | None:
    return OperationTable(operations) if operations else None


def _bounds(site: Site, section: BoundsSection, *place: str | int) -> Bounds:
    if section.size == 0:
        site.problem("a size of nothing lets no message through; 1B is the least", "messages", *place, "size")
    schema = _schema(site, section, *place) if section.schema_ is not None else None
    if schema is not None and section.size > _LARGEST_KEPT:
        text = "messages are held to be checked against a schema: 16MiB is the most that their size may be"
        site.problem(text, "messages", *place, "size")
    rate = None
    if section.rate is not None:
        amount, seconds = section.rate
        rate = (seconds / amount, section.burst or max(1, round(amount / seconds)))
    elif section.burst is not None:
        site.problem("burst belongs to rate", "messages", *place, "burst")
    return Bounds(section.size, rate, schema)


def _schema(site: Site, section: BoundsSection, *place: str | int) -> MessageSchema | None:
    where = ("messages", *place, "schema")
    document: Any = section.schema_
    shown = ""
    if not isinstance(document, dict):
        data = site.read_file(document, "the schema", *where)
        if data is None:
            return None
        shown = f"{document}: "
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            site.problem(f"{shown}not JSON: {error}", *where)
            return None
    try:
        return MessageSchema(document, _strictly(section.size))
    except BadSchema as error:
        site.problem(f"{shown}not a JSON Schema that can be used: {error}", *where)
        return None


def _strictly(size: int) -> Callable[[bytes], Any]:
    """A reader of messages of that size at most: as strict as with bodies, but a text may be as long as the message."""
    limits = Limits(string=size)

    def read(data: bytes) -> Any:
        try:
            return read_json(data, limits)
        except BadPayload as error:
            raise NotJson(error.faults[0].pointer, error.faults[0].rule) from None

    return read
