"""`Objects`: one kind of object, where its ids stand in requests, and what an asker's own names are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from msgspec import Struct

from stockade.access import Needs, Subject, Templates, readings
from stockade.access.grants import claim
from stockade.ownership import BadId, Confidence, Form, Place, spellings, values_at
from stockade.ownership.ids import scalars
from stockade.ownership.places import read_json
from stockade.wire import Request

_MOST_IDS = 2000  # of one request
_MOST_PAIRS = 2000


class Spot(Struct, frozen=True):
    """An id's place in requests to a path. position: among the template's parameters, for a place in the path."""

    place: Place
    position: int = 0


class Ownership(Struct, frozen=True):
    """How objects of a kind are judged.

    kind: with its API. owner: claims that name an asker ("" for the principal's id), the first being what objects are
    learned under. ids: the claim that lists ids itself. learned: whether responses teach. exempt: who may touch all.
    keep: seconds that what was learned lasts. walk: ids that were never given, per `window` seconds; 0: any number.
    """

    kind: str
    form: Form = "auto"
    owner: tuple[str, ...] = ("",)
    ids: str | None = None
    learned: bool = True
    exempt: Needs | None = None
    keep: float = 90 * 86400.0
    wanted: Confidence = Confidence()
    walk: int = 60
    window: float = 3600.0
    status: int = 404


Spots: TypeAlias = Templates[Spot]


class Objects:
    """spots: by the operations whose requests hold ids."""

    def __init__(self, ownership: Ownership, spots: Spots) -> None:
        self.ownership = ownership
        self._spots = spots

    def names(self, subject: Subject) -> tuple[str, ...]:
        """What an asker is called as an owner: "principal:ann", "tenant:acme"."""
        return owner_names(subject, self.ownership.owner)

    def in_head(self, request: Request) -> list[str]:
        """The ids in path, query and header fields, as they were sent. Raises BadId where they are too many."""
        found: list[str] = []
        names: list[str] = []  # of the query's parameters
        for spot, captured in self._at(request):
            source = spot.place.source
            if source == "path":
                found.append(captured[spot.position])
                names.append(spot.place.name)  # some servers read both alike
            elif source == "query":
                names.append(spot.place.name)
            elif source == "header":
                for line in request.headers.all(spot.place.name):
                    found += filter(None, map(str.strip, line.split(",")))
        if names and request.query:
            found += _in_query(request.query, frozenset(map(str.casefold, names)))
        if len(found) > _MOST_IDS:
            raise BadId("there are too many ids")
        return found

    def in_body(self, request: Request, body: bytes) -> list[str]:
        """The ids in the body, JSON or form. Raises BadId where it cannot be read, though it should hold some."""
        places = [spot.place for spot, _ in self._at(request) if spot.place.source == "body"]
        if not places or not body:
            return []
        if (request.headers.get("content-encoding") or "identity").strip().lower() != "identity":
            raise BadId("the body is compressed")
        media = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if media == "application/x-www-form-urlencoded":
            names = frozenset(place.steps[-1].casefold() for place in places if place.steps)
            return _in_query(body.decode("latin-1"), names)
        value = read_json(body)
        if value is None:
            raise BadId("the body is no JSON")
        found = [text for place in places for each in values_at(value, place.steps) for text in scalars(each)]
        if len(found) > _MOST_IDS:
            raise BadId("there are too many ids")
        return found

    def _at(self, request: Request) -> Iterator[tuple[Spot, tuple[str, ...]]]:
        """Whatever the method: who may not read an object may not delete it either."""
        for reading in readings(request.path):
            yield from self._spots.anywhere(reading)


def owner_names(subject: Subject, owner: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for name in owner:
        if name:
            found += sorted(f"{name}:{value}" for value in claim(subject.claims, name))
        else:
            found.append(f"principal:{subject.id}")
    return tuple(found)


def _in_query(text: str, names: frozenset[str]) -> list[str]:
    """Of `id=1&id=2`, `id[]=1`, `ID=1`, `filter[id]=1`: each."""
    try:
        pairs = parse_qsl(text, keep_blank_values=False, max_num_fields=_MOST_PAIRS)
    except ValueError:
        raise BadId("there are too many parameters") from None
    found = []
    for name, value in pairs:
        parts = name.casefold().replace("]", "").split("[")
        if any(part.strip() in names for part in parts):
            found.append(value)
    return found


def canonical_ids(values: Iterator[Any], form: Form) -> tuple[str, ...]:
    """The ids that an upstream hands out, in their one form; what can be no id is left out."""
    found: dict[str, None] = {}
    try:
        for value in values:
            for text in scalars(value):
                try:
                    found[spellings(text, form)[0]] = None
                except BadId:
                    continue
    except BadId:
        return ()
    return tuple(found)
