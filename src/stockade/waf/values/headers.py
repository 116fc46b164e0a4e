"""Header fields: REQUEST_HEADERS, REQUEST_HEADERS_NAMES, REQUEST_COOKIES, REQUEST_COOKIES_NAMES, AUTH_TYPE,
REMOTE_USER.

Each line of a repeated field is a pair of its own. Names are lower case, as HTTP/2 delivers them. An authority that
came without a Host field (HTTP/2) stands as `host`, where rules look for it.

Cookies are cut at semicolons. A cookie without `=` has an empty value; one without a name is left out. White space
before a name goes, as does what ends the whole field; nothing else is trimmed and no escape is decoded.

AUTH_TYPE is the first word of Authorization. REMOTE_USER is the user name of Basic credentials (RFC 7617); the
collection is empty when there are none.
"""

from __future__ import annotations

import binascii
from operator import itemgetter

from stockade.waf.values.base import EMPTY, Collection, Maker, Message, plain, raw

_first = itemgetter(0)


def _headers(message: Message) -> Collection:
    request = message.request
    try:
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    except UnicodeEncodeError:
        pairs = [(raw(name), raw(value)) for name, value in request.headers]
    if request.authority and "host" not in request.headers:
        pairs.insert(0, (b"host", raw(request.authority)))
    return pairs


def _header_names(message: Message) -> Collection:
    return [(name, name) for name, _ in message["REQUEST_HEADERS"]]


def _cookies(message: Message) -> Collection:
    if "cookie" not in message.request.headers:
        return EMPTY
    pairs: Collection = []
    for name, line in message["REQUEST_HEADERS"]:
        if name == b"cookie":
            _read_cookies(line, pairs)
    return pairs


def _read_cookies(line: bytes, pairs: Collection) -> None:
    cookies = line.split(b";")
    if not cookies[-1]:
        cookies.pop()
    last = len(cookies) - 1
    for index, cookie in enumerate(cookies):
        name, _, value = (cookie if index < last else cookie.rstrip()).partition(b"=")
        name = name.lstrip()
        if name:
            pairs.append((name, value))


def _cookie_names(message: Message) -> Collection:
    return [(name, name) for name, _ in message["REQUEST_COOKIES"]]


def _auth_type(message: Message) -> Collection:
    lines = message.request.headers.all("authorization")
    return plain(raw(lines[-1]).partition(b" ")[0] if lines else b"")


def _remote_user(message: Message) -> Collection:
    lines = message.request.headers.all("authorization")
    if not lines or not lines[0].startswith("Basic "):
        return EMPTY
    encoded = raw(lines[0][6:]).rstrip(b" \r\n")
    try:
        name, colon, _ = binascii.a2b_base64(encoded, strict_mode=True).partition(b":")
    except binascii.Error:
        return EMPTY
    return plain(name) if colon and not len(encoded) % 4 else EMPTY


MAKERS: dict[str, Maker] = {
    "REQUEST_HEADERS": _headers,
    "REQUEST_HEADERS_NAMES": _header_names,
    "REQUEST_COOKIES": _cookies,
    "REQUEST_COOKIES_NAMES": _cookie_names,
    "AUTH_TYPE": _auth_type,
    "REMOTE_USER": _remote_user,
}
