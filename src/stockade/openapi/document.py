"""A finished document under examination: its operations, what its references mean, and where to say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from stockade.openapi.grammar.version3 import METHODS
from stockade.openapi.places import Places
from stockade.openapi.pointers import Tokens
from stockade.openapi.report import Report

Json: TypeAlias = dict[str, Any]
_LONGEST_CHAIN = 32


class Document:
    """All known keys hold what the specification says; only required ones may be missing."""

    def __init__(self, document: Json, report: Report, places: Places, broken: set[Tokens]) -> None:
        self.document = document
        self.places = places
        self._report = report
        self._broken = broken
        self._around = {place[:length] for place in broken for length in range(1, len(place) + 1)}

    def is_broken(self, place: Tokens) -> bool:
        """Whether something is wrong there or within."""
        return place in self._around

    def is_replaced(self, place: Tokens) -> bool:
        """Whether what stood there was of a wrong kind, so that something empty stands there now."""
        return place in self._broken

    def problem(self, place: Tokens, text: str) -> None:
        self._report.problem(self.places.where(place), text)

    def remark(self, place: Tokens, text: str) -> None:
        self._report.remark(self.places.where(place), text)

    def items(self) -> Iterator[tuple[str, Json]]:
        """Each path item with its template."""
        yield from self.document.get("paths", {}).items()

    def operations(self) -> Iterator[tuple[Tokens, Json]]:
        for path, item in self.items():
            for method in METHODS:
                if method in item:
                    yield ("paths", path, method), item[method]

    def resolved(self, value: Json, place: Tokens) -> tuple[Json, Tokens]:
        """What a reference stands for, and where that is; the value itself if it is none."""
        for _ in range(_LONGEST_CHAIN):
            reference = value.get("$ref")
            if not isinstance(reference, str):
                break
            place = tuple(reference.split("/")[1:])
            value = component(self.document, reference)
        return value, place


def component(document: Json, reference: str) -> Json:
    """What `#/components/<section>/<name>` names; {} when nothing."""
    _, _, section, name = reference.split("/", 3)
    found = document.get("components", {}).get(section, {}).get(name, {})
    return found if isinstance(found, dict) else {}
