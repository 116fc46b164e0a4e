"""Requests for GraphQL as HTTP brings them (GraphQL over HTTP, draft of 2025), read in the one way that all servers do.

POST with application/json (one request, or an array of them) or application/graphql; GET with the parameters query,
operationName, variables, extensions. What two servers would read differently is refused: a name that stands twice, a
query in the body and in the URL at once, a member that only some know, a charset other than UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from stockade.graphql.faults import Refused, refused
from stockade.graphql.json_text import read_json

JSON, TEXT, PARTS = "application/json", "application/graphql", "multipart/form-data"
_MEMBERS = frozenset({"query", "operationName", "variables", "extensions", "documentId"})
_LOWER = {name.lower() for name in _MEMBERS}
_is_digest = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_LONGEST_ID = 256
_EMPTY: dict[str, Any] = {}


class Message(Struct, frozen=True, gc=False):
    """An HTTP request as far as it matters here. query: of the URL, without its mark."""

    method: str
    content_type: str = ""
    content_encoding: str = ""
    query: str = ""
    body: bytes = b""


class Asked(Struct, frozen=True, gc=False):
    """One request for GraphQL. text: the document, None where only its id was sent.

    id: of a persisted document, a SHA-256 in lower-case hex or any name.
    """

    text: str | None
    id: str | None
    operation: str | None
    variables: Mapping[str, Any]
    extensions: Mapping[str, Any]
    pointer: str = ""  # of a batch, which: "/1"


def read_get(message: Message, values: int) -> tuple[Asked, ...]:
    """The request that a URL holds. Raises Refused."""
    if message.body:
        raise refused("ambiguous", "A GET has no body: servers differ in what they make of one.")
    members: dict[str, Any] = {}
    for name, value in _parameters(message.query):
        if name not in _MEMBERS:
            _refuse_alike(name)
            continue
        if name in members:
            raise refused("ambiguous", "A parameter stands twice.", pointer=f"/{name}")
        structured = name in ("variables", "extensions") and value
        members[name] = read_json(value, values) if structured else value
    return (_asked({name: value for name, value in members.items() if value != ""}),)


def read_post(message: Message, values: int, batch: int) -> tuple[Asked, ...]:
    """The requests that a body holds. batch: how many there may be. Raises Refused."""
    for name, _ in _parameters(message.query):
        if name in _MEMBERS:
            raise refused("ambiguous", "A POST has its parameters in its body alone.", pointer=f"/{name}")
        _refuse_alike(name)
    if message.content_encoding.strip().lower() not in ("", "identity"):
        raise refused("media-type", "The body must not be compressed.", 415)
    kind = media_type(message.content_type)
    if kind == JSON:
        return read_value(read_json(message.body, values), batch)
    if kind == TEXT:
        try:
            return (_asked({"query": message.body.decode()}),)
        except UnicodeDecodeError:
            raise refused("syntax", "The document is not UTF-8.") from None
    raise refused("media-type", f"A request for GraphQL is {JSON} or {TEXT}, in UTF-8.", 415)


def read_value(value: Any, batch: int) -> tuple[Asked, ...]:
    """The requests of a JSON value."""
    if not isinstance(value, list):
        return (_asked(value),)
    if not value:
        raise refused("json", "An array of no requests asks for nothing.")
    if len(value) > batch:
        raise refused("batch", f"There may be {batch} operation(s) in one request at most.")
    found = []
    for index, each in enumerate(value):
        try:
            found.append(_asked(each, f"/{index}"))
        except Refused as error:
            raise error.within(f"/{index}") from None
    return tuple(found)


def media_type(field: str) -> str:
    """The type without parameters, lower case; empty where it has any but a charset of UTF-8."""
    kind, _, parameters = field.partition(";")
    kind = kind.strip().lower()
    if kind != PARTS and re.fullmatch(r'(?i:\s*charset="?utf-?8"?\s*)?', parameters) is None:
        return ""
    return kind


def _asked(value: Any, pointer: str = "") -> Asked:
    if not isinstance(value, dict):
        raise refused("json", "A request for GraphQL is a JSON object.")
    unknown = value.keys() - _MEMBERS
    if unknown:
        raise refused("unknown-member", "This member is not GraphQL's.", pointer=f"/{_escaped(min(unknown))}")
    text, name = _text(value, "query"), _text(value, "operationName")
    variables, extensions = _map(value, "variables"), _map(value, "extensions")
    found = _id(value, extensions)
    if not text and found is None:
        raise refused("query", "The query is missing.", pointer="/query")
    return Asked(text or None, found, name or None, variables, extensions, pointer)


def _text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise refused("json", "This must be a text.", pointer=f"/{name}")
    return found


def _map(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if found is None:
        return _EMPTY
    if not isinstance(found, dict):
        raise refused("json", "This must be an object.", pointer=f"/{name}")
    return found


def _id(value: dict[str, Any], extensions: dict[str, Any]) -> str | None:
    """The id of a persisted document: `documentId`, or the hash of automatic persisted queries."""
    found = _text(value, "documentId")
    if found is not None:
        if not 0 < len(found) <= _LONGEST_ID:
            raise refused("query", "The id of a document is missing or too long.", pointer="/documentId")
        digest = found.removeprefix("sha256:")
        found = digest.lower() if _is_digest(digest) else found
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return found
    named = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(named, str) or not 0 < len(named) <= _LONGEST_ID:
        raise refused("query", "persistedQuery has no sha256Hash.", pointer="/extensions/persistedQuery")
    named = named.lower() if _is_digest(named) else named
    if found is not None and found != named:
        raise refused("ambiguous", "Two ids name two documents.", pointer="/documentId")
    return named


def _parameters(query: str) -> list[tuple[str, str]]:
    """The parameters of a URL, decoded once. Raises Refused on what is no UTF-8, and on `;`, at which some split."""
    found = []
    for part in query.split("&") if query else ():
        if ";" in part:
            raise refused("ambiguous", "A semicolon in the query of a URL is written %3B.")
        name, _, value = part.partition("=")
        try:
            found.append((_unquoted(name), _unquoted(value)))
        except UnicodeDecodeError:
            raise refused("ambiguous", "The query of the URL is not UTF-8.") from None
    return found


def _unquoted(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ").encode("utf-8", "replace")).decode()


def _refuse_alike(name: str) -> None:
    """Names that some servers take for ours: query[], query[0], Query, ` query`."""
    bare = name.strip().partition("[")[0].partition(".")[0].lower()
    if bare in _LOWER:
        raise refused("ambiguous", "A parameter has a name that servers read differently.")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
