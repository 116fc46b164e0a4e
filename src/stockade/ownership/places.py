"""Where ids stand: `path.order_id`, `query.id`, `header.x-order`, `body.items[*].order_id`, `response[*].id`, and
`graphql.order.id`, the argument of a field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, cast

import msgspec
from msgspec import Struct

from stockade.ownership.ids import Pairs, scalars

Source: TypeAlias = Literal["path", "query", "header", "body", "response", "graphql"]
_PLACE = re.compile(r"(path|query|header|body|response|graphql)(.*)", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[\*\]")
_MOST_BYTES = 8 << 20
_EVERY = "*"


class BadPlace(ValueError):
    """A text that names no place."""


class Place(Struct, frozen=True):
    """A place. steps: names of members, "*" for every item; one name for path, query and header."""

    source: Source
    steps: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.steps[0] if self.steps else ""

    def __str__(self) -> str:
        return self.source + "".join("[*]" if step == _EVERY else f".{step}" for step in self.steps)


def parse_place(text: str) -> Place:
    """
    >>> parse_place("response.items[*].id").steps
    ('items', '*', 'id')
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise BadPlace(f"{text!r} is no place such as path.order_id, query.id, header.x-id, body.id or response[*].id")
    source, rest = cast("Source", match[1]), match[2]
    steps = tuple(step[1] or _EVERY for step in _STEP.finditer(rest))
    if "".join(step[0] for step in _STEP.finditer(rest)) != rest:
        raise BadPlace(f"{text!r}: after {source} come members and items, as in {source}.items[*].id")
    if source in ("path", "query", "header") and (len(steps) != 1 or steps[0] == _EVERY):
        raise BadPlace(f"{text!r}: {source} has one name, as in {source}.order_id")
    if source == "graphql" and (len(steps) < 2 or _EVERY in steps[:2]):
        raise BadPlace(f"{text!r}: graphql has a field and its argument, as in graphql.order.id")
    return Place(source, steps)


def read_json(body: bytes) -> Any:
    """The value of a body; objects are `Pairs`, so that no duplicate hides. None where it is no JSON."""
    if len(body) > _MOST_BYTES:
        return None
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        return None


def read_response(body: bytes) -> Any:
    """The value of an upstream's body, which may be large; of members that stand twice the last, as clients read it."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def values_at(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """What stands there: names without regard to case, every duplicate; a list where an object is due has each of its
    items looked into, and an object or lone value where a list is due stands for itself."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == _EVERY:
        for item in value if _is_list(value) else (value,):
            yield from values_at(item, rest)
    elif isinstance(value, Pairs | dict):
        for name, member in value if isinstance(value, Pairs) else value.items():
            if name == step or name.casefold() == step.casefold():
                yield from values_at(member, rest)
    elif _is_list(value):
        for item in value:
            yield from values_at(item, steps)


def pairs_at(
    value: Any, ids: tuple[str, ...], owners: tuple[str, ...], path: str | None = None
) -> Iterator[tuple[Any, str]]:
    """What stands at two places, each with the other of the same item. path: the id, where it stands in no value.

    >>> list(pairs_at([{"id": 7, "user": "ann"}], ("*", "id"), ("*", "user")))
    [(7, 'ann')]
    """
    ids = () if path is not None else ids
    shared = 0
    for number, (one, other) in enumerate(zip(ids, owners, strict=False), 1):
        if one != other:
            break
        if one == _EVERY:
            shared = number
    for item in values_at(value, owners[:shared]):
        named = [owner for each in values_at(item, owners[shared:]) for owner in scalars(each)]
        for id_ in values_at(item, ids[shared:]) if path is None else (path,):
            for owner in named:
                yield id_, owner


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, Pairs)
