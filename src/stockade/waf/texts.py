"""The texts in a message of a stream, whose language nobody has told: arguments for rules to look at.

JSON is flattened as a JSON body is; so is JSON behind a word, as Socket.IO and STOMP send it. Of binary messages
MessagePack is read, and what has protobuf's wire format, in which nothing tells a text from a message within: both
readings count. Of whatever else the printable runs are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec

from stockade.waf.values.base import Collection
from stockade.waf.values.json_body import read_json

Kind: TypeAlias = Literal["text", "binary", "call"]

_NAME = b"message"
_SPACE = b" \t\r\n\0"
_WORD = 1024  # bytes before JSON that may be a word, or the head of a frame
_DEPTH = 16  # of messages within messages
_odd = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]").search  # what no text has
_runs = re.compile(rb"[\t-\r -~\x80-\xff]{3,}").findall


class _TooMany(Exception):
    """More texts than rules count."""


class _Malformed(Exception):
    """No message of protobuf's."""


def texts_of(data: bytes, kind: Kind, *, depth: int, most: int) -> Collection:
    """Names and texts. depth, most: of JSON, as for bodies. Where there are more than `most`, the whole is one text.

    kind: of a WebSocket message, or "call": gRPC's, without its five-byte head.
    """
    try:
        if kind == "text":
            return _of_text(data, depth, most)
        if kind == "binary" and _is_text(data):
            return _of_text(data, depth, most)
        found = _of_protobuf(data, most) if kind == "call" else _of_binary(data, most)
    except _TooMany:
        found = [(_NAME, data)]
    return found


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return _odd(data.rstrip(_SPACE)) is None


def _of_text(data: bytes, depth: int, most: int) -> Collection:
    text = data.strip(_SPACE)
    start = min((at for at in (text.find(b"{"), text.find(b"[")) if at >= 0), default=0)
    if start > _WORD:
        return [(_NAME, data)]
    pairs, failed, _ = read_json(text[start:], depth, most)
    if failed:  # others may read what we cannot
        return [*pairs, (_NAME, data)]
    return [(_NAME, text[:start]), *pairs] if start else pairs


def _of_binary(data: bytes, most: int) -> Collection:
    try:
        value = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
        return _printable(_NAME, data, most)
    found: Collection = []
    for text in _strings(value):
        _add(found, _NAME, text, most)
    return found


def _strings(value: Any) -> Iterator[bytes]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item.encode("utf-8", "surrogatepass")
        elif isinstance(item, bytes | bytearray):
            yield from _runs(item)
        elif isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            pending += item
        elif isinstance(item, msgspec.msgpack.Ext):
            yield from _runs(bytes(item.data))


def _of_protobuf(data: bytes, most: int) -> Collection:
    found: Collection = []
    try:
        _read_fields(data, b"", _DEPTH, most, found)
    except _Malformed:
        return _printable(_NAME, data, most)
    return found


def _read_fields(data: bytes, path: bytes, depth: int, most: int, found: Collection) -> None:
    """The texts in a message and in those within it (protobuf's Encoding, "Message Structure"). Raises _Malformed."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if tag < 8 or kind > 5:
            raise _Malformed
        if kind == 0:
            _, at = _varint(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            size, at = _varint(data, at)
            piece = data[at : at + size]
            at += size
            if at <= end:
                _read_piece(piece, b"%b.%d" % (path, tag >> 3) if path else b"%d" % (tag >> 3), depth, most, found)
    if at > end:
        raise _Malformed


def _read_piece(piece: bytes, name: bytes, depth: int, most: int, found: Collection) -> None:
    """A text, bytes, or a message within: nothing tells which."""
    before = len(found)
    if depth and len(piece) > 1:
        try:
            _read_fields(piece, name, depth - 1, most, found)
        except _Malformed:
            del found[before:]
    if _odd(piece) is None:
        _add(found, name, piece, most)
    else:
        for run in _runs(piece):
            _add(found, name, run, most)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise _Malformed


def _printable(name: bytes, data: bytes, most: int) -> Collection:
    found: Collection = []
    for run in _runs(data):
        _add(found, name, run, most)
    return found


def _add(found: Collection, name: bytes, text: bytes, most: int) -> None:
    if len(found) >= most:
        raise _TooMany
    if text:
        found.append((name, text))
