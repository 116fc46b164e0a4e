"""`Content`: what is demanded of a body of one media type. One class per way of reading it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from stockade.openapi.faults import NO_FAULTS, Fault, Unreadable
from stockade.openapi.parameters.coercion import scalar_reader
from stockade.openapi.parameters.readers import judged
from stockade.openapi.parameters.shapes import Shape
from stockade.openapi.schemas.checking import Checker
from stockade.payloads import BadPayload, Limits, check_structure, read_json

BODY = "body"
_MANY = 8192  # bytes of a body of which, when it is wrong, the first error alone is told


class Content(Protocol):
    takes_nothing: bool  # whether no bytes at all are a value of its kind, as they are of a text

    def faults(self, body: bytes, content_type: str) -> tuple[Fault, ...]:
        """content_type: the field as it was sent. Raises BadPayload."""
        ...


class Json:
    takes_nothing = False

    def __init__(self, checker: Checker, limits: Limits) -> None:
        self._checker = checker
        self._valid = checker.valid
        self._limits = limits

    def faults(self, body: bytes, content_type: str) -> tuple[Fault, ...]:  # noqa: ARG002
        value = read_json(body, self._limits)
        if self._valid(value):
            return NO_FAULTS
        return self._checker.faults(value, BODY, all_of_them=len(body) <= _MANY)


class Fields:
    """A form or multipart body: an object whose properties are the fields. `read` gives its possible values."""

    takes_nothing = False

    def __init__(self, read: Callable[[bytes, str], list[Callable[[], Any]]], checker: Checker) -> None:
        self._read = read
        self._checker = checker

    def faults(self, body: bytes, content_type: str) -> tuple[Fault, ...]:
        return judged(BODY, self._read(body, content_type), self._checker)


class Plain:
    """Text: one value of a simple type."""

    takes_nothing = True

    def __init__(self, shape: Shape, checker: Checker) -> None:
        self._reads = [scalar_reader(shape), scalar_reader(shape, prefer_text=True)]
        self._checker = checker

    def faults(self, body: bytes, content_type: str) -> tuple[Fault, ...]:  # noqa: ARG002
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return (Fault(BODY, "", "encoding", "is not UTF-8"),)
        return judged(BODY, (partial(read, text) for read in self._reads), self._checker)


class Octets:
    """Bytes without meaning here. A schema may bound their number (`maxLength`, counted in bytes)."""

    takes_nothing = True

    def __init__(self, checker: Checker | None) -> None:
        self._checker = checker

    def faults(self, body: bytes, content_type: str) -> tuple[Fault, ...]:  # noqa: ARG002
        return NO_FAULTS if self._checker is None else self._checker.faults(body.decode("latin-1"), BODY)


class Structure:
    """No schema: the limits of structure alone, by what the body says it is."""

    def __init__(self, limits: Limits, *, takes_nothing: bool = True) -> None:
        self._limits = limits
        self.takes_nothing = takes_nothing

    def faults(self, body: bytes, content_type: str) -> tuple[Fault, ...]:
        check_structure(body, content_type, self._limits)
        return NO_FAULTS


def of_payload(error: BadPayload) -> tuple[Fault, ...]:
    """What `payloads` refused, as faults of the body."""
    return tuple(Fault(BODY, fault.pointer, fault.rule, fault.message) for fault in error.faults)


def json_parser(limits: Limits) -> Callable[[bytes], Any]:
    """Reads JSON within a parameter or field. Raises Unreadable."""

    def parse(data: bytes) -> Any:
        try:
            return read_json(data, limits)
        except BadPayload as error:
            first = error.faults[0]
            raise Unreadable(first.rule, first.message, first.pointer) from None

    return parse
