"""The work itself: decode, change, encode. What cannot be read without doubt is not passed on.

Members keep their order, numbers their text ("1.10", "1e400", "-0"), and what needs no change goes on byte for byte.
Names that come twice fail: which of the two a client would take is not known here.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, Encoder

from stockade.projections.actions import REMOVE, Action

_DEEPEST = 200  # containers within each other
_LONGEST_DIGITS = 4000  # of an integer: Python refuses to read longer ones, and so do we


def _raw(text: str) -> Raw:
    return Raw(text.encode())


_decode = Decoder(float_hook=_raw).decode
_encode = Encoder().encode
_negative_zero = re.compile(rb"-0(?![0-9.eE])").search


class Unprojectable(ValueError):
    """A body that is no JSON, or that two readers could read differently. The message has nothing of the body."""


class Cut:
    """What happens at one place, for one set of permissions. Made by `Plan.cut`."""

    __slots__ = (
        "changes",
        "deeper",
        "drops",
        "is_array",
        "is_object",
        "item",
        "items",
        "known",
        "others",
        "watches_others",
        "within_others",
    )

    def __init__(self) -> None:
        self.drops: tuple[str, ...] = ()
        self.changes: tuple[tuple[str, Action], ...] = ()
        self.deeper: tuple[tuple[str, Cut], ...] = ()
        self.known: frozenset[str] = frozenset()
        self.others: Action | None = None
        self.within_others: Cut | None = None
        self.watches_others = False
        self.item: Action | None = None
        self.items: Cut | None = None
        self.is_object = self.is_array = True

    def takes(self, value: Any) -> bool:
        """Whether a value of that kind may stand here at all."""
        kind = type(value)
        return self.is_object if kind is dict else self.is_array if kind is list else True


def project(body: bytes, cut: Cut) -> bytes | None:
    """The body as it may leave; None when that is as it came. Raises Unprojectable. Linear in its size."""
    value = _read(body)
    if not cut.takes(value):
        raise Unprojectable("the body is of a kind that is not declared")
    try:
        return _encode(value) if _apply(value, cut, 0) else None
    except (RecursionError, UnicodeEncodeError, ValueError) as error:
        raise Unprojectable(f"the body cannot be changed: {type(error).__name__}") from None


def _read(body: bytes) -> Any:
    try:
        if b"\\u0022" in body or (b"-0" in body and _negative_zero(body)):
            return _read_slowly(body)
        value = _decode(body)
        # A name that came twice was written once now, and took its quotation marks with it.
        if _encode(value).count(b'"') != body.count(b'"'):
            return _read_slowly(body)
    except Unprojectable:
        raise
    except (DecodeError, RecursionError, ValueError, OverflowError) as error:
        raise Unprojectable(f"the body is no JSON that can be read: {type(error).__name__}") from None
    return value


def _read_slowly(body: bytes) -> Any:
    """The same, name by name."""
    if max(map(len, re.findall(rb"[0-9]+", body)), default=0) > _LONGEST_DIGITS:
        raise Unprojectable("a number is too long")
    _decode(body)  # it is stricter about texts
    return json.loads(body, object_pairs_hook=_distinct, parse_float=_raw, parse_int=_raw, parse_constant=_refuse)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Unprojectable("a name comes twice in an object")
    return value


def _refuse(_: str) -> NoReturn:
    raise Unprojectable("the body holds a number that JSON does not have")


def _apply(value: Any, cut: Cut, depth: int) -> bool:
    """Whether anything changed. `value` is a container, or nothing happens."""
    if depth > _DEEPEST:
        raise Unprojectable(f"the body is nested more than {_DEEPEST} deep")
    kind = type(value)
    if kind is dict:
        return _apply_object(value, cut, depth)
    return kind is list and _apply_array(value, cut, depth)


def _apply_object(value: dict[str, Any], cut: Cut, depth: int) -> bool:
    changed = False
    if cut.watches_others and not value.keys() <= cut.known:
        changed = _apply_others(value, cut, depth)
    for name in cut.drops:
        if name in value:
            del value[name]
            changed = True
    for name, action in cut.changes:
        if name in value:
            value[name] = action(value[name])
            changed = True
    for name, within in cut.deeper:
        inner = value.get(name)
        if type(inner) is dict or type(inner) is list:
            if not within.takes(inner):
                del value[name]
                changed = True
            elif _apply(inner, within, depth + 1):
                changed = True
    return changed


def _apply_others(value: dict[str, Any], cut: Cut, depth: int) -> bool:
    action, within = cut.others, cut.within_others
    if action is not None:
        for name in value.keys() - cut.known:
            if action is REMOVE:
                del value[name]
            else:
                value[name] = action(value[name])
        return True
    changed = False
    known = cut.known
    inner = [
        (name, item) for name, item in value.items() if (type(item) is dict or type(item) is list) and name not in known
    ]
    for name, item in inner if within is not None else ():
        assert within is not None
        if not within.takes(item):
            del value[name]
            changed = True
        elif _apply(item, within, depth + 1):
            changed = True
    return changed


def _apply_array(value: list[Any], cut: Cut, depth: int) -> bool:
    if cut.item is REMOVE:
        changed = bool(value)
        value.clear()
        return changed
    if cut.item is not None:
        action = cut.item
        value[:] = [action(inner) for inner in value]
        return bool(value)
    within = cut.items
    if within is None:
        return False
    changed = False
    if not (within.is_object and within.is_array) and not all(map(within.takes, value)):
        value[:] = [inner for inner in value if within.takes(inner)]
        changed = True
    depth += 1
    for inner in value:
        if (type(inner) is dict or type(inner) is list) and _apply(inner, within, depth):
            changed = True
    return changed
