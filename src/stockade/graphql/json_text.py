"""JSON (RFC 8259) that all parsers read alike, as in I-JSON (RFC 7493), within bounds of depth and number."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from stockade.graphql.faults import refused

DEPTH = 32
_LONGEST_NUMBER = 64
_surrogate = re.compile("[\ud800-\udfff]").search


def read_json(data: bytes | str, values: int) -> Any:
    """The value. values: members and items at most. Raises Refused."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise refused("json", f"This is not JSON that every server reads alike: {_reason(error)}.") from None
    # Only who has many brackets or commas can be too deep or too many.
    if text.count("[") + text.count("{") > DEPTH and _depth(value) > DEPTH:
        raise refused("json-depth", f"JSON may be {DEPTH} deep at most.")
    if text.count(",") >= values and _count(value) > values:
        raise refused("values", f"A request may have {values} members and items at most.", 413)
    if "\\u" in text and _has_surrogate(value):
        raise refused("json", "This is not JSON that every server reads alike: half a surrogate pair.")
    return value


class _Unlike(ValueError):
    """What JSON parsers do not agree on; the message may be shown."""


def _reason(error: Exception) -> str:
    if isinstance(error, _Unlike):
        return str(error)
    if isinstance(error, RecursionError):
        return "too deep"
    if isinstance(error, json.JSONDecodeError):
        return f"wrong at character {error.pos}"
    return "not UTF-8"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unlike("a name stands twice in an object")
    return found


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise _Unlike("a number is too long")
    return int(text)


def _number(text: str) -> float:
    number = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if not math.isfinite(number):
        raise _Unlike("a number is too large")
    return number


def _constant(text: str) -> Any:
    raise _Unlike(f"{text} is no JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [child for each in level if isinstance(each, list | dict) for child in _children(each)]:
        depth += 1
        if depth > DEPTH:
            break
    return depth


def _count(value: Any) -> int:
    """Members and items, those within them too."""
    count, waiting = 0, [value]
    while waiting:
        children = _children(waiting.pop())
        count += len(children)
        waiting += children
    return count


def _has_surrogate(value: Any) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if _surrogate(each):
                return True
        elif isinstance(each, dict):
            waiting += each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return False
