"""The guard: no id in a request may be another's.

Findings: `not-declared` (the claim that lists ids has it not), `not-owner` (it was handed to others), `walked` (too
many ids that were never handed to the asker), `unknown` (nobody was given it, where that is refused), `bad-id` (it can
be no id, or too many at once), `unproven` (401), `no-id` (403, where `required`).
`not-owner-yet` is a `not-owner` while learning is not certain enough to refuse by.
"""

from __future__ import annotations

from typing import ClassVar

from stockade.access import Roles, Subject
from stockade.access.readings import Ambiguous
from stockade.controls.ownership.objects import Objects
from stockade.ownership import MINE, BadId, spellings
from stockade.quotas import nanoseconds
from stockade.redaction import excerpt
from stockade.vocabulary import (
    PASS,
    Asking,
    Control,
    Exchange,
    Finding,
    FindOwners,
    Owned,
    Pace,
    Pass,
    Stop,
    TakeAll,
    Tokens,
    Verdict,
)

_OWN = Pass(decided="owner")
_EXEMPT = Pass(decided="exempt")
_MINE = (MINE,)
_WALK = 1  # place among the buckets of a strange id


class Guard(Control):
    """It looks at the head of requests."""

    name = "ownership"
    rules: ClassVar = {
        "not-declared": "ids",
        "not-owner": "owner",
        "not-owner-yet": "learning",
        "walked": "walk",
        "unknown": "unknown",
        "no-id": "required",
        "exempt": "exempt",
    }

    def __init__(self, objects: Objects, roles: Roles, *, title: str = "") -> None:
        self._objects = objects
        self._roles = roles
        self._title = title
        ownership = objects.ownership
        window = nanoseconds(ownership.window)
        pace = Pace(max(1, window // max(1, ownership.walk)), ownership.walk)
        self._measures = (Pace(window, 1), pace)

    def describe(self) -> str:
        return self._title

    def on_request(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        try:
            sent = self._objects.in_head(exchange.request)
        except (BadId, Ambiguous) as error:
            return self._bad(exchange, str(error))
        if sent:
            return self.judge(exchange, sent)
        if self._objects.ownership.required and self._objects.misses(exchange.request):
            return self._without(exchange)
        return PASS

    def _without(self, exchange: Exchange) -> Verdict:
        """An operation that would answer with everybody's."""
        subject, exempt = self._roles.subject(exchange.principal), self._objects.ownership.exempt
        if exempt is not None and subject is not None and not exempt.lacks(subject):
            return _EXEMPT
        finding = self._finding("no-id", "no id where one is required")
        return Stop(exchange.problem(403, "Say whose objects you ask for."), (finding,))

    def judge(self, exchange: Exchange, sent: list[str]) -> Verdict | Asking[Verdict]:
        """sent: ids as they stand in the request."""
        subject = self._roles.subject(exchange.principal)
        if subject is None:
            finding = Finding(
                "unproven",
                "principal",
                f"{self._objects.ownership.kind} {self._objects.ownership.shown(sent[0])}",
                "medium",
            )
            return Stop(exchange.problem(401, "A credential is required."), (finding,))
        ownership = self._objects.ownership
        if ownership.exempt is not None and not ownership.exempt.lacks(subject):
            return _EXEMPT
        try:
            asked = [spellings(text, ownership.form) for text in (sent if len(sent) == 1 else dict.fromkeys(sent))]
        except BadId as error:
            return self._bad(exchange, str(error))
        if ownership.ids is not None:
            listed = self._objects.listed(subject)
            asked = [each for each in asked if not listed.issuperset(each[:1]) or len(each) > 1]
            if not ownership.learned and (strange := [each[0] for each in asked if not listed.issuperset(each)]):
                return self._refuse(
                    exchange,
                    "not-declared",
                    f"{ownership.shown(strange[0])}: not in {ownership.ids or 'the credential'}",
                )
        return self._of_learned(exchange, subject, asked) if ownership.learned and asked else _OWN

    def _of_learned(self, exchange: Exchange, subject: Subject, asked: list[tuple[str, ...]]) -> Asking[Verdict]:
        ownership, at = self._objects.ownership, exchange.request.at
        names = self._objects.names(subject)
        ids = asked[0] if len(asked) == 1 else tuple(dict.fromkeys(each for every in asked for each in every))
        owned: Owned = yield FindOwners(ownership.kind, ids, names, at, ownership.keep, ownership.wanted)
        if owned.found == _MINE:
            return _OWN
        for id_, known in zip(ids, owned.found, strict=True):
            if known > 0:
                return (yield from self._anothers(exchange, subject, id_, known, owned.confident))
        mine = {id_ for id_, known in zip(ids, owned.found, strict=True) if known == MINE}
        strange = [each[0] for each in asked if each[0] not in mine]
        if strange and ownership.known and owned.confident:
            return self._refuse(exchange, "unknown", f"{ownership.shown(strange[0])}: nobody was ever given it")
        if strange and (yield from self._walks(exchange, subject, strange)):
            text = f"{ownership.shown(strange[0])}: more than {ownership.walk} ids never given to {excerpt(subject.id)}"
            if owned.confident:
                return self._refuse(exchange, "walked", text)
            return Pass((self._finding("walked", text, "medium"),))
        return _OWN if not strange else PASS

    def _anothers(self, exchange: Exchange, subject: Subject, id_: str, known: int, confident: bool) -> Asking[Verdict]:
        text = f"{self._objects.ownership.shown(id_)}: given to {known} other(s), never to {excerpt(subject.id)}"
        if confident:
            return self._refuse(exchange, "not-owner", text)
        if (yield from self._walks(exchange, subject, [id_])):
            return Pass((self._finding("walked", text, "high"),))
        return Pass((self._finding("not-owner-yet", text, "medium"),))

    def _walks(self, exchange: Exchange, subject: Subject, strange: list[str]) -> Asking[bool]:
        """Whether these are more ids than one may try that were never given. Each counts once in a window."""
        ownership, at = self._objects.ownership, exchange.request.at
        if not ownership.walk:
            return False
        start = f"{ownership.kind}\0{subject.id}"
        for id_ in strange[: ownership.walk + 1]:
            # From both or none: who may try no more takes no more memory, however many ids he thinks of.
            buckets = (f"seen\0{start}\0{id_}", f"walk\0{start}")
            refused: tuple[int, Tokens] | None = yield TakeAll(buckets, self._measures, at)
            if refused is not None and refused[0] == _WALK:
                return True
        return False

    def _finding(self, rule: str, text: str, severity: str = "high") -> Finding:
        return Finding(rule, self._objects.ownership.kind, excerpt(text), severity)  # type: ignore[arg-type]

    def _refuse(self, exchange: Exchange, rule: str, text: str) -> Stop:
        status = self._objects.ownership.status
        detail = "There is no such object." if status == 404 else "This object is not yours."
        return Stop(exchange.problem(status, detail), (self._finding(rule, text),))

    def _bad(self, exchange: Exchange, text: str) -> Stop:
        return Stop(
            exchange.problem(400, "An id in the request cannot be read."), (self._finding("bad-id", text, "medium"),)
        )


class BodyGuard(Guard):
    """It looks at bodies too."""

    def on_request_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        try:
            sent = self._objects.in_body(exchange.request, exchange.request_body)
        except (BadId, Ambiguous) as error:
            return self._bad(exchange, str(error))
        return self.judge(exchange, sent) if sent else PASS
