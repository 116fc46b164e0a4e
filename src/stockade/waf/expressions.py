"""For each operator, expressions of which one matches wherever the operator does; None where there are none.

They may match more often. That they never match less is what tests/waf/test_expressions.py holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from stockade.waf.operators import Files
from stockade.waf.operators.patterns import Pattern
from stockade.waf.operators.pm import literals, literals_from_file
from stockade.waf.operators.validate_byte_range import make as make_range_test
from stockade.waf.scanner import Expression, is_usable

_MOST_LITERALS = 20_000
_Make: TypeAlias = Callable[[bytes, Files], list[Expression] | None]


def expressions_of(operator: str, argument: bytes, files: Files) -> list[Expression] | None:
    make = _MAKERS.get(operator)
    found = make(argument, files) if make is not None else None
    if not found or not all(map(is_usable, found)):
        return None
    return found


def literal(text: bytes, *, caseless: bool = False) -> Expression:
    return Expression(b"".join(b"\\x%02x" % byte for byte in text), caseless)


def _pattern(argument: bytes, files: Files) -> list[Expression] | None:  # noqa: ARG001
    return Pattern.compile(argument).expressions


def _phrases(argument: bytes, files: Files) -> list[Expression] | None:
    return _all(literals(argument, files))


def _phrases_of_file(argument: bytes, files: Files) -> list[Expression] | None:
    return _all(literals_from_file(argument, files))


def _all(phrases: list[bytes]) -> list[Expression] | None:
    if not phrases or len(phrases) > _MOST_LITERALS or not all(phrases):
        return None
    return [literal(phrase, caseless=True) for phrase in phrases]


def _contained(argument: bytes, files: Files) -> list[Expression] | None:  # noqa: ARG001
    return [literal(argument)] if argument else None


def _bytes_out_of_range(argument: bytes, files: Files) -> list[Expression] | None:
    test = make_range_test(argument, files)
    bad = [byte for byte in range(256) if test(bytes([byte])) is not None]
    if not bad:
        return None
    return [Expression(b"[" + b"".join(b"\\x%02x" % byte for byte in bad) + b"]")]


def _fixed(source: bytes) -> _Make:
    expression = Expression(source)
    return lambda argument, files: [expression]  # noqa: ARG005


_MAKERS: dict[str, _Make] = {
    "rx": _pattern,
    "rxglobal": _pattern,
    "pm": _phrases,
    "pmfromfile": _phrases_of_file,
    "pmf": _phrases_of_file,
    "contains": _contained,
    "containsword": _contained,
    "streq": _contained,
    "beginswith": _contained,
    "endswith": _contained,
    "strmatch": _contained,
    "validatebyterange": _bytes_out_of_range,
    "validateurlencoding": _fixed(rb"%"),
    "validateutf8encoding": _fixed(rb"[\x80-\xff]"),
}
