"""The teacher: what responses hand to whom, and what requests that succeeded gave away.

Findings: `listed-anothers` where a response hands over what is another's and sharing is stated, so that it teaches
nothing; once learning is certain the response is withheld. `echoed` where a response hands back what the request named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from stockade.access import Roles, Subject, Templates, methods_of, readings
from stockade.access.readings import Ambiguous
from stockade.controls.ownership.echoes import TooMuch, echoes
from stockade.controls.ownership.objects import MOST_TAUGHT, Objects, canonical_ids
from stockade.ownership import BadId, Form, Place, values_at
from stockade.ownership.places import pairs_at, read_json, read_response
from stockade.redaction import excerpt
from stockade.vocabulary import (
    PASS,
    Asking,
    Control,
    Edits,
    Exchange,
    Exclusive,
    Finding,
    FindOwners,
    Owned,
    Pass,
    Stop,
    Teach,
    Verdict,
)
from stockade.wire import Request, Response

_PLAIN = Pass(edits=Edits(remove=("accept-encoding",)))  # what is compressed teaches nothing
_AT_ONCE = 500  # ids that are taught by one question


class Lesson(Struct, frozen=True):
    """What an operation that succeeded says of ownership. id, to: places, with their parameter's position in the path.

    how: as for `Teach`, or tell: the response says whose it is. to: who gets it, None for the asker. label: what those
    names are, as in "principal:".
    """

    operation: str
    how: Literal["hold", "move", "drop", "forget", "tell"]
    id: Place
    position: int = 0
    to: Place | None = None
    to_position: int = 0
    label: str = "principal"
    exclusive: Exclusive = "never"
    echoes: frozenset[str] | None = None  # what members are called by which a client may name the id; None: it may

    @property
    def reads_response(self) -> bool:
        return self.id.source == "response" or (self.to is not None and self.to.source == "response")


class Teacher(Control):
    """It reads the bodies of the responses that teach, and no others."""

    name = "ownership"
    rules: ClassVar = {"listed-anothers": "lists", "echoed": "learn"}

    def __init__(self, objects: Objects, roles: Roles, lessons: Templates[Lesson], *, title: str = "") -> None:
        self._objects = objects
        self._roles = roles
        self._lessons = lessons
        self._title = title

    def describe(self) -> str:
        return self._title

    def wants_response_body(self, exchange: Exchange) -> bool:
        return _succeeded(exchange.response) and self._reads_response(exchange.request)

    def _reads_response(self, request: Request) -> bool:
        return any(lesson.reads_response for lesson, _ in self._of(request))

    def on_request(self, exchange: Exchange) -> Verdict:
        return _PLAIN if self._reads_response(exchange.request) else PASS

    def on_response_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        lessons = [each for each in self._of(exchange.request) if each[0].reads_response]
        subject = self._roles.subject(exchange.principal)
        if subject is not None and self._is_exempt(subject):
            lessons = [each for each in lessons if each[0].how == "tell"]
        if not lessons or subject is None:
            return PASS
        return self._teach(exchange, subject, lessons)

    def _is_exempt(self, subject: Subject) -> bool:
        """Support staff see all, and that makes nothing theirs."""
        exempt = self._objects.ownership.exempt
        return exempt is not None and not exempt.lacks(subject)

    def _of(self, request: Request) -> list[tuple[Lesson, tuple[str, ...]]]:
        """Only what the request says without doubt teaches: one method, one reading."""
        try:
            spelled, methods = readings(request.path), methods_of(request.method, request.headers, request.query)
        except Ambiguous:
            return []
        if len(spelled) > 1 or len(methods) > 1 or request.method == "HEAD":
            return []
        found = self._lessons.find(request.method, spelled[0])
        return [(lesson, found[1]) for lesson in found[0]] if found is not None else []

    def _teach(
        self, exchange: Exchange, subject: Subject, lessons: list[tuple[Lesson, tuple[str, ...]]]
    ) -> Asking[Verdict]:
        findings: list[Finding] = []
        for lesson, captured in lessons:
            if lesson.how == "tell":
                told = yield from self._told(lesson, exchange, captured)
                if told and not self._is_exempt(subject):
                    verdict = yield from self._judged(exchange, subject, told)
                    if type(verdict) is Stop:
                        return verdict
                    findings += verdict.findings
                continue
            ids = _ids(lesson.id, lesson.position, captured, exchange, self._objects.ownership.form)
            names = self._names(lesson, subject, captured, exchange)
            if not names and lesson.how != "forget":
                continue
            named = self._named(lesson, exchange, ids)
            refused: list[str] = []
            if named:
                refused += yield from self._known_as_others(lesson, subject, exchange, named)
                findings.append(self._echoed(named[0]))
            refused += yield from self._lesson(
                lesson, exchange, names, tuple(each for each in ids if each not in named)
            )
            if refused:
                verdict = yield from self._listed(exchange, subject, tuple(refused))
                if type(verdict) is Stop:
                    return verdict
                findings += verdict.findings
        return Pass(tuple(findings[:5])) if findings else PASS

    def _lesson(
        self, lesson: Lesson, exchange: Exchange, names: tuple[str, ...], ids: tuple[str, ...]
    ) -> Asking[list[str]]:
        """Teach it; the ids that are another's."""
        ownership, at = self._objects.ownership, exchange.request.at
        refused: list[str] = []
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            assert lesson.how != "tell"
            ask = Teach(ownership.kind, some, names, at, ownership.keep, lesson.how, lesson.operation)
            refused += yield replace(ask, exclusive=lesson.exclusive, wanted=ownership.wanted)
        return refused

    def _named(self, lesson: Lesson, exchange: Exchange, ids: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the ids that the request named itself: all, where it holds too much to say."""
        if lesson.echoes is None or not ids:
            return ()
        try:
            named = echoes(exchange.request, exchange.request_body, lesson.echoes, self._objects.ownership.form)
        except TooMuch:
            return ids
        return tuple(each for each in ids if each in named) if named else ()

    def _echoed(self, id_: str) -> Finding:
        text = f"{self._objects.ownership.shown(id_)}: the request named it, so the answer teaches nothing"
        return Finding("echoed", self._objects.ownership.kind, excerpt(text), "info")

    def _told(self, lesson: Lesson, exchange: Exchange, captured: tuple[str, ...]) -> Asking[tuple[str, ...]]:
        """Teach what the response says; the ids that it names."""
        assert lesson.to is not None
        form, owners, ids = self._objects.ownership.form, dict[str, list[str]](), dict[str, None]()
        path = captured[lesson.position] if lesson.id.source == "path" else None
        with suppress(BadId):  # more than anybody could make of one item: what follows teaches nothing
            for id_, owner in pairs_at(read_response(exchange.response_body), lesson.id.steps, lesson.to.steps, path):
                if len(ids) >= MOST_TAUGHT:
                    break
                for each in canonical_ids(iter((id_,)), form):
                    ids[each] = None
                    owners.setdefault(f"{lesson.label}:{owner}", []).append(each)
        for owner, some in owners.items():
            yield from self._lesson(replace(lesson, how="hold", exclusive="never"), exchange, (owner,), tuple(some))
        return tuple(ids)

    def _judged(self, exchange: Exchange, subject: Subject, ids: tuple[str, ...]) -> Asking[Verdict]:
        """The response shows these, whose owners it has just told."""
        ownership, names = self._objects.ownership, self._objects.names(subject)
        ask = FindOwners(ownership.kind, ids, names, exchange.request.at, ownership.keep, ownership.wanted)
        owned: Owned = yield ask
        others = tuple(each for each, found in zip(ids, owned.found, strict=True) if found > 0)
        return (yield from self._listed(exchange, subject, others)) if others else PASS

    def _known_as_others(
        self, lesson: Lesson, subject: Subject, exchange: Exchange, named: tuple[str, ...]
    ) -> Asking[list[str]]:
        ownership, names = self._objects.ownership, self._objects.names(subject)
        if lesson.exclusive == "never":
            return []
        ask = FindOwners(ownership.kind, named, names, exchange.request.at, ownership.keep, ownership.wanted)
        owned: Owned = yield ask
        return [each for each, found in zip(named, owned.found, strict=True) if found > 0]

    def _names(
        self, lesson: Lesson, subject: Subject, captured: tuple[str, ...], exchange: Exchange
    ) -> tuple[str, ...]:
        if lesson.to is None:
            return self._objects.names(subject)[:1]
        values = _ids(lesson.to, lesson.to_position, captured, exchange, "text")
        return tuple(f"{lesson.label}:{value}" for value in values)

    def _listed(self, exchange: Exchange, subject: Subject, refused: tuple[str, ...]) -> Asking[Verdict]:
        ownership, names = self._objects.ownership, self._objects.names(subject)
        owned: Owned = yield FindOwners(
            ownership.kind, refused[:1], names, exchange.request.at, ownership.keep, ownership.wanted
        )
        ids = f"{ownership.shown(refused[0])} and {len(refused) - 1} more"
        text = f"{ids}: given to others, never to {excerpt(subject.id)}"
        finding = Finding("listed-anothers", ownership.kind, excerpt(text), "high")
        if owned.confident:
            return Stop(exchange.problem(403, "The answer holds what is not yours."), (finding,))
        return Pass((finding,))


class BodyTeacher(Teacher):
    """The same where the request's body says what is learned, or what is not."""

    def on_request_body(self, exchange: Exchange) -> Verdict:  # noqa: ARG002 - a hook
        """Overridden so that the body is there when the response comes."""
        return PASS


class HeadTeacher(BodyTeacher):
    """The same where a success teaches without a word: sharing, handing over, deleting."""

    def on_response(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        lessons = [each for each in self._of(exchange.request) if not each[0].reads_response]
        subject = self._roles.subject(exchange.principal)
        if not lessons or subject is None or not _succeeded(exchange.response):
            return PASS
        return self._teach(exchange, subject, lessons)


def _succeeded(response: Response | None) -> bool:
    return response is not None and 200 <= response.status < 300


def _ids(place: Place, position: int, captured: tuple[str, ...], exchange: Exchange, form: Form) -> tuple[str, ...]:
    return canonical_ids(_values(place, position, captured, exchange), form)


def _values(place: Place, position: int, captured: tuple[str, ...], exchange: Exchange) -> Iterator[Any]:
    if place.source == "path":
        yield captured[position]
    elif place.source == "body":
        yield from values_at(read_json(exchange.request_body), place.steps) if exchange.request_body else ()
    elif place.source == "response":
        yield from values_at(read_response(exchange.response_body), place.steps) if exchange.response_body else ()
