"""JSON bodies (RFC 8259), flattened into arguments as ModSecurity v3 does.

    {"a": 1.0, "b": {"c": [true, null, {"d": "x"}]}, "": 2}

    json.a              1.0      a number keeps its text
    json.b.c.array_0    true
    json.b.c.array_1             null is the empty text
    json.b.c.array_2.d  x
    json.empty-key      2

A body that is one scalar is the argument `json`; empty objects and arrays give none. A body that breaks off keeps the
arguments before the break, and the request learns why (REQBODY_ERROR): so does one that is nested too deep or holds
too many arguments.

What two parsers read differently is a problem, noted by name: `json-duplicate-key` (both values are arguments),
`json-bad-utf8`, `json-lone-surrogate` (a high one reads as `?`).

Names longer in all than eight times the body and 64 KiB are refused: they repeat those of every container around. So
is, where the body is no sound JSON besides, a crowd of empty objects and arrays.

Differences from ModSecurity v3: a lone high surrogate does not swallow the character that follows it, nor join an
escape that is no low one; overlong and other ill-formed UTF-8 is an error, though its arguments are there.

Sound bodies are read by the C scanner of the standard library; the rest by `json_scan`.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import JSONDecoder
from typing import Any, NoReturn, TypeAlias

from stockade.waf.values.base import Collection
from stockade.waf.values.json_scan import Scan

_SPACE = " \t\n\r"
_LONG = 1024  # characters of one name, and
_FEW = 64  # arguments: beyond them the quick reader counts the length of names
_UNNAMED = "empty-key"
_DUPLICATE = ("json-duplicate-key",)
_CONSTANTS: dict[object, bytes] = {True: b"true", False: b"false", None: b""}


Flat: TypeAlias = tuple[Collection, str, tuple[str, ...]]
"""The arguments; why the body could not be read to its end, empty when it was; problems."""


class _Unsound(Exception):
    """The quick reader leaves this body to the thorough one."""


def _refuse(constant: str) -> NoReturn:
    raise _Unsound(constant)  # NaN and Infinity, which the standard library takes and JSON has not


_scan = JSONDecoder(
    object_pairs_hook=tuple,  # keeps order and duplicates, and tells an object from an array
    parse_int=str.encode,  # a number keeps its text, and is told from a string by its type
    parse_float=str.encode,
    parse_constant=_refuse,
).scan_once  # type: ignore[attr-defined] # public in all but typeshed


def read_json(body: bytes, depth: int, most: int) -> Flat:
    """Flatten a body, `depth` levels and `most` arguments at the most."""
    try:
        text = body.decode()
        start = 0 if text[:1] in "{[" else len(text) - len(text.lstrip(_SPACE))
        value, end = _scan(text, start)
        if end == len(text) or not text[end:].strip(_SPACE):
            pairs: Collection = []
            duplicate = _any(value, "json", depth, most, pairs)
            if len(pairs) <= most and (len(pairs) < _FEW or sum([len(name) for name, _ in pairs]) <= _room(body)):
                return pairs, "", _DUPLICATE if duplicate else ()
    except (UnicodeError, StopIteration, ValueError, RecursionError, _Unsound):
        pass
    scan = Scan(body, depth, most, _room(body))
    failed = scan.failed
    if not failed and "json-bad-utf8" in scan.problems:
        failed = "it is not UTF-8"
    return scan.pairs, failed, tuple(scan.problems)


def _room(body: bytes) -> int:
    """How many bytes the names of all arguments may have together."""
    return 65536 + 8 * len(body)


# The three below append the arguments under `name` to `pairs` and say whether some key occurs twice. They spell out
# what one function per kind would do: most of the time of a small body goes here. Near a limit they raise _Unsound.


def _any(value: Any, name: str, depth: int, most: int, pairs: Collection) -> bool:
    kind = type(value)
    if kind is tuple:
        return _object(value, name, depth, most, pairs)
    if kind is list:
        return _array(value, name, depth, most, pairs)
    pairs.append((name.encode(), value.encode() if kind is str else value if kind is bytes else _CONSTANTS[value]))
    return False


def _object(members: tuple[tuple[str, Any], ...], name: str, depth: int, most: int, pairs: Collection) -> bool:
    if not depth or len(name) > _LONG:
        raise _Unsound
    duplicate = len(dict(members)) != len(members)
    prefix = name + "."
    if len(members) + len(pairs) > most:
        named = ((prefix + (key or _UNNAMED), value) for key, value in members)
        return _many(named, depth - 1, most, pairs) or duplicate
    add = pairs.append
    for key, value in members:
        kind = type(value)
        if kind is str:
            add(((prefix + (key or _UNNAMED)).encode(), value.encode()))
        elif kind is bytes:
            add(((prefix + (key or _UNNAMED)).encode(), value))
        elif kind is tuple:
            duplicate |= _object(value, prefix + (key or _UNNAMED), depth - 1, most, pairs)
        elif kind is list:
            duplicate |= _array(value, prefix + (key or _UNNAMED), depth - 1, most, pairs)
        else:
            add(((prefix + (key or _UNNAMED)).encode(), _CONSTANTS[value]))
    return duplicate


def _array(items: list[Any], name: str, depth: int, most: int, pairs: Collection) -> bool:
    if not depth or len(name) > _LONG:
        raise _Unsound
    duplicate = False
    prefix = name + ".array_"
    if len(items) + len(pairs) > most:
        return _many(((f"{prefix}{index}", value) for index, value in enumerate(items)), depth - 1, most, pairs)
    add = pairs.append
    for index, value in enumerate(items):
        kind = type(value)
        if kind is str:
            add((f"{prefix}{index}".encode(), value.encode()))
        elif kind is bytes:
            add((f"{prefix}{index}".encode(), value))
        elif kind is tuple:
            duplicate |= _object(value, f"{prefix}{index}", depth - 1, most, pairs)
        elif kind is list:
            duplicate |= _array(value, f"{prefix}{index}", depth - 1, most, pairs)
        else:
            add((f"{prefix}{index}".encode(), _CONSTANTS[value]))
    return duplicate


def _many(named: Iterable[tuple[str, Any]], depth: int, most: int, pairs: Collection) -> bool:
    """A container with more members than arguments are left: it is fine if they are empty containers."""
    duplicate = False
    for name, value in named:
        duplicate |= _any(value, name, depth, most, pairs)
        if len(pairs) > most:
            raise _Unsound
    return duplicate
