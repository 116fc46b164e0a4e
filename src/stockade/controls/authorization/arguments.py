"""The query and the body as records that policies read, however a server binds their names.

A name that policies speak of is meant by every spelling that a lenient binder takes for it (`Admin`, `is-admin`,
`ids[]`), and may be there once: of two, nobody can say which one the API will take.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from stockade.access import Ambiguous, UnreadableBody, plain, read_json
from stockade.cedar import Set, Value, from_json
from stockade.wire import Request

_MOST_FIELDS = 2000
_DEPTH = 32
_FORM = "application/x-www-form-urlencoded"


def read_query(query: str, wanted: frozenset[str], *, whole: bool = False) -> dict[str, Value]:
    """Texts by name; only those wanted, or the whole. Raises Ambiguous."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Ambiguous("the query has too many fields") from None
    return _record(pairs, None if whole else wanted, _spellings(wanted))


def read_body(request: Request, body: bytes, wanted: frozenset[str]) -> Value | None:
    """A JSON body, or a form; None where there is none. Raises UnreadableBody of any other, and Ambiguous."""
    if not body:
        return None
    if (request.headers.get("content-encoding") or "identity").strip().lower() != "identity":
        raise UnreadableBody("compressed")
    media = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    spellings = _spellings(wanted)
    if media == _FORM:
        try:
            pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise UnreadableBody("too many fields") from None
        return _record(pairs, None, spellings)
    if media == "multipart/form-data" or media.endswith("xml"):
        raise UnreadableBody(media)
    return _converted(read_json(body), spellings, _DEPTH)


def _spellings(wanted: frozenset[str]) -> dict[str, str]:
    """How policies write a name, by its plain form."""
    return {plain(name): name for name in wanted}


def _record(
    pairs: Iterable[tuple[str, str]], wanted: frozenset[str] | None, spellings: dict[str, str]
) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for given, value in pairs:
        bare = given.partition("[")[0]
        name = spellings.get(plain(bare), given)
        if wanted is not None and name not in wanted:
            continue
        if name in found:
            raise Ambiguous(f"the parameter {name!r} is there more than once")
        # `ids[]=7` is a list to those who know the notation.
        found[name] = value if bare == given else Set([value])
    return found


def _converted(value: Any, spellings: dict[str, str], depth: int) -> Value:
    """Of JSON whose objects are lists of pairs."""
    if depth <= 0 or not isinstance(value, list):
        return from_json(value) if not isinstance(value, list) else {}
    if type(value) is list:
        return Set(_converted(member, spellings, depth - 1) for member in value)
    found: dict[str, Value] = {}
    for given, member in value:
        name = spellings.get(plain(given), given)
        if name in found:
            raise Ambiguous("a member of the body is there more than once")
        found[name] = _converted(member, spellings, depth - 1)
    return found
