"""Echoes: ids that a client wrote into its own request. An API that hands them back has not chosen them, so they prove
nothing: else whoever has `POST /orders {"id": 7}` answered with order 7 would own it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from stockade.ownership import BadId, Form, spellings
from stockade.ownership.ids import Pairs, scalars
from stockade.ownership.places import read_json
from stockade.wire import Request

_MOST_PAIRS = 2000
_MOST_VALUES = 20_000


class TooMuch(Exception):
    """The request holds so much that it could hold anything."""


def echoes(request: Request, body: bytes, names: frozenset[str], form: Form) -> frozenset[str]:
    """The ids that stand in query and body under one of the names, in lower case, at any depth. Raises TooMuch."""
    found: set[str] = set()
    for text in _written(request, body, names):
        try:
            found.update(spellings(text, form))
        except BadId:
            continue
    return frozenset(found)


def _written(request: Request, body: bytes, names: frozenset[str]) -> Iterator[str]:
    yield from _of_form(request.query, names)
    if not body:
        return
    value = read_json(body)
    if value is None:
        yield from _of_form(body.decode("latin-1"), names)
        return
    try:
        for each in _members(value, names):
            yield from scalars(each)
    except BadId:
        raise TooMuch from None


def _of_form(text: str, names: frozenset[str]) -> Iterator[str]:
    if not text:
        return
    try:
        pairs = parse_qsl(text, max_num_fields=_MOST_PAIRS)
    except ValueError:
        raise TooMuch from None
    for name, value in pairs:
        if not names.isdisjoint(part.strip() for part in name.casefold().replace("]", "").split("[")):
            yield value


def _members(value: Any, names: frozenset[str]) -> Iterator[Any]:
    waiting, seen = [value], 0
    while waiting:
        each = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise TooMuch
        if isinstance(each, Pairs):
            for name, member in each:
                if name.casefold() in names:
                    yield member
                waiting.append(member)
        elif isinstance(each, list):
            waiting += each
