"""Structured fields (RFC 9651) as far as signatures need them: dictionaries of items and inner lists, with parameters.

Strict, as section 4.2 has it, and bounded. Written again they are canonical (section 4.1): that is what is signed.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

MAX_FIELD: Final = 8 * 1024  # characters
MAX_MEMBERS: Final = 64  # of a dictionary, an inner list, or the parameters of one


class BadField(ValueError):
    """A field that is no such dictionary."""


class Token(str):
    """An unquoted word (section 3.3.4)."""

    __slots__ = ()


Bare: TypeAlias = int | str | Token | bytes | bool
Parameters: TypeAlias = Mapping[str, Bare]


class Item(NamedTuple):
    value: Bare
    parameters: Parameters


class InnerList(NamedTuple):
    items: tuple[Item, ...]
    parameters: Parameters


Member: TypeAlias = Item | InnerList
_NONE: Final[Parameters] = MappingProxyType({})

_key = re.compile(r"[a-z*][a-z0-9_\-.*]*").match
_integer = re.compile(r"-?[0-9]{1,15}(?![0-9.])").match
_token = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*").match
_string = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"').match
_bytes = re.compile(r":([A-Za-z0-9+/]*={0,2}):").match
_boolean = re.compile(r"\?([01])").match
_comma = re.compile(r"[ \t]*,[ \t]*").match
_spaces = re.compile(r" *").match
_escape = re.compile(r"\\(.)").sub
# What most signatures consist of, each in one step: a list of plain names, and a parameter that is a number or a plain
# string. Whatever else it is, the reader takes it apart.
_names = re.compile(r'\((?:"[a-z@][a-z0-9@-]*"(?: +"[a-z@][a-z0-9@-]*")*)?\)').match
_parameter = re.compile(r';([a-z*][a-z0-9_\-.*]*)=(?:"([ !#-\[\]-~]*)"|(-?[0-9]{1,15})(?![0-9.]))').match


def parse_dictionary(text: str) -> dict[str, Member]:
    """The members by key, in order. A key that comes again is refused, although a lenient reader would take the last:
    two readers of a signature must not see two. Raises BadField.
    """
    if len(text) > MAX_FIELD or not text.isascii():
        raise BadField("too long, or not ASCII")
    reader = _Reader(text.strip(" "))
    members: dict[str, Member] = {}
    while not reader.ended:
        key = reader.key()
        if key in members or len(members) >= MAX_MEMBERS:
            raise BadField("a key comes twice, or there are too many")
        members[key] = reader.member()
        if not reader.ended:
            reader.take(_comma)
            if reader.ended:
                raise BadField("a comma at the end")
    return members


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._text)

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def take(self, match: object) -> re.Match[str]:
        found: re.Match[str] | None = match(self._text, self._at)  # type: ignore[operator]
        if found is None:
            raise BadField(f"unexpected text at {self._at}")
        self._at = found.end()
        return found

    def key(self) -> str:
        return self.take(_key)[0]

    def member(self) -> Member:
        if self._next() != "=":
            return Item(True, self.parameters())
        self._at += 1
        return self.inner_list() if self._next() == "(" else self.item()

    def inner_list(self) -> InnerList:
        names = _names(self._text, self._at)
        if names is not None:
            self._at = names.end()
            return InnerList(_items(names[0]), self.parameters())
        self._at += 1
        items: list[Item] = []
        while True:
            spaces = self.take(_spaces)[0]
            if self._next() == ")":
                self._at += 1
                return InnerList(tuple(items), self.parameters())
            if (items and not spaces) or len(items) >= MAX_MEMBERS:
                raise BadField("items of a list that nothing separates, or too many")
            items.append(self.item())

    def item(self) -> Item:
        return Item(self.bare(), self.parameters())

    def parameters(self) -> Parameters:
        found: dict[str, Bare] = {}
        while self._next() == ";":
            plain = _parameter(self._text, self._at)
            if plain is not None and plain[1] not in found and len(found) < MAX_MEMBERS:
                found[plain[1]] = plain[2] if plain[3] is None else int(plain[3])
                self._at = plain.end()
                continue
            self._at += 1
            self.take(_spaces)
            key = self.key()
            if key in found or len(found) >= MAX_MEMBERS:
                raise BadField("a parameter comes twice, or there are too many")
            found[key] = True
            if self._next() == "=":
                self._at += 1
                found[key] = self.bare()
        return found

    def bare(self) -> Bare:
        first = self._next()
        if first == '"':
            return _escape(r"\1", self.take(_string)[1])
        if first == ":":
            return _decode(self.take(_bytes)[1])
        if first == "?":
            return self.take(_boolean)[1] == "1"
        if first.isdigit() or first == "-":
            return int(self.take(_integer)[0])
        return Token(self.take(_token)[0])


@lru_cache(maxsize=256)  # a client covers the same components each time
def _items(text: str) -> tuple[Item, ...]:
    """The items of a list of plain names. Raises BadField."""
    names = text[1:-1].split()
    if len(names) > MAX_MEMBERS:
        raise BadField("too many items of a list")
    return tuple(Item(name[1:-1], _NONE) for name in names)


def _decode(text: str) -> bytes:
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        raise BadField("bytes that are no base64") from None
    if b64encode(value).decode() != text:
        raise BadField("bytes that are no canonical base64")
    return value


def write_member(member: Member) -> str:
    if isinstance(member, InnerList):
        return f"({' '.join(map(write_item, member.items))}){write_parameters(member.parameters)}"
    return write_item(member)


def write_item(item: Item) -> str:
    if not item.parameters and type(item.value) is str and '"' not in item.value and "\\" not in item.value:
        return f'"{item.value}"'
    return write_bare(item.value) + write_parameters(item.parameters)


def write_parameters(parameters: Parameters) -> str:
    return "".join(f";{key}" if value is True else f";{key}={write_bare(value)}" for key, value in parameters.items())


def write_bare(value: Bare) -> str:
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f":{b64encode(value).decode()}:"
    if isinstance(value, Token):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
