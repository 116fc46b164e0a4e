"""Logic, comparison, arithmetic, texts and sets: each function takes the judges of its operands and returns that of
the whole.

They err as Cedar's operators do: on a type that they do not take, on an overflow. `&&`, `||` and `if` look no further
than they must.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stockade.cedar.errors import EvaluationError
from stockade.cedar.extensions import Datetime, Duration, bounded
from stockade.cedar.values import Judge, Request, Set, Uid, equal, key

_ORDERED = (Datetime, Duration)


# Logic.


def boolean(judge: Judge) -> Judge:
    """The same, of what must be true or false."""

    def sure(request: Request) -> bool:
        value = judge(request)
        if value is True or value is False:
            return value
        raise EvaluationError("not a boolean")

    return sure


def every(parts: Sequence[Judge]) -> Judge:
    def judge(request: Request) -> bool:
        for part in parts:
            value = part(request)
            if value is False:
                return False
            if value is not True:
                raise EvaluationError("not a boolean")
        return True

    return judge


def some(parts: Sequence[Judge]) -> Judge:
    def judge(request: Request) -> bool:
        for part in parts:
            value = part(request)
            if value is True:
                return True
            if value is not False:
                raise EvaluationError("not a boolean")
        return False

    return judge


def negated(judge: Judge) -> Judge:
    inner = boolean(judge)
    return lambda request: not inner(request)


def choice(asked: Judge, then: Judge, otherwise: Judge) -> Judge:
    sure = boolean(asked)
    return lambda request: then(request) if sure(request) else otherwise(request)


# Comparison and arithmetic.


def equals(left: Judge, right: Judge) -> Judge:
    return lambda request: equal(left(request), right(request))


def equals_name(judge: Judge, wanted: str | Uid) -> Judge:
    """Of a literal text or entity, which equals nothing of another type in Python either."""
    return lambda request: judge(request) == wanted


def comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Judge, Judge], Judge]:
    def of(left: Judge, right: Judge) -> Judge:
        def judge(request: Request) -> bool:
            one, other = left(request), right(request)
            if type(one) is not type(other):
                raise EvaluationError("values of two types have no order")
            if type(one) is int:
                return compare(one, other)
            if type(one) in _ORDERED:
                return compare(one.value, other.value)
            raise EvaluationError("values without an order")

        return judge

    return of


def arithmetic(calculate: Callable[[int, int], int]) -> Callable[[Judge, Judge], Judge]:
    def of(left: Judge, right: Judge) -> Judge:
        def judge(request: Request) -> int:
            one, other = left(request), right(request)
            if type(one) is not int or type(other) is not int:
                raise EvaluationError("not numbers")
            return bounded(calculate(one, other))

        return judge

    return of


def minus(inner: Judge) -> Judge:
    def judge(request: Request) -> int:
        value = inner(request)
        if type(value) is not int:
            raise EvaluationError("not a number")
        return bounded(-value)

    return judge


# Texts.


def like(left: Judge, texts: Sequence[str]) -> Judge:
    """texts: what stands before, between and after the wildcards."""

    def judge(request: Request) -> bool:
        text = left(request)
        if type(text) is not str:
            raise EvaluationError("not a text")
        return _matches(text, texts)

    return judge


def _matches(text: str, texts: Sequence[str]) -> bool:
    """Pieces are sought one after another, as no backtracking is needed for `*` alone."""
    first, last = texts[0], texts[-1]
    if len(texts) == 1:
        return text == first
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in texts[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


# Sets.


def of_sets(operate: Callable[[frozenset[Any], frozenset[Any]], bool]) -> Callable[[Judge, Judge], Judge]:
    def of(left: Judge, right: Judge) -> Judge:
        def judge(request: Request) -> bool:
            one, other = left(request), right(request)
            if type(one) is not Set or type(other) is not Set:
                raise EvaluationError("not sets")
            return operate(one.keys, other.keys)

        return judge

    return of


def contains(left: Judge, right: Judge) -> Judge:
    def judge(request: Request) -> bool:
        one, other = left(request), right(request)
        if type(one) is not Set:
            raise EvaluationError("not a set")
        return key(other) in one.keys

    return judge


def contains_text(left: Judge, text: str) -> Judge:
    """Of a literal, which is its own key."""

    def judge(request: Request) -> bool:
        value = left(request)
        if type(value) is not Set:
            raise EvaluationError("not a set")
        return text in value.keys

    return judge


def is_empty(inner: Judge) -> Judge:
    def judge(request: Request) -> bool:
        value = inner(request)
        if type(value) is not Set:
            raise EvaluationError("not a set")
        return not value.keys

    return judge
