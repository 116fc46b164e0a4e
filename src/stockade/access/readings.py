"""Every way in which a server could read a path or a method. A rule must hold for all of them.

`/Orders/7.`, `/orders;v=1/7` and `/%256Frders/7` are `/orders/7` to one server or another, and a POST with
`X-HTTP-Method-Override: DELETE` is a DELETE.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias
from unicodedata import normalize
from urllib.parse import parse_qsl, unquote

from stockade.wire import Headers

Reading: TypeAlias = tuple[str, ...]
"""The segments of a path: decoded, without parameters, trailing dots and empty ones; letters as they were sent."""

OVERRIDES = ("x-http-method-override", "x-method-override", "x-http-method")
_OVERRIDES = frozenset(OVERRIDES)
_FIELD = "_method"  # of a query (Rails, Laravel, Express)
_MOST_DECODED = 4  # percent-decodings; what is still encoded then is encoded to deceive
_ALONE = {"GET": ("GET",), "HEAD": ("GET",), "POST": ("POST",)}  # made once
_REMEMBERED = 4096
_is_plain = re.compile(r"(?:/[A-Za-z0-9_-]+)+").fullmatch
_SHORT = 512  # characters of a path that is remembered
_LONGEST = 16  # characters of a method


class Ambiguous(ValueError):
    """A path that cannot be read in few ways; the message is safe to show."""


def readings(path: str) -> tuple[Reading, ...]:
    """One, as a rule; two where it decodes further than once. `path` is normalised (see `wire`). Raises Ambiguous."""
    if _is_plain(path):
        return (tuple(path[1:].split("/")),)
    return _remembered(path) if len(path) <= _SHORT else _read(path)


def _read(path: str) -> tuple[Reading, ...]:
    if "%" not in path:
        return (_segments(path),)
    once = unquote(path)
    whole = once
    for _ in range(_MOST_DECODED):
        further = unquote(whole)
        if further == whole:
            break
        whole = further
    else:
        raise Ambiguous("the path is percent-encoded many times over")
    first, last = _segments(once), _segments(whole.replace("\\", "/").replace("\0", "/"))
    return (first,) if first == last else (first, last)


def as_sent(path: str) -> Reading:
    """The segments decoded once and otherwise as they are, for whoever compares what stands in them: `/users/ann.` may
    be `ann`, and it may be `ann.`, whom somebody else is called."""
    return tuple(part for part in (unquote(path) if "%" in path else path).split("/") if part)


_remembered = lru_cache(maxsize=_REMEMBERED)(_read)


def _segments(path: str) -> Reading:
    kept: list[str] = []
    for segment in path.split("/"):
        bare = segment.partition(";")[0]
        if bare == "..":
            del kept[-1:]
            continue
        bare = bare.strip().rstrip(". ")
        if bare:
            kept.append(bare)
    return tuple(kept)


def folded(segment: str) -> str:
    """As servers that mind neither case nor width compare it."""
    return segment.lower() if segment.isascii() else normalize("NFKC", segment).casefold()


def methods_of(method: str, headers: Headers, query: str) -> tuple[str, ...]:
    """The method, and those that the request asks to be taken for. HEAD is a GET (RFC 9110, section 9.3.2)."""
    overridden = not headers.names().isdisjoint(_OVERRIDES)
    if not query and not overridden:
        return _ALONE.get(method) or (method,)
    found = [method]
    for name in OVERRIDES if overridden else ():
        if name in headers:
            found += (headers.get(name) or "").split(",")
    if _FIELD in query or "%" in query:
        found += [value for name, value in _pairs(query) if name.lower() == _FIELD]
    if len(found) == 1:
        return (method if method != "HEAD" else "GET",)
    names = (name.strip().upper()[:_LONGEST] for name in found)
    return tuple(dict.fromkeys("GET" if name == "HEAD" else name for name in names if name))


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        raise Ambiguous("the query has too many fields") from None
