"""Arguments: ARGS, ARGS_GET, ARGS_POST, ARGS_NAMES, ARGS_GET_NAMES, ARGS_POST_NAMES, ARGS_COMBINED_SIZE,
URLENCODED_ERROR.

ARGS_GET are those of the query, ARGS_POST those of a form or multipart body, ARGS both and the values of a JSON body
(or of XML, if asked for), which are in no other collection of ModSecurity's. ARGS_BODY is ours, and no rule's: what
ARGS has of the body, whoever read it.

A query or form is cut at `&`, each piece at its first `=`; then plus signs and percent escapes are decoded in both
halves, broken escapes stay. An empty piece (`a=1&&b=2`) is an argument without name and value, except at the end. What
comes after the limit on arguments is left out; rules find out by counting (`&ARGS "@ge 1000"`).

ARGS_COMBINED_SIZE sums names and values of query, form and JSON, in bytes, and reads like "12.000000". URLENCODED_ERROR
is 1 when a value (ModSecurity looks at no name) holds a broken escape.
"""

from __future__ import annotations

import sys

from stockade.waf.values.base import EMPTY, NOTHING, ONE, ZERO, Collection, Maker, Message, plain
from stockade.waf.values.escapes import is_broken, unescape
from stockade.waf.values.request_line import query_of


def read_form(text: bytes, separator: bytes, most: int) -> Collection:
    """The arguments of a query or a form body, `most` at the most."""
    if not text:
        return EMPTY
    pieces = text.split(separator, most) if most < len(text) else text.split(separator)
    if len(pieces) > most or not pieces[-1]:
        pieces.pop()
    if b"+" in text or b"%" in text:
        return [_read_pair(piece) for piece in pieces]
    return [(name, value) for name, _, value in [piece.partition(b"=") for piece in pieces]]


def _read_pair(piece: bytes) -> tuple[bytes, bytes]:
    if b"+" in piece:
        piece = piece.replace(b"+", b" ")
    name, _, value = piece.partition(b"=")
    if b"%" in piece:
        return unescape(name), unescape(value)
    return name, value


_ONLY_IN_ARGS = ("JSON", "XML")


def _get(message: Message) -> Collection:
    limits = message.limits
    return read_form(query_of(message), limits.separator, limits.arguments or sys.maxsize)


def _post(message: Message) -> Collection:
    return EMPTY if message.processor in _ONLY_IN_ARGS else message.post


def _body(message: Message) -> Collection:
    return message.post


def _all(message: Message) -> Collection:
    return message["ARGS_GET"] + message.post if message.post else message["ARGS_GET"]


def _names(collection: str) -> Maker:
    def names(message: Message) -> Collection:
        return [(name, name) for name, _ in message[collection]]

    return names


def _combined_size(message: Message) -> Collection:
    counted = message["ARGS_GET"] if message.processor == "MULTIPART" else message["ARGS"]
    if not counted:
        return NOTHING
    return plain(b"%d.000000" % sum([len(name) + len(value) for name, value in counted]))


def _escape_error(message: Message) -> Collection:
    separator = message.limits.separator
    texts = [query_of(message), message.body if message.processor == "URLENCODED" else b""]
    for text in texts:
        if is_broken(text) and any(is_broken(piece.partition(b"=")[2]) for piece in text.split(separator)):
            return ONE
    return ZERO


MAKERS: dict[str, Maker] = {
    "ARGS": _all,
    "ARGS_GET": _get,
    "ARGS_POST": _post,
    "ARGS_BODY": _body,
    "ARGS_NAMES": _names("ARGS"),
    "ARGS_GET_NAMES": _names("ARGS_GET"),
    "ARGS_POST_NAMES": _names("ARGS_POST"),
    "ARGS_COMBINED_SIZE": _combined_size,
    "URLENCODED_ERROR": _escape_error,
}
