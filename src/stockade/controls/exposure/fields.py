"""Which fields of a JSON body who may see. Rules say it by place; here they become plans, and a principal a cut."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stockade.openapi.bodies.media import is_json, media_type
from stockade.openapi.declared import Shape
from stockade.projections import Action, Plan, Planner, Rule, Unprojectable, project
from stockade.projections.projecting import Cut
from stockade.vocabulary import Principal

_JSON = frozenset({"text/json", "application/x-json", "text/x-json"})
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_STREAMS = frozenset({"text/event-stream"})
_BEGINS_JSON = (b"{", b"[")
_WHITE = b" \t\r\n"


class FieldRule(Struct, frozen=True):
    """A place, and who may see what is there: who has all the scopes, or one of the roles, or is one of the principals.

    Whoever does not gets what `action` makes of it. Nobody is listed: nobody may.
    """

    place: Rule
    action: Action
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    principals: frozenset[str] = frozenset()

    def permits(self, principal: Principal | None) -> bool:
        if principal is None:
            return False
        if self.scopes and self.scopes <= principal.scopes:
            return True
        return principal.id in self.principals or not self.roles.isdisjoint(principal.roles)


class Fields:
    """All rules of an API. shapes: those of its description, planned at once. Raises TooLarge."""

    def __init__(self, rules: Iterable[FieldRule] = (), shapes: Iterable[Shape] = (), *, strip: bool = False) -> None:
        self._rules = tuple(rules)
        planner = Planner((rule.place for rule in self._rules), strip=strip)
        self._unknown = planner.plan()
        self._plans: dict[frozenset[int], Plan] = {shape.key: planner.plan(shape) for shape in shapes}

    def __len__(self) -> int:
        return len(self._rules)

    def cut(self, shape: Shape | None, principal: Principal | None) -> Cut | None:
        """What is to be done to a body of that shape for that principal; None: nothing."""
        plan = self._plans.get(shape.key, self._unknown) if shape is not None else self._unknown
        return plan.cut(tuple(None if rule.permits(principal) else rule.action for rule in self._rules))


def may_be_json(content_type: str | None) -> bool:
    """Whether a body of that type is read: JSON, lines of it, or a text that may turn out to be some."""
    if content_type is None:
        return True
    kind = media_type(content_type)
    if is_json(kind) or kind in _LINES or kind in _JSON or not kind:
        return True
    return kind.startswith("text/") and kind not in _STREAMS


def projected(body: bytes, content_type: str | None, cut: Cut) -> bytes | None:
    """The body as it may leave; None: as it came. Raises Unprojectable where JSON was said and none is there."""
    kind = media_type(content_type)
    if kind in _LINES:
        return _lines(body, cut)
    if is_json(kind) or kind in _JSON:
        return project(body, cut) if body.strip(_WHITE) else None
    if not body.lstrip(_WHITE).startswith(_BEGINS_JSON):
        return None
    try:
        return project(body, cut)
    except Unprojectable:
        if kind:
            return None  # a text that begins like JSON
        raise


def _lines(body: bytes, cut: Cut) -> bytes | None:
    """JSON texts, one a line (ndjson)."""
    lines = body.split(b"\n")
    made = [project(line, cut) if line.strip(_WHITE) else None for line in lines]
    if all(line is None for line in made):
        return None
    return b"\n".join(line if new is None else new for line, new in zip(lines, made, strict=True))
