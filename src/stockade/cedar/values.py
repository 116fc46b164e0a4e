"""The values of Cedar, as Python has them, and the request that a policy is evaluated for.

Booleans, longs (64 bits) and strings are Python's; a record is a `dict`. Equality never errs, and never crosses
types, which Python's does: 1 is no `true`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from stockade.cedar.extensions import Datetime, Decimal, Duration, Ip

LEAST, MOST = -(1 << 63), (1 << 63) - 1
_DEPTH = 32
_PLAIN = re.compile(r"[ !#-\[\]-~]*").fullmatch  # what a string literal needs no escape for


class Uid(NamedTuple):
    """The name of an entity: Principal::"ann"."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}::{quoted(self.id)}"


class Set:
    """A set, by the keys of its members: order and repetition do not count."""

    __slots__ = ("keys",)

    def __init__(self, members: Iterable[Value] = ()) -> None:
        self.keys = frozenset(map(key, members))

    @classmethod
    def of_texts(cls, texts: frozenset[str]) -> Set:
        """Texts are their own keys."""
        made = cls.__new__(cls)
        made.keys = texts
        return made

    def __eq__(self, other: object) -> bool:
        return type(other) is Set and self.keys == other.keys

    def __hash__(self) -> int:
        return hash(self.keys)


Value: TypeAlias = bool | int | str | Uid | Set | dict[str, Any] | Ip | Decimal | Datetime | Duration


class _Truth:
    """True or false among the members of a set."""


_TRUE, _FALSE = _Truth(), _Truth()


def key(value: Value) -> Any:
    """What is equal for values that are equal, and for no others; hashable."""
    kind = type(value)
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is dict:
        return "record", frozenset((name, key(member)) for name, member in value.items())  # type: ignore[union-attr]
    return value


def equal(one: Value, other: Value) -> bool:
    return type(one) is type(other) and bool(key(one) == key(other))


class Entity(Struct, frozen=True, eq=False):
    """What is known of an entity. ancestors: all of them, parents' parents too."""

    attributes: Mapping[str, Any] = {}
    ancestors: frozenset[Uid] = frozenset()
    tags: Mapping[str, Any] = {}


class Request(Struct, eq=False):
    """What a policy is evaluated for. entities: all that is known of, those three among them."""

    principal: Uid
    action: Uid
    resource: Uid
    context: dict[str, Any]
    entities: Mapping[Uid, Entity]


Judge: TypeAlias = Callable[[Request], Any]
"""An expression, ready: its value for a request. Raises EvaluationError."""


def from_json(value: Any, depth: int = _DEPTH) -> Value:
    """What JSON, or a token's claims, say as Cedar can say it.

    Cedar has neither null nor fractions: what is none of its values, or lies too deep, becomes an empty record, which
    is there (`has`) and compares with nothing.
    """
    kind = type(value)
    if kind is str or kind is bool:
        return value  # type: ignore[no-any-return]
    if kind is float and value.is_integer():
        value, kind = int(value), int
    if kind is int:
        return value if LEAST <= value <= MOST else {}
    if depth <= 0:
        return {}
    if isinstance(value, Mapping):
        return {str(name): from_json(member, depth - 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return Set(from_json(member, depth - 1) for member in value)
    return {}


def quoted(text: str) -> str:
    """A string literal of Cedar, whatever the text holds."""
    if _PLAIN(text):
        return f'"{text}"'
    return '"' + "".join(char if _PLAIN(char) else _escape(char) for char in text) + '"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    number = ord(char)
    return f"\\u{{{number if not 0xD800 <= number < 0xE000 else 0xFFFD:x}}}"
