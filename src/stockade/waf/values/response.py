"""The response: RESPONSE_STATUS, STATUS, STATUS_LINE, RESPONSE_PROTOCOL, RESPONSE_HEADERS, RESPONSE_HEADERS_NAMES,
RESPONSE_CONTENT_TYPE, RESPONSE_BODY, RESPONSE_CONTENT_LENGTH, OUTBOUND_DATA_ERROR.

STATUS and STATUS_LINE are the same as RESPONSE_STATUS in ModSecurity v3, and so they are here.
RESPONSE_CONTENT_TYPE is the media type without parameters. RESPONSE_CONTENT_LENGTH is the length of what was read of
the body, which is cut at the limit; OUTBOUND_DATA_ERROR is 1 when it was. All are empty before the response is there.
"""

from __future__ import annotations

from stockade.waf.values.base import EMPTY, NOTHING, ONE, ZERO, Collection, Maker, Message, plain, raw


def _status(message: Message) -> Collection:
    response = message.response
    return plain(b"%d" % response.status) if response is not None else NOTHING


def _protocol(message: Message) -> Collection:
    return plain(raw(message.request.version)) if message.response is not None else NOTHING


def _headers(message: Message) -> Collection:
    response = message.response
    return [(raw(name), raw(value)) for name, value in response.headers] if response is not None else EMPTY


def _header_names(message: Message) -> Collection:
    return [(name, name) for name, _ in message["RESPONSE_HEADERS"]]


def _content_type(message: Message) -> Collection:
    response = message.response
    lines = response.headers.all("content-type") if response is not None else None
    return plain(raw(lines[-1]).partition(b";")[0]) if lines else NOTHING


def _body(message: Message) -> Collection:
    return plain(message.response_body)


def _content_length(message: Message) -> Collection:
    return plain(b"%d" % len(message.response_body)) if message.response is not None else NOTHING


def _outbound(message: Message) -> Collection:
    if message.response is None:
        return NOTHING
    return ONE if message.response_cut else ZERO


MAKERS: dict[str, Maker] = {
    "RESPONSE_STATUS": _status,
    "RESPONSE_PROTOCOL": _protocol,
    "STATUS": _status,
    "STATUS_LINE": _status,
    "RESPONSE_HEADERS": _headers,
    "RESPONSE_HEADERS_NAMES": _header_names,
    "RESPONSE_CONTENT_TYPE": _content_type,
    "RESPONSE_BODY": _body,
    "RESPONSE_CONTENT_LENGTH": _content_length,
    "OUTBOUND_DATA_ERROR": _outbound,
}
