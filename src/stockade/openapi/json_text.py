"""JSON texts (RFC 8259): the value, refused where two parsers could read it differently, and the line of everything."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from typing import Any

from stockade.openapi.text import MOST_DEPTH, BadText, Lines

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NEWLINE = re.compile(r"\n")


class _Twice(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_json(text: str) -> Any:
    """The value. Raises BadText."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except _Twice as error:
        raise BadText(_second(text, error.key), f"{error.key[:60]!r} is written twice in one object") from None
    except json.JSONDecodeError as error:
        raise BadText(error.lineno, f"not valid JSON: {_lower(error.msg)}") from None
    except RecursionError:
        raise BadText(1, f"more than {MOST_DEPTH} levels deep") from None
    except ValueError as error:
        raise BadText(0, f"not valid JSON: {error}") from None
    if _SURROGATE.search(text):
        _refuse_lone_surrogates(value)
    return value


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)
    return made


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadText(0, "a text holds half of a character (a lone surrogate, \\ud800 to \\udfff)") from None
    except RecursionError:
        raise BadText(1, f"more than {MOST_DEPTH} levels deep") from None


def _second(text: str, key: str) -> int:
    """The line of the first object's key that is written a second time; the decoder does not say where it was."""
    scopes: list[set[str]] = []
    previous, line, end = "", 1, 0
    for match in _TOKEN.finditer(text):
        part = match[0]
        line += text.count("\n", end, match.start())
        end = match.start()
        if part in "{[":
            scopes.append(set())
        elif part in "}]":
            scopes.pop()
        elif part == ":" and scopes:
            name = json.loads(previous)
            if name == key and name in scopes[-1]:
                return line
            scopes[-1].add(name)
        previous = part
    return 0


def json_lines(text: str) -> Lines:
    """The line of every member and item of a text that `read_json` has accepted."""
    starts = [match.start() for match in _NEWLINE.finditer(text)]
    top: Lines = {}
    stack: list[tuple[Lines, bool]] = []  # each open container, and whether it is an object
    here, is_object, key, waiting = top, False, "", True
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part == ",":
            waiting = True
        elif part == ":":
            pass
        elif part in "}]":
            here, is_object = stack.pop()
            waiting = False
        elif is_object and waiting:
            key, waiting = (json.loads(part) if "\\" in part else part[1:-1]), False
            here[key] = (bisect_right(starts, match.start()) + 1, None)
        else:
            if not is_object and stack:
                key = str(len(here))
                here[key] = (bisect_right(starts, match.start()) + 1, None)
            if part in "{[":
                inner = top if not stack else {}
                if stack:
                    here[key] = (here[key][0], inner)
                stack.append((here, is_object))
                here, is_object, waiting = inner, part == "{", True
            else:
                waiting = False
    return top
