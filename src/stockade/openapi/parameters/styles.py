"""The styles of OpenAPI 3.1 (section 4.8.12.2), which are expansions of RFC 6570, read backwards.

A reader takes the text of one parameter as sent and gives its parts, decoded: a text, a list of texts, or a dict of
texts. Delimiters are found before anything is decoded, so that an encoded one is part of a value.

| style          | text        | list               | list, explode           | object             | object, explode |
| -------------- | ----------- | ------------------ | ----------------------- | ------------------ | --------------- |
| matrix         | ;color=blue | ;color=blue,black  | ;color=blue;color=black | ;color=R,100,G,200 | ;R=100;G=200    |
| label          | .blue       | .blue,black        | .blue.black             | .R,100,G,200       | .R=100.G=200    |
| simple         | blue        | blue,black         | blue,black              | R,100,G,200        | R=100,G=200     |
| form           | color=blue  | color=blue,black   | color=blue&color=black  | color=R,100,G,200  | R=100&G=200     |
| spaceDelimited | n/a         | color=blue%20black | n/a                     | color=R%20100      | n/a             |
| pipeDelimited  | n/a         | color=blue|black   | n/a                     | color=R|100        | n/a             |
| deepObject     | n/a         | n/a                | n/a                     | n/a                | color[R]=100    |

Version 3.1.0 of the specification draws label lists without explode as `.blue.black`; RFC 6570, which it follows, and
3.1.1 have commas. What the table of the specification leaves undefined ("n/a") is read as `form`, and told of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from stockade.openapi.faults import Unreadable

Parts: TypeAlias = "str | list[str] | dict[str, str]"
Kind: TypeAlias = Literal["text", "list", "object"]
Decode: TypeAlias = Callable[[str], str]
Reader: TypeAlias = Callable[[str], Parts]
_MOST_PARTS = 1000
_space = re.compile(r"%20|\+| ")
_pipe = re.compile(r"%7[Cc]|\|")


def segment_reader(style: str, explode: bool, kind: Kind, name: str, decode: Decode) -> Reader:
    """For a path parameter, or any other whose whole text stands in one place: matrix, label, simple."""
    if style == "matrix":
        return _matrix(explode, kind, name, decode)
    if style == "label":
        inner = _delimited("." if explode else ",", explode, kind, decode)
        return lambda text: inner(_after(text, "."))
    return _delimited(",", explode, kind, decode)


def delimited_reader(style: str, kind: Kind, decode: Decode) -> Reader:
    """For the value of one name in a query or cookie, without explode: form, spaceDelimited, pipeDelimited."""
    if kind == "text" or style == "form":
        return _delimited(",", False, kind, decode)
    find = _space if style == "spaceDelimited" else _pipe
    inner = _delimited("\0", False, kind, decode)
    return lambda text: inner(find.sub("\0", text))


def _delimited(mark: str, explode: bool, kind: Kind, decode: Decode) -> Reader:
    if kind == "text":
        return decode
    if kind == "list":
        return lambda text: [decode(part) for part in _split(text, mark)]
    if explode:
        return lambda text: _object((_pair(part) for part in _split(text, mark)), decode)
    return lambda text: _object(_alternating(_split(text, mark)), decode)


def _matrix(explode: bool, kind: Kind, name: str, decode: Decode) -> Reader:
    def whole(text: str) -> Parts:
        pairs = [_pair(part, missing="") for part in _split(_after(text, ";"), ";")]
        if kind == "object" and explode:
            return _object(pairs, decode)
        if any(decode(key) != name for key, _ in pairs):
            raise Unreadable("style", f"must be written ;{name}=…")
        if kind == "list" and explode:
            return [decode(value) for _, value in pairs]
        if len(pairs) > 1:
            raise Unreadable("duplicate-parameter", "is given more than once")
        return _delimited(",", False, kind, decode)(pairs[0][1])

    return whole


def _after(text: str, mark: str) -> str:
    if not text.startswith(mark):
        raise Unreadable("style", f"must begin with {mark}")
    return text[1:]


def _split(text: str, mark: str) -> list[str]:
    parts = text.split(mark, _MOST_PARTS)
    if len(parts) > _MOST_PARTS:
        raise Unreadable("maxItems", f"has more than {_MOST_PARTS} parts")
    return parts


def _pair(text: str, missing: str | None = None) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals and missing is None:
        raise Unreadable("style", "must be written name=value")
    return name, value


def _alternating(parts: list[str]) -> list[tuple[str, str]]:
    if len(parts) % 2:
        raise Unreadable("style", "must be written as names and values in turn")
    return list(zip(parts[::2], parts[1::2], strict=True))


def _object(pairs: Iterable[tuple[str, str]], decode: Decode) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in pairs:
        key = decode(name)
        if key in made:
            raise Unreadable("duplicate-parameter", "has a name twice")
        made[key] = decode(value)
    return made
