"""What checks one parameter: where its texts are found, in what ways they are read, and the schema they must meet.

A parameter that is no list and is given twice is refused: of two servers one takes the first, the other the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from stockade.openapi.faults import NO_FAULTS, Fault, Unreadable
from stockade.openapi.schemas.checking import Checker

Values = dict[str, list[str]]  # of a query or of cookies: the texts of each name, as sent
Read = Callable[[str], Any]


class Text:
    """One text, which is good when any of the ways to read it gives a value that meets the schema."""

    __slots__ = ("_checker", "_read", "_reads", "_valid", "where")

    def __init__(self, where: str, reads: Iterable[Read], checker: Checker) -> None:
        self.where = where
        self._reads = tuple(reads)
        self._read = self._reads[0]
        self._checker = checker
        self._valid = checker.valid

    def faults(self, text: str) -> tuple[Fault, ...]:
        try:
            if self._valid(self._read(text)):
                return NO_FAULTS
        except Unreadable:
            pass
        return judged(self.where, (partial(read, text) for read in self._reads), self._checker)


def judged(where: str, readings: Iterable[Callable[[], Any]], checker: Checker) -> tuple[Fault, ...]:
    """No fault when one of the readings is valid; otherwise the faults of the first."""
    told: tuple[Fault, ...] | None = None
    for reading in readings:
        try:
            found = checker.faults(reading(), where)
        except Unreadable as error:
            found = (Fault(where, error.pointer, error.rule, error.message),)
        if not found:
            return NO_FAULTS
        told = told or found
    return told or NO_FAULTS


class Reader(Protocol):
    """A parameter of a query or of cookies."""

    def faults(self, values: Values) -> tuple[Fault, ...]: ...

    def claims(self, name: str) -> bool:
        """Whether the name, decoded, is this parameter's."""
        ...


class Absent:
    """What to say when a parameter is not there."""

    def __init__(self, where: str, required: bool) -> None:
        self.faults = (Fault(where, "", "required", "is required"),) if required else NO_FAULTS


class Single:
    """A name with one text."""

    __slots__ = ("_absent", "_allow_empty", "_name", "_text", "_twice")

    def __init__(self, name: str, text: Text, *, required: bool, allow_empty: bool) -> None:
        self._name = name
        self._text = text
        self._allow_empty = allow_empty
        self._absent = Absent(text.where, required).faults
        self._twice = (Fault(text.where, "", "duplicate-parameter", "is given more than once"),)

    def faults(self, values: Values) -> tuple[Fault, ...]:
        texts = values.get(self._name)
        if texts is None:
            return self._absent
        if len(texts) > 1:
            return self._twice
        if not texts[0] and self._allow_empty:
            return NO_FAULTS
        return self._text.faults(texts[0])

    def claims(self, name: str) -> bool:
        return name == self._name


class Repeated:
    """A name that comes once for each item. alone: ways to read a single text that is no list."""

    def __init__(
        self,
        name: str,
        where: str,
        reads: Iterable[Callable[[list[str]], Any]],
        checker: Checker,
        *,
        required: bool,
        allow_empty: bool,
        alone: Text | None,
    ) -> None:
        self._name = name
        self._where = where
        self._reads = tuple(reads)
        self._checker = checker
        self._allow_empty = allow_empty
        self._absent = Absent(where, required).faults
        self._alone = alone

    def faults(self, values: Values) -> tuple[Fault, ...]:
        texts = values.get(self._name)
        if texts is None:
            return self._absent
        if self._allow_empty and texts == [""]:
            return NO_FAULTS
        if self._alone is not None and len(texts) == 1 and not self._alone.faults(texts[0]):
            return NO_FAULTS
        return judged(self._where, (partial(read, texts) for read in self._reads), self._checker)

    def claims(self, name: str) -> bool:
        return name == self._name


class Spread:
    """An object whose members stand in the query under names of their own: `inner` gives a member's name, or None."""

    def __init__(
        self,
        where: str,
        inner: Callable[[str], str | None],
        reads: Iterable[Callable[[dict[str, str]], Any]],
        checker: Checker,
        *,
        required: bool,
        decode: Callable[[str], str],
    ) -> None:
        self._where = where
        self._inner = inner
        self._reads = tuple(reads)
        self._checker = checker
        self._required = required
        self._decode = decode
        self._absent = Absent(where, required).faults

    def faults(self, values: Values) -> tuple[Fault, ...]:
        members: dict[str, str] = {}
        for name, texts in values.items():
            inner = self._inner(name)
            if inner is None:
                continue
            if len(texts) > 1 or inner in members:
                return (Fault(self._where, "", "duplicate-parameter", "has a member that is given more than once"),)
            try:
                members[inner] = self._decode(texts[0])
            except Unreadable as error:
                return (Fault(self._where, error.within(inner).pointer, error.rule, error.message),)
        if not members:
            return self._absent
        return judged(self._where, (partial(read, members) for read in self._reads), self._checker)

    def claims(self, name: str) -> bool:
        return self._inner(name) is not None
