"""`ownership:` a list of kinds of objects, and how it is known whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from stockade.access import Templates
from stockade.config.base import Model, Section
from stockade.config.errors import written
from stockade.config.sections.authorization import Condition, described_operations, roles_of
from stockade.config.site import Site
from stockade.config.texts import Name, Operation
from stockade.config.units import Count, Duration, Flag, RateUnit
from stockade.controls.ownership import (
    BodyGuard,
    BodyTeacher,
    Guard,
    HeadTeacher,
    Lesson,
    Objects,
    Ownership,
    Spot,
    Spots,
    Teacher,
)
from stockade.engine import Binding
from stockade.operations import parse_operation
from stockade.ownership import Confidence, Place, parse_place
from stockade.secret_names import names_secret
from stockade.vocabulary import Exclusive

How = Literal["hold", "move", "drop", "forget", "tell"]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _place(value: Any) -> Any:
    if isinstance(value, str):
        parse_place(value)
    return value


def _named(value: Any) -> Any:
    if value == "principal" or (isinstance(value, str) and value.startswith("claim:") and len(value) > len("claim:")):
        return value
    raise ValueError(f"{written(value)} is neither principal nor claim:NAME")


def _claim(named: str) -> str:
    """The claim's name; "" for the principal's id."""
    return "" if named == "principal" else named.removeprefix("claim:")


def _merged(value: Any) -> Any:
    """Lists may be written as one mapping or as a list of mappings."""
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return {name: place for each in value for name, place in each.items()}
    return value


PlaceText = Annotated[str, BeforeValidator(_place)]
Named = Annotated[str, BeforeValidator(_named)]


class Handing(Model):
    """An operation that hands an object to somebody."""

    from_: Operation = Field(alias="from", description='The operation, "POST /orders".')
    id: PlaceText = Field("response.id", description="Where the object's id stands.")
    client_ids: Flag = Field(False, description="Clients choose ids themselves: whoever names one first has it.")


class Giving(Model):
    """An operation by which an object is given to somebody, or taken back, or that says whose it is."""

    from_: Operation = Field(alias="from", description='The operation, "POST /documents/{id}/shares".')
    id: PlaceText = Field(description="Where the object's id stands.")
    to: PlaceText = Field(description="Where the other's name stands, as in body.user_id.")
    owner: Named | None = Field(None, description="What that name is: principal or claim:NAME; default: as `owner`.")


class OwnershipItem(Section):
    """One kind of object."""

    type: Name = Field(description="What the objects are called.")
    id: Annotated[list[PlaceText], BeforeValidator(_listed)] = Field(
        min_length=1, description="Where ids stand in requests: path.order_id, query.id, body.items[*].id, header.x-id."
    )
    operations: list[Operation] = Field(
        [], description="Which operations; default: of path parameters all that have them, of others every one."
    )
    form: Literal["auto", "integer", "uuid", "text", "folded"] = Field("auto", description="What ids look like.")
    owner: Annotated[list[Named], BeforeValidator(_listed)] = Field(
        ["principal"],
        min_length=1,
        description="Who owns: principal or claim:NAME; the first is what is learned under.",
    )
    ids: Named | None = Field(None, description="A claim that lists the ids itself, as claim:sub lists one.")
    learn: Annotated[list[Handing], BeforeValidator(_listed)] = Field([], description="Operations that make objects.")
    lists: Annotated[dict[Operation, PlaceText], BeforeValidator(_merged)] = Field(
        {}, description='Operations that list the caller\'s own, {"GET /orders": "response[*].id"}.'
    )
    tell: Annotated[list[Giving], BeforeValidator(_listed)] = Field(
        [], description="Operations whose responses say whose objects are, as in {id: path.id, to: response.user_id}."
    )
    share: Annotated[list[Giving], BeforeValidator(_listed)] = Field([], description="Operations that share.")
    move: Annotated[list[Giving], BeforeValidator(_listed)] = Field([], description="Operations that hand over.")
    unshare: Annotated[list[Giving], BeforeValidator(_listed)] = Field([], description="Operations that take back.")
    remove: list[Operation] = Field([], description="Operations that delete the object of their path.")
    required: Flag = Field(False, description="Refuse requests to `operations` that have no id in query or header.")
    exclusive: Flag | None = Field(
        None, description="Objects change hands only as stated here; default: where share or move are stated."
    )
    exempt: Condition | None = Field(None, description="Who may touch them all, as {roles: [support]}.")
    learning: Duration = Field(86400.0, description="How long only to watch; 0s: refuse from the beginning.")
    principals: Count = Field(20, description="Principals that must have used their own before anyone is refused.")
    unknown: Literal["pass", "refuse"] = Field(
        "pass", description="Ids that nobody was given; refuse, once learning is certain, where all were imported."
    )
    keep: Duration = Field(90 * 86400.0, description="How long what was learned lasts, since it was last seen.")
    walk: RateUnit | None = Field(None, description="Ids never given to one that it may try; default: 60/hour.")
    status: Literal[403, 404] = Field(404, description="Of refusals; 404 does not tell that the object exists.")

    @model_validator(mode="after")
    def _known_somehow(self) -> OwnershipItem:
        for text in self.id:
            if parse_place(text).source == "response":
                raise ValueError("id says where ids stand in requests; for responses there are learn and lists")
        return self

    @property
    def learned(self) -> bool:
        return bool(self.learn or self.lists or self.tell or self.share or self.walk or self.move)

    @property
    def states_sharing(self) -> bool:
        """Whether all ways by which objects change hands are stated, so that there is no honest one besides."""
        return self.exclusive if self.exclusive is not None else bool(self.share or self.move)

    def claims(self) -> tuple[str, ...]:
        return tuple(map(_claim, self.owner))

    def _id_places(self) -> list[str]:
        given = [each.id for each in (*self.tell, *self.share, *self.move, *self.unshare)]
        return [*self.id, *(each.id for each in self.learn), *given, *self.lists.values()]

    def ownership(self, api: str) -> Ownership:
        ids = _claim(self.ids) if self.ids is not None else None
        if ids is None and not self.learned:
            ids = self.claims()[0]
        rate = self.walk
        wanted = Confidence(self.learning, self.principals, inf if self.states_sharing else Confidence().others)
        return Ownership(
            f"{api}/{self.type}",
            self.form,
            self.claims(),
            ids,
            self.learned,
            self.exempt.needs() if self.exempt is not None else None,
            self.keep,
            Confidence(0.0, 0, inf) if self.learning == 0 else wanted,
            rate.amount if rate is not None else 60,
            rate.seconds if rate is not None else 3600.0,
            self.status,
            self.required,
            self.unknown == "refuse",
            any(map(names_secret, self._id_places())),
        )


def make(site: Site) -> list[Binding]:
    bindings = []
    for index, item in enumerate(site.api.ownership):
        if item.mode != "off":
            bindings += _Making(site, index, item).bindings()
    return bindings


class _Making:
    def __init__(self, site: Site, index: int, item: OwnershipItem) -> None:
        self._site = site
        self._index = index
        self._where = ("ownership", index)
        self._item = item
        self._roles = roles_of(site.api.authorization)
        names = [other.type for other in site.api.ownership[:index]]
        if item.type in names:
            site.problem(f"{item.type!r} is stated twice; list its places in one `id`", "ownership", index, "type")

    def bindings(self) -> list[Binding]:
        item = self._item
        ownership = item.ownership(self._site.api.name)
        objects = Objects(ownership, self._spots())
        bodies = any(text.startswith(("body", "graphql")) for text in item.id)
        guard = (BodyGuard if bodies else Guard)(objects, self._roles, title=self._title(ownership))
        made = [self._site.bind(guard, item, "ownership", self._index)]
        lessons = Templates[Lesson]()
        heads = False
        writes = bool(item.learn)
        for lesson in self._lessons():
            method, segments = parse_operation(lesson.operation)
            lessons.insert(method, segments, lesson)
            heads = heads or not lesson.reads_response
        if lessons.count:
            self._site.uses_owners = True
            teacher = (HeadTeacher if heads else BodyTeacher if writes else Teacher)(
                objects, self._roles, lessons, title=f"{item.type}: learns from {lessons.count} operation(s)"
            )
            made.append(self._site.bind(teacher, item, "ownership", self._index))
        elif item.learned:
            self._site.uses_owners = True
        return made

    def _title(self, ownership: Ownership) -> str:
        item = self._item
        ways = [f"declared by {item.ids or item.owner[0]}"] if ownership.ids is not None else []
        ways += ["learned"] if item.learn or item.lists or item.tell else []
        ways += [f"{ownership.walk} strange ids at most"] if ownership.learned and ownership.walk else []
        return f"{item.type} in {', '.join(item.id)}: {', '.join(ways)}"

    def _spots(self) -> Spots:
        spots = Spots()
        for number, text in enumerate(self._item.id):
            place = parse_place(text)
            operations = self._item.operations
            if place.source == "graphql":
                import stockade.ownership.documents  # noqa: F401 - graphql-core, which requests would wait for

                operations = [f"* {self._endpoint()}"]
            if not operations:
                operations = list(self._known()) if place.source == "path" else ["* /*"]
            if not self._insert(spots, place, operations):
                hint = "list them under operations, of the API or here"
                self._site.problem(
                    f"no known operation has {{{place.name}}}; {hint}", "ownership", self._index, "id", number
                )
        return spots

    def _endpoint(self) -> str:
        section = self._site.api.graphql
        return str(section.path) if section is not None else "/graphql"

    def _insert(self, spots: Spots, place: Place, operations: list[str]) -> bool:
        inserted = False
        for operation in operations:
            method, segments = parse_operation(operation)
            position = _position(segments, place.name)
            if place.source == "path" and position is None:
                continue
            spots.insert(segments, Spot(place, position or 0, method))
            inserted = True
        return inserted

    def _known(self) -> Iterator[str]:
        item = self._item
        yield from self._site.api.operations
        yield from described_operations(self._site)
        yield from (each.from_ for each in item.learn)
        yield from (each.from_ for each in (*item.tell, *item.share, *item.move, *item.unshare))
        yield from item.lists
        yield from item.remove

    def _lessons(self) -> Iterator[Lesson]:
        item = self._item
        exclusive: Exclusive = "confident" if item.states_sharing else "never"
        for handing in item.learn:
            named = None if handing.client_ids else self._called(handing.id)
            yield from self._lesson(handing.from_, "hold", handing.id, exclusive="always", echoes=named)
        for operation, place in item.lists.items():
            yield from self._lesson(operation, "hold", place, exclusive=exclusive, echoes=self._called(place))
        ways: tuple[tuple[How, list[Giving]], ...] = (
            ("hold", item.share),
            ("move", item.move),
            ("drop", item.unshare),
            ("tell", item.tell),
        )
        for how, givings in ways:
            for giving in givings:
                yield from self._lesson(giving.from_, how, giving.id, giving)
        for operation in item.remove:
            own = next((text for text in item.id if text.startswith("path.")), "path.id")
            yield from self._lesson(operation, "forget", own)

    def _called(self, place: str) -> frozenset[str]:
        """What members are called that hold ids of this kind."""
        item = self._item
        steps = [parse_place(text).steps[-1:] for text in (place, *item.id)]
        names = {step.casefold() for each in steps for step in each if step != "*"}
        kind = item.type.casefold()
        return frozenset({"id", kind, f"{kind}_id", f"{kind}id", *names})

    def _lesson(
        self,
        operation: str,
        how: How,
        id_: str,
        giving: Giving | None = None,
        *,
        exclusive: Exclusive = "never",
        echoes: frozenset[str] | None = None,
    ) -> Iterator[Lesson]:
        _, segments = parse_operation(operation)
        place, to = parse_place(id_), parse_place(giving.to) if giving is not None else None
        if how == "tell" and (to is None or to.source != "response" or place.source not in ("path", "response")):
            self._site.problem(f"{operation}: tell has `to` in the response, `id` there or in the path", *self._where)
            return
        for each in (place, to):
            if each is not None and each.source == "path" and _position(segments, each.name) is None:
                self._site.problem(f"{operation} has no {{{each.name}}}", *self._where)
                return
        label = (giving.owner if giving is not None else None) or self._item.owner[0]
        yield Lesson(
            operation,
            how,
            place,
            _position(segments, place.name) or 0,
            to,
            (_position(segments, to.name) or 0) if to is not None else 0,
            label.removeprefix("claim:"),
            exclusive,
            echoes,
        )


def _position(segments: list[str], name: str) -> int | None:
    """The parameter's place among the parameters of a template."""
    parameters = [segment[1:-1] for segment in segments if segment.startswith("{")]
    return parameters.index(name) if name in parameters else None
