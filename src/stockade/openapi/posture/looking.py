"""What the rules look at, and how they say what they found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.openapi.document import component
from stockade.openapi.grammar.version3 import METHODS
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
WRITING = frozenset({"post", "put", "patch", "delete"})


class Weakness(Struct, frozen=True):
    """One weak place. `pointer` leads into the finished document, `file` and `line` to what was written."""

    id: str
    severity: str
    owasp: str
    file: str
    line: int
    pointer: str
    operation: str  # "POST /orders"; "" when it is about the whole
    text: str
    mend: str


class Found(Struct, frozen=True):
    """What a rule says: which, where, of what."""

    rule: str
    place: Tokens
    text: str
    operation: str = ""


class Operation(Struct, frozen=True):
    """One operation with what it inherits."""

    place: Tokens
    path: str
    method: str
    body: Json
    parameters: tuple[tuple[Json, Tokens], ...]
    security: list[Any] | None  # None: nothing is said, not even of the whole

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    def says(self, rule: str, text: str, *place: str) -> Found:
        """Found in the operation itself; place: within it."""
        return Found(rule, (*self.place, *place), text, self.name)


def operations(document: Json) -> Iterator[Operation]:
    whole = document.get("security")
    for path, item in document.get("paths", {}).items():
        shared = list(_parameters(document, item, ("paths", path)))
        for method in METHODS:
            if method not in item:
                continue
            body, place = item[method], ("paths", path, method)
            own = list(_parameters(document, body, place))
            names = {(part.get("in"), part.get("name")) for part, _ in own}
            rest = [pair for pair in shared if (pair[0].get("in"), pair[0].get("name")) not in names]
            yield Operation(place, path, method, body, (*own, *rest), body.get("security", whole))


def _parameters(document: Json, holder: Json, place: Tokens) -> Iterator[tuple[Json, Tokens]]:
    for index, written in enumerate(holder.get("parameters", ())):
        yield resolved(document, written, (*place, "parameters", str(index)))


def resolved(document: Json, value: Json, place: Tokens) -> tuple[Json, Tokens]:
    """What it is, or what it refers to, and where that is."""
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return value, place
    return component(document, reference), tuple(reference.split("/")[1:])


def content_schemas(holder: Json, place: Tokens) -> Iterator[tuple[Any, Tokens]]:
    """The schemas of a body, a response, or a parameter that has `content`."""
    for kind, media_type in holder.get("content", {}).items():
        if "schema" in media_type:
            yield media_type["schema"], (*place, "content", kind, "schema")
