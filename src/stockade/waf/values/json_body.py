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

Sound bodies are read by the C scanner of the standard library; the rest by `json_scan`, which is iterative.
"""

from __future__ import annotations

from json import JSONDecoder
from typing import NamedTuple, NoReturn

from stockade.waf.values.base import EMPTY, Collection

_SPACE = " \t\n\r"
_CONSTANTS: dict[object, bytes] = {True: b"true", False: b"false", None: b""}


class Flat(NamedTuple):
    """What became of a body. `failed`: why it could not be read to its end, empty when it was."""

    pairs: Collection
    failed: str = ""
    problems: tuple[str, ...] = ()


class _Unsound(Exception):
    """The quick reader does not want this body."""


def _refuse(constant: str) -> NoReturn:
    raise _Unsound(constant)  # NaN and Infinity, which the standard library takes and JSON has not


_scan = JSONDecoder(
    object_pairs_hook=tuple,  # keeps order and duplicates, and tells an object from an array
    parse_int=str.encode,  # a number keeps its text, and is told from a string by its type
    parse_float=str.encode,
    parse_constant=_refuse,
).scan_once  # type: ignore[attr-defined] # public in all but typeshed


def read_json(body: bytes, depth: int, most: int) -> Flat:
    """Flatten a body, `depth` levels and `most` arguments at the most (0: all)."""
    try:
        text = body.decode()
        start = 0 if text[:1] in "{[" else len(text) - len(text.lstrip(_SPACE))
        value, end = _scan(text, start)
        pairs: Collection = []
        duplicate = _flatten(value, "json", depth, pairs)
    except (UnicodeError, StopIteration, ValueError, RecursionError, _Unsound):
        return Flat(EMPTY, "not JSON")
    if (end != len(text) and text[end:].strip(_SPACE)) or len(pairs) > most > 0:
        return Flat(EMPTY, "not JSON")
    return Flat(pairs, "", ("json-duplicate-key",) if duplicate else ())


def _flatten(value: object, name: str, depth: int, pairs: Collection) -> bool:
    """Append the arguments under `name`; whether a key occurs twice."""
    kind = type(value)
    if kind is tuple:
        return _flatten_object(value, name, depth, pairs)  # type: ignore[arg-type]
    if kind is list:
        return _flatten_array(value, name, depth, pairs)  # type: ignore[arg-type]
    if kind is str:
        pairs.append((name.encode(), value.encode()))  # type: ignore[attr-defined]
    else:
        pairs.append((name.encode(), value if kind is bytes else _CONSTANTS[value]))  # type: ignore[arg-type]
    return False


def _flatten_object(members: tuple[tuple[str, object], ...], name: str, depth: int, pairs: Collection) -> bool:
    if not depth:
        raise _Unsound("too deep")
    duplicate = len(dict(members)) != len(members)
    prefix = name + "."
    for key, value in members:
        path = prefix + (key or "empty-key")
        kind = type(value)
        if kind is str:
            pairs.append((path.encode(), value.encode()))  # type: ignore[attr-defined]
        elif kind is bytes:
            pairs.append((path.encode(), value))  # type: ignore[arg-type]
        elif kind is tuple:
            duplicate |= _flatten_object(value, path, depth - 1, pairs)  # type: ignore[arg-type]
        elif kind is list:
            duplicate |= _flatten_array(value, path, depth - 1, pairs)  # type: ignore[arg-type]
        else:
            pairs.append((path.encode(), _CONSTANTS[value]))
    return duplicate


def _flatten_array(items: list[object], name: str, depth: int, pairs: Collection) -> bool:
    if not depth:
        raise _Unsound("too deep")
    duplicate = False
    prefix = name + ".array_"
    for index, value in enumerate(items):
        duplicate |= _flatten(value, prefix + str(index), depth - 1, pairs)
    return duplicate
