"""The request line: REQUEST_METHOD, REQUEST_PROTOCOL, REQUEST_LINE, REQUEST_URI_RAW, REQUEST_URI, REQUEST_FILENAME,
PATH_INFO, REQUEST_BASENAME, QUERY_STRING.

    GET /a%20b/c.php?x=%41#top HTTP/1.1

    REQUEST_URI_RAW   /a%20b/c.php?x=%41#top   as received
    REQUEST_URI       /a b/c.php?x=A           no fragment, no scheme and host, escapes decoded (a plus stays)
    REQUEST_FILENAME  /a b/c.php               no fragment, no query, escapes decoded; PATH_INFO is the same
    REQUEST_BASENAME  c.php                    what follows the last slash or backslash of REQUEST_FILENAME
    QUERY_STRING      x=%41                    no fragment, nothing decoded

Where no target was kept, it is made of the normalised path and the query.
"""

from __future__ import annotations

from stockade.waf.values.base import Collection, Maker, Message, plain, raw
from stockade.waf.values.escapes import unescape


def target_of(message: Message) -> bytes:
    """The request target, as received where it is known."""
    request = message.request
    if request.target:
        return raw(request.target)
    return raw(f"{request.path}?{request.query}" if request.query else request.path)


def query_of(message: Message) -> bytes:
    """The query, without question mark and fragment."""
    return target_of(message).partition(b"#")[0].partition(b"?")[2]


def _method(message: Message) -> Collection:
    return plain(raw(message.request.method))


def _protocol(message: Message) -> Collection:
    return plain(raw(message.request.version))


def _line(message: Message) -> Collection:
    request = message.request
    return plain(b" ".join((raw(request.method), target_of(message), raw(request.version))))


def _uri_raw(message: Message) -> Collection:
    return plain(target_of(message))


def _uri(message: Message) -> Collection:
    uri = unescape(target_of(message).partition(b"#")[0])
    return plain(uri if uri.startswith(b"/") else _without_host(uri))


def _without_host(uri: bytes) -> bytes:
    """The path and query of an absolute URI; other text, and a URI without path, as it is."""
    host = uri.find(b":") + 1
    if not host or not uri.startswith(b"//", host):
        return uri
    slash = uri.find(b"/", host + 2)
    return uri if slash < 0 else uri[slash:]


def _filename(message: Message) -> Collection:
    return plain(unescape(target_of(message).partition(b"#")[0].partition(b"?")[0]))


def _basename(message: Message) -> Collection:
    name = message["REQUEST_FILENAME"][0][1]
    cut = max(name.rfind(b"/"), name.rfind(b"\\"))
    return plain(name[cut + 1 :] if cut >= 0 else b"")


def _query(message: Message) -> Collection:
    return plain(query_of(message))


MAKERS: dict[str, Maker] = {
    "REQUEST_METHOD": _method,
    "REQUEST_PROTOCOL": _protocol,
    "REQUEST_LINE": _line,
    "REQUEST_URI": _uri,
    "REQUEST_URI_RAW": _uri_raw,
    "REQUEST_FILENAME": _filename,
    "PATH_INFO": _filename,
    "REQUEST_BASENAME": _basename,
    "QUERY_STRING": _query,
}
