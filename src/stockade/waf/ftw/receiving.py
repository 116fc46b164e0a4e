"""From bytes on the wire to a `wire.Request`, for runs without a server: HTTP/1 (RFC 9112) as lenient servers read it.

Lenient where servers are and rules have something to say (spaces in a target, any version, no Host); strict where no
server goes on: what is refused here never reaches a WAF.
"""

from __future__ import annotations

import re

from stockade.waf.ftw.model import Fields
from stockade.wire import Headers, Peer, Request

_is_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_length = re.compile(rb"[0-9]{1,18}").fullmatch
_is_chunk_size = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?").fullmatch
_is_version = re.compile(rb"HTTP/[1-9][0-9]*(?:\.[0-9]+)?").fullmatch  # 0.9 had no version to tell
_is_authority_form = re.compile(rb"[^/?#@]+:[0-9]+").fullmatch


class Refused(Exception):
    """A server would answer 400 and close the connection."""


class Unanswered(Exception):
    """A server would wait for more, until one of the two gives up."""


def read_request_bytes(raw: bytes, number: str = "1", at: float = 0.0) -> Request:
    """The first request in these bytes, its body with it. `number` becomes its id.

    Raises Refused or Unanswered where no server would hand it on.
    """
    line, rest = _line(raw.lstrip(b"\r\n"))  # RFC 9112, section 2.2: an empty line before a request is skipped
    method, target, version = _request_line(line)
    headers, rest = _headers(rest)
    if any(name.lower() == b"transfer-encoding" for name, _ in headers):
        # Who passes a message on with both must take this one away (RFC 9112, section 6.3).
        headers = tuple(field for field in headers if field[0].lower() != b"content-length")
        body = _chunked(rest)
    else:
        body = _body(headers, rest)
    fields = Headers.of((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    path, _, query = target.partition("?")
    return Request(
        id=number,
        at=at,
        method=method,
        scheme="http",
        authority=fields.get("host") or "",
        path=path,
        query=query,
        headers=fields,
        peer=Peer("127.0.0.1"),
        version=version,
        has_body=bool(body),
        target=target,
        body=body,
    )


def _line(raw: bytes) -> tuple[bytes, bytes]:
    """The bytes up to CRLF (or a bare LF) and those after it."""
    line, end, rest = raw.partition(b"\n")
    if not end:
        raise Unanswered("the head has no end")
    return line.removesuffix(b"\r"), rest


def _request_line(line: bytes) -> tuple[str, str, str]:
    method, _, rest = line.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    if not _is_token(method):
        raise Refused("the method is no token")
    if not target or b"\0" in target:
        raise Refused("the request line has no target, or a NUL in it")
    if not _is_version(version):
        raise Refused(f"the version is {version[:20]!r}")
    if method == b"CONNECT" and not _is_authority_form(target):
        raise Refused("CONNECT without a port")  # RFC 9110, section 9.3.6
    return method.decode("latin-1"), target.decode("latin-1"), version.decode("latin-1")


def _headers(rest: bytes) -> tuple[Fields, bytes]:
    fields: list[tuple[bytes, bytes]] = []
    while True:
        line, rest = _line(rest)
        if not line:
            return tuple(fields), rest
        if line[:1] in (b" ", b"\t") and fields:  # obs-fold (RFC 9112, section 5.2)
            name, value = fields.pop()
            fields.append((name, value + b" " + line.strip(b" \t")))
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _is_token(name):
            raise Refused(f"the header {name[:40]!r} is no field")
        if b"\r" in value or b"\0" in value:
            raise Refused(f"the header {name[:40]!r} holds CR or NUL")
        fields.append((name, value.strip(b" \t")))


def _body(headers: Fields, rest: bytes) -> bytes:
    """RFC 9112, section 6.3."""
    lengths = {value for name, value in headers if name.lower() == b"content-length"}
    if not lengths:
        return b""
    length = lengths.pop()
    if lengths or not _is_length(length):
        raise Refused("Content-Length is no number, or several")
    if len(rest) < int(length):
        raise Unanswered("the body is shorter than its Content-Length")
    return rest[: int(length)]


def _chunked(rest: bytes) -> bytes:
    body = b""
    while True:
        line, rest = _line(rest)
        found = _is_chunk_size(line)
        if found is None:
            raise Refused("a chunk has no size")
        size = int(found[1], 16)
        if not size:
            return body
        if len(rest) < size:
            raise Unanswered("a chunk is shorter than its size")
        body, rest = body + rest[:size], rest[size:].removeprefix(b"\r").removeprefix(b"\n")
