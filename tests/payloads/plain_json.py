"""The plainest reader of strict JSON: the standard library, and then one look at every value. Slow; recursive."""

from __future__ import annotations

import json
from typing import Any

from stockade.payloads import Limits


class Refused(Exception):
    pass


def read(body: bytes, limits: Limits) -> Any:
    """The value, or Refused."""

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in members]
        _need(len(set(names)) == len(names))
        _need(all(len(name) <= limits.name and "\0" not in name for name in names))
        return dict(members)

    def whole(text: str) -> int:
        _need(len(text) <= limits.number)
        _need(abs(int(text)) <= limits.integer)
        return int(text)

    def broken(text: str) -> float:
        _need(len(text) <= limits.number)
        value = float(text)
        mantissa = text.lower().split("e")[0]
        _need(value != 0 or not any(digit in mantissa for digit in "123456789"))
        _need(abs(value) != float("inf"))
        return value

    def constant(text: str) -> None:
        raise Refused(text)

    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=pairs, parse_int=whole, parse_float=broken, parse_constant=constant
        )
    except (ValueError, RecursionError):
        raise Refused from None
    counts = {"members": 0, "items": 0}
    _look(value, 0, limits, counts)
    _need(counts["members"] <= limits.members and counts["items"] <= limits.items)
    return value


def _need(true: bool) -> None:
    if not true:
        raise Refused


def _look(value: Any, depth: int, limits: Limits, counts: dict[str, int]) -> None:
    if isinstance(value, dict):
        counts["members"] += len(value)
        for name in value:
            _characters(name)
        inner = list(value.values())
    elif isinstance(value, list):
        counts["items"] += len(value)
        inner = value
    else:
        if isinstance(value, str):
            _need(len(value) <= limits.string)
            _characters(value)
        return
    _need(depth < limits.depth)
    for one in inner:
        _look(one, depth + 1, limits, counts)


def _characters(text: str) -> None:
    for character in text:
        code = ord(character)
        _need(not 0xD800 <= code <= 0xDFFF)
        _need(not 0xFDD0 <= code <= 0xFDEF and code & 0xFFFE != 0xFFFE)
