"""Which properties a request would write, whatever its body's form (mass assignment, OWASP API3:2023).

Names are compared as lenient binders do: without case, `_` and `-`. A duplicate member counts with every value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

_MOST = 50_000  # members
_PARTS = re.compile(r"[\[\].]+")  # of a form's name: user[role], user.role
_DISPOSITION = re.compile(rb'name\*?="?([^"\r\n;]{1,256})', re.IGNORECASE)
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
    if body:
        media = content_type.partition(";")[0].strip().lower()
        names.update(_names(body, media))
    return frozenset(names)


def _names(body: bytes, media: str) -> Iterable[str]:
    if media == "application/x-www-form-urlencoded":
        return _form_names(body.decode("latin-1"))
    if media == "multipart/form-data":
        found = _DISPOSITION.findall(body)
        return [plain(part) for name in found for part in _PARTS.split(name.decode("utf-8", "replace")) if part]
    if media.endswith("xml"):
        raise UnreadableBody("XML")
    value = read_json(body)
    patch = media == "application/json-patch+json" or _looks_like_patch(value)
    return _patched(value) if patch else _members(value)


def read_json(body: bytes) -> Any:
    """A JSON value whose objects are lists of pairs. Raises UnreadableBody."""
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise UnreadableBody("not JSON") from None


def _form_names(text: str) -> list[str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        raise UnreadableBody("too many fields") from None
    return [plain(part) for name, _ in pairs for part in _PARTS.split(name) if part]


def _members(value: Any) -> Iterator[str]:
    waiting, seen = [value], 0
    while waiting:
        each = waiting.pop()
        pairs = each if isinstance(each, _Pairs) else None
        seen += 1
        if seen > _MOST:
            raise UnreadableBody("too many members")
        if pairs is not None:
            for name, member in pairs:
                yield plain(name)
                waiting.append(member)
        elif isinstance(each, list):
            waiting += each


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
