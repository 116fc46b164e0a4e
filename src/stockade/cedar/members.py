"""What is asked of records and entities: attributes, tags, types, and where in the hierarchy an entity lies.

Each function takes the judges of its operands and returns that of the whole. They err as Cedar does: on a value that
is no record or entity, on what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from stockade.cedar.errors import EvaluationError
from stockade.cedar.values import Judge, Request, Set, Uid, Value

_Tags: TypeAlias = Callable[[Request], tuple[Mapping[str, Any] | None, str]]


def _members(request: Request, value: Value) -> Mapping[str, Any] | None:
    """The attributes of a record or entity; None of an entity that is not known."""
    if type(value) is dict:
        return value
    if type(value) is Uid:
        entity = request.entities.get(value)
        return entity.attributes if entity is not None else None
    raise EvaluationError("neither a record nor an entity")


def attribute(left: Judge, name: str) -> Judge:
    def judge(request: Request) -> Value:
        members = _members(request, left(request))
        if members is None or name not in members:
            raise EvaluationError("no such attribute")
        return members[name]  # type: ignore[no-any-return]

    return judge


def attribute_of_variable(variable: str, name: str) -> Judge:
    """`context.name`, `principal.name` and so on, of which policies mostly consist."""
    if variable == "context":

        def of_context(request: Request) -> Value:
            try:
                return request.context[name]  # type: ignore[no-any-return]
            except KeyError:
                raise EvaluationError("no such attribute") from None

        return of_context
    uid = attrgetter(variable)

    def of_entity(request: Request) -> Value:
        entity = request.entities.get(uid(request))
        if entity is None or name not in entity.attributes:
            raise EvaluationError("no such attribute")
        return entity.attributes[name]  # type: ignore[no-any-return]

    return of_entity


def has(left: Judge, name: str) -> Judge:
    def judge(request: Request) -> bool:
        members = _members(request, left(request))
        return members is not None and name in members

    return judge


def _tags(left: Judge, right: Judge) -> _Tags:
    def tags(request: Request) -> tuple[Mapping[str, Any] | None, str]:
        uid, name = left(request), right(request)
        if type(uid) is not Uid or type(name) is not str:
            raise EvaluationError("tags are texts, of entities")
        entity = request.entities.get(uid)
        return (entity.tags if entity is not None else None), name

    return tags


def has_tag(left: Judge, right: Judge) -> Judge:
    tags = _tags(left, right)

    def judge(request: Request) -> bool:
        found, name = tags(request)
        return found is not None and name in found

    return judge


def get_tag(left: Judge, right: Judge) -> Judge:
    tags = _tags(left, right)

    def judge(request: Request) -> Value:
        found, name = tags(request)
        if found is None or name not in found:
            raise EvaluationError("no such tag")
        return found[name]  # type: ignore[no-any-return]

    return judge


def _lies_in(request: Request, uid: Uid, groups: Value) -> bool:
    """Whether an entity is, or is a descendant of, one of the groups: an entity, or a set of them."""
    if type(groups) is Uid:
        wanted: frozenset[Any] = frozenset((groups,))
    elif type(groups) is Set:
        wanted = groups.keys
        if not all(type(each) is Uid for each in wanted):
            raise EvaluationError("not all are entities")
    else:
        raise EvaluationError("neither an entity nor a set of them")
    if uid in wanted:
        return True
    entity = request.entities.get(uid)
    return entity is not None and not wanted.isdisjoint(entity.ancestors)


def lies_in(left: Judge, right: Judge) -> Judge:
    def judge(request: Request) -> bool:
        uid, groups = left(request), right(request)
        if type(uid) is not Uid:
            raise EvaluationError("not an entity")
        return _lies_in(request, uid, groups)

    return judge


def is_of_type(left: Judge, wanted: str, within: Judge | None) -> Judge:
    """within: the groups of `is … in …`, which are looked at only where the type fits."""

    def judge(request: Request) -> bool:
        uid = left(request)
        if type(uid) is not Uid:
            raise EvaluationError("not an entity")
        return uid.type == wanted and (within is None or _lies_in(request, uid, within(request)))

    return judge
