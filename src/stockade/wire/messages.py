"""`Request`, `Response` and the `Peer` at the other end of the connection."""

from __future__ import annotations

from msgspec import Struct, field

from stockade.wire.headers import EMPTY, Headers
from stockade.wire.target import BadTarget, parse_authority, parse_target


class Peer(Struct, frozen=True, gc=False):
    """Who is at the other end of the transport connection, before any header is believed.

    address: textual IPv4 or IPv6 address. tls: e.g. "TLSv1.3", empty on cleartext.
    certificate: SHA-256 digest of a verified client certificate, lower-case hex, empty when none. subject: its name
    (RFC 2253). dns, uri: the first name of each kind among its alternative names, empty when none.
    """

    address: str
    tls: str = ""
    certificate: str = ""
    subject: str = ""
    dns: str = ""
    uri: str = ""


class Request(Struct, frozen=True, gc=False):
    """A request, as a rule its head alone. `path` is normalised, absolute, without query; `query` lacks its mark."""

    id: str
    at: float  # seconds since the epoch, when the head was complete
    method: str
    scheme: str
    authority: str  # as sent: host or host:port
    path: str
    query: str
    headers: Headers
    peer: Peer
    version: str = "HTTP/1.1"
    has_body: bool = False
    target: str = ""  # as it was received (origin form); empty where nobody kept it
    body: bytes = b""  # the whole of it, where it is at hand

    @property
    def content_length(self) -> int | None:
        """Declared body length in bytes; None when there is none or it is no number."""
        text = self.headers.get("content-length")
        return int(text) if text is not None and text.isascii() and text.isdigit() else None

    @property
    def is_upgrade(self) -> bool:
        """A WebSocket handshake: what follows on the stream are frames, not a body."""
        return self.method == "GET" and self.content_length is None and _asks_for_websocket(self.headers)


class Response(Struct, frozen=True, gc=False):
    """A response head, and its whole body where one of ours made it."""

    status: int
    headers: Headers = field(default_factory=lambda: EMPTY)
    body: bytes = b""


class BadRequest(Struct, frozen=True, gc=False):
    """A request that two servers could read differently. `request` is for the record only; `trouble` may be shown."""

    request: Request
    trouble: str


def read_request(
    id: str,  # noqa: A002 - the field's name
    at: float,
    method: str,
    scheme: str,
    authority: str,
    target: str,
    headers: Headers,
    peer: Peer,
    version: str,
    has_body: bool,
) -> Request | BadRequest:
    """A request as a door received it, its target (origin form) split and normalised."""
    trouble = _upgrade_trouble(method, headers)
    try:
        path, query = parse_target(target)
        parse_authority(authority)
    except BadTarget as error:
        path, query, trouble = target.partition("?")[0][:1024], "", str(error)
    request = Request(id, at, method, scheme, authority, path, query, headers, peer, version, has_body, target)
    return BadRequest(request, trouble) if trouble else request


def _upgrade_trouble(method: str, headers: Headers) -> str:
    """A WebSocket begins with a GET without a body (RFC 6455, section 4.1); what else would the bytes after it be?"""
    if not _asks_for_websocket(headers):
        return ""
    bare = method == "GET" and headers.names().isdisjoint(_OF_BODIES)
    return "" if bare else "a WebSocket begins with a GET without a body"


_OF_BODIES = frozenset({"content-length", "transfer-encoding"})


def _asks_for_websocket(headers: Headers) -> bool:
    return "upgrade" in headers and "websocket" in (headers.get("upgrade") or "").lower()
