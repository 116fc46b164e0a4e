"""The query and the body as records that policies read, however a server binds their names.

A name that policies speak of is meant by every spelling that a lenient binder takes for it (`Admin`, `is-admin`,
`ids[]`), and may be there once: of two, nobody can say which one the API will take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from stockade.access import Ambiguous, UnreadableBody, plain, read_json
from stockade.cedar import Set, Value, from_json
from stockade.wire import Request

_MOST_FIELDS = 2000
_DEPTH = 32
_is_simple = re.compile(r"[A-Za-z0-9_.=&-]{0,2000}").fullmatch  # nothing is encoded
_FORM = "application/x-www-form-urlencoded"


def read_query(query: str, wanted: Mapping[str, str], *, whole: bool = False) -> dict[str, Value]:
    """Texts by name; only those wanted (see `spellings`), or the whole. Raises Ambiguous."""
    if not query:
        return {}
    try:
        pairs = (
            [_pair(each) for each in query.split("&")]
            if _is_simple(query)
            else parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        )
    except ValueError:
        raise Ambiguous("the query has too many fields") from None
    found = _record(pairs, wanted, whole=whole)
    if ";" in query:  # which divides parameters to some servers
        hidden = (_pair(part)[0] for each in query.split("&") for part in each.split(";")[1:])
        for name in hidden:
            if plain(unquote_plus(name).partition("[")[0]) in wanted:
                raise Ambiguous("a parameter stands behind a semicolon")
    return found


def read_body(request: Request, body: bytes, wanted: Mapping[str, str]) -> Value | None:
    """A JSON body, or a form; None where there is none. Raises UnreadableBody of any other, and Ambiguous."""
    if not body:
        return None
    if (request.headers.get("content-encoding") or "identity").strip().lower() != "identity":
        raise UnreadableBody("compressed")
    media = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media == _FORM:
        if body.lstrip()[:1] in (b"{", b"["):
            raise UnreadableBody("JSON that says it is a form")
        try:
            pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise UnreadableBody("too many fields") from None
        return _record(pairs, wanted, whole=True)
    if media == "multipart/form-data" or media.endswith("xml"):
        raise UnreadableBody(media)
    return _converted(read_json(body), wanted, _DEPTH)


def spellings(wanted: frozenset[str]) -> dict[str, str]:
    """How policies write a name, by its plain form."""
    return {plain(name): name for name in wanted}


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _record(pairs: Iterable[tuple[str, str]], wanted: Mapping[str, str], *, whole: bool) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for given, value in pairs:
        bare = given.partition("[")[0]
        name = wanted.get(plain(bare))
        if name is None:
            if not whole:
                continue
            name = given
        if name in found:
            raise Ambiguous(f"the parameter {name!r} is there more than once")
        # `ids[]=7` is a list to those who know the notation.
        found[name] = value if bare == given else Set([value])
    return found


def _converted(value: Any, wanted: Mapping[str, str], depth: int) -> Value:
    """Of JSON whose objects are lists of pairs."""
    if depth <= 0 or not isinstance(value, list):
        return from_json(value) if not isinstance(value, list) else {}
    if type(value) is list:
        return Set(_converted(member, wanted, depth - 1) for member in value)
    found: dict[str, Value] = {}
    for given, member in value:
        name = wanted.get(plain(given), given)
        if name in found:
            raise Ambiguous("a member of the body is there more than once")
        found[name] = _converted(member, wanted, depth - 1)
    return found
