"""Recorded requests: HTTP Archives (HAR 1.2) and Stockade's own decision log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from stockade.wire import BadRequest, Headers, Peer, Request, read_request

_MOST_BYTES = 1 << 30
_BOM = b"\xef\xbb\xbf"
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}  # others never leave a browser


class BadRecording(ValueError):
    """A file that holds no recording, or a broken one; the message says where."""


class Recorded(Struct, frozen=True):
    """One request as it was. What a decision log does not keep (credentials, query, body) is empty."""

    line: int  # of the file, or number of the entry, from 1
    request: Request | BadRequest
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


class _Field(Struct):
    name: str
    value: str


class _PostData(Struct):
    text: str | None = None


class _Sent(Struct, rename="camel"):
    method: str
    url: str
    headers: list[_Field] | None = None
    post_data: _PostData | None = None
    http_version: str | None = None


class _Entry(Struct, rename="camel"):
    request: _Sent
    started_date_time: str


class _Log(Struct):
    entries: list[_Entry]


class _Archive(Struct):
    """The members of a HAR file that replaying needs."""

    log: _Log


def read_recordings(path: Path, client: str) -> list[Recorded]:
    """All requests of a file. `client` is the address where the recording has none. Raises BadRecording."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadRecording(f"{path} is too large (1 GiB at most)")
        data = path.read_bytes().removeprefix(_BOM)
    except OSError as error:
        raise BadRecording(f"{path} cannot be read: {error.strerror}") from None
    if data.lstrip()[:1] != b"{":
        raise BadRecording(f"{path} is neither a HAR file nor a decision log: it does not begin with {{")
    if b'"log"' in data[:200] and b'"request_id"' not in data[:200]:
        return list(_read_archive(path, data, client))
    return list(_read_log(path, data))


def _read_log(path: Path, data: bytes) -> Iterator[Recorded]:
    decode = msgspec.json.Decoder(_LogLine).decode
    for number, line in enumerate(data.split(b"\n"), 1):
        lost = b'"dropped"' in line and b'"request_id"' not in line  # how many lines a full disk cost
        if not line.strip() or lost:
            continue
        try:
            entry = decode(line)
            at = _moment(entry.time)
        except ValueError as error:
            raise BadRecording(f"{path}:{number}: not a record of the decision log: {error}") from None
        headers = Headers.of(entry.headers.items())
        request = Request(entry.request_id, at, entry.method, "http", "", entry.path, "", headers, Peer(entry.client))
        yield Recorded(number, request, b"", entry.api, entry.principal, entry.action)


def _read_archive(path: Path, data: bytes, client: str) -> Iterator[Recorded]:
    try:
        archive = msgspec.json.decode(data, type=_Archive)
    except ValueError as error:
        raise BadRecording(f"{path}{_line_of(data, str(error))}: not a HAR file: {error}") from None
    for number, entry in enumerate(archive.log.entries, 1):
        try:
            recorded = _entry(number, entry, client)
        except ValueError as error:
            raise BadRecording(f"{path}: entry {number}: {error}") from None
        if recorded is not None:
            yield recorded


def _line_of(data: bytes, message: str) -> str:
    """A colon and the line, where the decoder says at which byte it stopped."""
    match = re.search(r"\(byte (\d+)\)", message)
    if match is None:
        return ""
    return ":" + str(data.count(b"\n", 0, int(match[1])) + 1)


def _entry(number: int, entry: _Entry, client: str) -> Recorded | None:
    """None for what is no request to a server, such as data:… in a page."""
    sent = entry.request
    url = urlsplit(sent.url)
    if url.scheme not in _SCHEMES:
        return None
    text = (sent.post_data.text or "") if sent.post_data is not None else ""
    request = read_request(
        id=f"entry-{number}",
        at=_moment(entry.started_date_time),
        method=sent.method,
        scheme=_SCHEMES[url.scheme],
        authority=url.netloc,
        target=(url.path or "/") + (f"?{url.query}" if url.query else ""),
        headers=Headers.of((field.name, field.value) for field in sent.headers or () if field.name[:1] != ":"),
        peer=Peer(client),
        version=sent.http_version or "HTTP/1.1",
        has_body=bool(text),
    )
    return Recorded(number, request, text.encode("utf-8", "replace"))


def _moment(text: str) -> float:
    """Seconds since the epoch. Raises ValueError."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not a date and time") from None
