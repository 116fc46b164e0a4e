"""Recorded requests: HTTP Archives (HAR 1.2) and Stockade's own decision log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from stockade.wire import BadRequest, Headers, Peer, Request, read_request


class BadRecording(ValueError):
    """A file that holds no recording, or a broken one; the message says where."""


class Recorded(Struct, frozen=True):
    """One request as it was. What a decision log does not keep (credentials, query, body) is empty."""

    line: int  # of the file, or number of the entry, from 1
    request: Request
    body: bytes = b""
    api: str = ""  # decision log only
    principal: str | None = None
    action: str = ""  # what was decided then


class _LogLine(Struct):
    """The members of a log record that replaying needs; see `vocabulary.Record`."""

    time: str
    request_id: str
    api: str
    client: str
    method: str
    path: str
    action: str
    principal: str | None = None
    headers: dict[str, str] = {}


_MOST_BYTES = 1 << 30


def read_recordings(path: Path, client: str) -> list[Recorded]:
    """All requests of a file. `client` is the address where the recording has none. Raises BadRecording."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadRecording(f"{path} is too large (1 GiB at most)")
        data = path.read_bytes()
    except OSError as error:
        raise BadRecording(f"{path} cannot be read: {error.strerror}") from None
    head = data.lstrip()[:1]
    if head != b"{":
        raise BadRecording(f"{path} is neither a HAR file nor a decision log: it does not begin with {{")
    if b'"log"' in data[:200] and b'"request_id"' not in data[:200]:
        return list(_read_har(path, data, client))
    return list(_read_log(path, data))


def _read_log(path: Path, data: bytes) -> Iterator[Recorded]:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip() or line.startswith(b'{"time"') and b'"dropped"' in line[:60]:
            continue
        try:
            entry = msgspec.json.decode(line, type=_LogLine)
            at = datetime.fromisoformat(entry.time).timestamp()
        except (msgspec.DecodeError, ValueError) as error:
            raise BadRecording(f"{path}:{number}: no record of the decision log: {error}") from None
        headers = Headers.of(entry.headers.items())
        request = Request(entry.request_id, at, entry.method, "http", "", entry.path, "", headers, Peer(entry.client))
        yield Recorded(number, request, b"", entry.api, entry.principal, entry.action)


def _read_har(path: Path, data: bytes, client: str) -> Iterator[Recorded]:
    try:
        entries = msgspec.json.decode(data)["log"]["entries"]
        if not isinstance(entries, list):
            raise TypeError("log.entries is no list")
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadRecording(f"{path} is no HAR file: {error}") from None
    for number, entry in enumerate(entries, 1):
        try:
            yield _har_entry(number, entry, client)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadRecording(f"{path}: entry {number}: {type(error).__name__}: {error}") from None


def _har_entry(number: int, entry: dict[str, Any], client: str) -> Recorded:
    sent = entry["request"]
    url = urlsplit(sent["url"])
    pairs = [(field["name"], field["value"]) for field in sent.get("headers", []) if not field["name"].startswith(":")]
    text = str(sent.get("postData", {}).get("text") or "")
    request = read_request(
        id=f"entry-{number}",
        at=datetime.fromisoformat(entry["startedDateTime"]).timestamp(),
        method=sent["method"],
        scheme=url.scheme or "http",
        authority=url.netloc,
        target=(url.path or "/") + (f"?{url.query}" if url.query else ""),
        headers=Headers.of(pairs),
        peer=Peer(client),
        version=str(sent.get("httpVersion", "HTTP/1.1")),
        has_body=bool(text),
    )
    if isinstance(request, BadRequest):
        raise ValueError(request.trouble)
    return Recorded(number, request, text.encode())
