"""Which properties a request would write, whatever its body's form (mass assignment, OWASP API3:2023).

Names are compared as lenient binders do: without case, `_` and `-`. A duplicate member counts with every value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from stockade.access.mutations import argument_names

_MOST = 50_000  # members
_MOST_PARTS = 1000
_DEEPEST = 4  # texts that hold JSON that holds texts …
_PARTS = re.compile(r"[\[\].]+")  # of a form's name: user[role], user.role
_DISPOSITION = re.compile(rb'name\*?="?([^"\r\n;]{1,256})', re.IGNORECASE)
_BETWEEN = re.compile(rb"\r?\n--")  # parts of a multipart body
_HEAD = re.compile(rb"\A.*?\r?\n\r?\n", re.DOTALL)
_ENCODED = re.compile(r"^[\w-]*'[\w-]*'(.*)$", re.DOTALL)  # RFC 8187
_IGNORED = str.maketrans("", "", "_- ")


class UnreadableBody(ValueError):
    """A body that cannot be looked through."""


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its members, duplicates too."""


def plain(name: str) -> str:
    return name.translate(_IGNORED).casefold()


def written_properties(body: bytes, content_type: str, query: str) -> frozenset[str]:
    """The names, at any depth, in their plain form. Raises UnreadableBody."""
    names = set(_form_names(query)) if query else set()
    names |= {plain(name) for _, text in _fields(query) if "mutation" in text for name in argument_names(text)}
    if body:
        media = content_type.partition(";")[0].strip().lower()
        names.update(_names(body, media))
    return frozenset(names)


def _names(body: bytes, media: str) -> Iterable[str]:
    if media == "application/x-www-form-urlencoded":
        text = body.decode("latin-1")
        value = _wrapped(text)  # some servers look at the body alone
        return [*_form_names(text), *(_members(value) if value is not None else ())]
    if media == "multipart/form-data":
        return _part_names(body)
    if media == "application/graphql":
        return map(plain, argument_names(body.decode("utf-8", "replace")))
    if media.endswith("xml"):
        raise UnreadableBody("XML")
    value = read_json(body)
    patch = media == "application/json-patch+json" or _looks_like_patch(value)
    return _patched(value) if patch else _members(value)


def _part_names(body: bytes) -> Iterator[str]:
    """Those of the parts, and those in parts that hold JSON, whatever they say they hold."""
    for found in _DISPOSITION.findall(body):
        name = found.decode("utf-8", "replace")
        encoded = _ENCODED.match(name)
        yield from _split(unquote(encoded[1]) if encoded else name)
    parts = _BETWEEN.split(body, _MOST_PARTS)  # so that each byte is looked at once
    if len(parts) > _MOST_PARTS:
        raise UnreadableBody("too many parts")
    for part in parts:
        content = _HEAD.sub(b"", part, count=1).strip()
        if content[:1] in (b"{", b"["):
            value = _wrapped(content.decode("utf-8", "replace"))
            yield from _members(value) if value is not None else ()


def _split(name: str) -> list[str]:
    return [plain(part) for part in _PARTS.split(name) if part]


def read_json(body: bytes) -> Any:
    """A JSON value whose objects are lists of pairs. Raises UnreadableBody."""
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise UnreadableBody("not JSON") from None


def _form_names(text: str) -> list[str]:
    return [part for name, _ in _fields(text) for part in _split(name)]


def _fields(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        raise UnreadableBody("too many fields") from None


def _members(value: Any) -> Iterator[str]:
    """Names of members at any depth, in texts that hold JSON, too, and the arguments of GraphQL mutations."""
    waiting, seen = [(value, 0)], 0
    while waiting:
        each, depth = waiting.pop()
        seen += 1
        if seen > _MOST:
            raise UnreadableBody("too many members")
        if isinstance(each, _Pairs):
            for name, member in each:
                yield plain(name)
                waiting.append((member, depth))
        elif isinstance(each, list):
            waiting += ((member, depth) for member in each)
        elif isinstance(each, str):
            yield from map(plain, argument_names(each) if "mutation" in each else ())
            wrapped = _wrapped(each) if depth < _DEEPEST else None
            if wrapped is not None:
                waiting.append((wrapped, depth + 1))


def _wrapped(text: str) -> Any:
    """The JSON object or list that a text holds; None where it holds none."""
    if text.lstrip()[:1] not in ("{", "[") or not text.lstrip():
        return None
    try:
        return json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None


def _looks_like_patch(value: Any) -> bool:
    return (
        isinstance(value, list)
        and not isinstance(value, _Pairs)
        and bool(value)
        and all(isinstance(each, _Pairs) and {"op", "path"} <= {name for name, _ in each} for each in value)
    )


def _patched(value: Any) -> Iterator[str]:
    """Of a JSON Patch (RFC 6902): the parts of its pointers, and the members of its values."""
    yield from _members(value)
    for each in value if isinstance(value, list) else ():
        for name, text in each if isinstance(each, _Pairs) else ():
            if name in ("path", "from") and isinstance(text, str):
                yield from (plain(part.replace("~1", "/").replace("~0", "~")) for part in text.split("/") if part)
