"""`Objects`: one kind of object, where its ids stand in requests, and what an asker's own names are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

from stockade.access import Needs, Subject
from stockade.access.grants import claim
from stockade.controls.ownership.spots import Spots
from stockade.ownership import BadId, Confidence, Form, Place, spellings, values_at
from stockade.ownership.ids import scalars
from stockade.ownership.places import read_json
from stockade.redaction import excerpt
from stockade.secret_names import withheld
from stockade.wire import Request

_MOST_IDS = 2000  # of one request
_MOST_PAIRS = 2000
MOST_TAUGHT = 20_000  # ids of one response: others wait for it
_REMEMBERED = 4096
_LONGEST = 512  # characters of an id


class Ownership(Struct, frozen=True):
    """How objects of a kind are judged.

    kind: with its API. owner: claims that name an asker, "" for its id; the first is what objects are learned under.
    ids: the claim that lists ids itself, or "". learned: whether responses teach. exempt: who may touch all.
    keep: seconds that what was learned lasts. walk: ids that were never given, per `window` seconds; 0: any number.
    required: whether an id may be missing in query and header. known: whether ids that nobody was given are refused.
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
    required: bool = False
    known: bool = False
    secret: bool = False  # whether ids are withheld from findings: they stand where secrets do by the name of the place

    def shown(self, id_: str) -> str:
        return withheld(id_) if self.secret else excerpt(id_)


class Objects:
    """spots: by the operations whose requests hold ids."""

    def __init__(self, ownership: Ownership, spots: Spots) -> None:
        self.ownership = ownership
        self._spots = spots
        self._names: dict[int, tuple[Subject, tuple[str, ...]]] = {}  # subjects come again as they are

    def names(self, subject: Subject) -> tuple[str, ...]:
        """What an asker is called as an owner: "principal:ann", "tenant:acme"."""
        known = self._names.get(id(subject))
        if known is None or known[0] is not subject:
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            known = self._names[id(subject)] = (subject, owner_names(subject, self.ownership.owner))
        return known[1]

    def listed(self, subject: Subject) -> frozenset[str]:
        """The ids that are the asker's by its credential alone."""
        ids = self.ownership.ids
        stated = claim(subject.claims, ids) if ids else frozenset((subject.id,))
        return frozenset(spellings(text, self.ownership.form)[0] for text in stated if len(text) <= _LONGEST)

    def in_head(self, request: Request) -> list[str]:
        """The ids in path, query and header fields, as they were sent. Raises BadId where they are too many."""
        found: list[str] = []
        for (_, _, positions, headers, names), captured in self._spots.ways(request.path):
            found += [captured[position] for position in positions]
            if request.query and names:
                found += _in_query(request.query, names)
            for name in headers:
                for line in request.headers.all(name):
                    found += filter(None, map(str.strip, line.split(",")))
        if len(found) > _MOST_IDS:
            raise BadId("there are too many ids")
        return found

    def misses(self, request: Request) -> bool:
        """Whether there should be an id in query or header. Asked where there is none."""
        return any(
            spot.place.source in ("query", "header")
            for spot in self._spots.at(request.path)
            if spot.method in ("*", request.method) or (spot.method == "GET" and request.method == "HEAD")
        )

    def in_body(self, request: Request, body: bytes) -> list[str]:
        """The ids in the body, JSON, form or GraphQL. Raises BadId where it cannot be read."""
        spots = [spot.place for spot in self._spots.at(request.path)]
        places = [place for place in spots if place.source == "body"]
        asked = [place for place in spots if place.source == "graphql"]
        if body and (places or asked) and request.headers.get("content-encoding") not in (None, "", "identity"):
            raise BadId("the body is compressed")
        found = self._in_graphql(request, body, asked) if asked else []
        return found + self._in_json(request, body, places) if places and body else found

    def _in_graphql(self, request: Request, body: bytes, places: list[Place]) -> list[str]:
        from stockade.ownership.documents import ids_in_graphql  # loads graphql-core

        values = ids_in_graphql(request.query, _media(request), body, places)
        found = [text for each in values for text in scalars(each)]
        if len(found) > _MOST_IDS:
            raise BadId("there are too many ids")
        return found

    def _in_json(self, request: Request, body: bytes, places: list[Place]) -> list[str]:
        if _media(request) == "application/x-www-form-urlencoded":
            names = frozenset(place.steps[-1].casefold() for place in places if place.steps)
            return _in_query(body.decode("latin-1"), names)
        value = read_json(body)
        if value is None:
            raise BadId("the body is no JSON")
        found = [text for place in places for each in values_at(value, place.steps) for text in scalars(each)]
        if len(found) > _MOST_IDS:
            raise BadId("there are too many ids")
        return found


def _media(request: Request) -> str:
    return (request.headers.get("content-type") or "").partition(";")[0].strip().lower()


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
    """The ids that an upstream hands out, in their one form; what can be no id is left out, as is more than
    MOST_TAUGHT."""
    found: dict[str, None] = {}
    try:
        for value in values:
            if len(found) >= MOST_TAUGHT:
                break
            for text in scalars(value):
                try:
                    found[spellings(text, form)[0]] = None
                except BadId:
                    continue
    except BadId:
        return ()
    return tuple(found)
