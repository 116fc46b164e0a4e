"""What can be wrong with policies though Cedar would take them: names of which no request ever has any.

A misspelt attribute, type or operation makes a policy that never applies, and a `forbid` that never applies is a hole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stockade.cedar import Entity, Policy, Uid
from stockade.cedar.guards import paths_in
from stockade.config.errors import Problem, did_you_mean
from stockade.controls.authorization import GROUPS, Actions, canonical, is_pattern
from stockade.controls.authorization.actions import OTHER
from stockade.controls.authorization.model import (
    CONTEXT_ATTRIBUTES,
    PRINCIPAL_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    TYPES,
    place_named,
)
from stockade.operations import BadOperation

if TYPE_CHECKING:
    from stockade.config.sections.cedar import Placed

_ATTRIBUTES = {"resource": RESOURCE_ATTRIBUTES, "context": CONTEXT_ATTRIBUTES, "action": ()}


def operations_named(placed: Sequence[Placed]) -> list[str]:
    """The operations that policies name as actions."""
    found = []
    for each in placed:
        for uid in uids_in(each.policy):
            if uid.type == "Action" and " " in uid.id:
                try:
                    found.append(canonical(uid.id))
                except BadOperation:
                    continue  # told by `check_policies`
    return found


def uids_in(policy: Policy) -> Iterator[Uid]:
    """All entities that a policy names."""
    for scope in (policy.principal, policy.action, policy.resource):
        yield from scope.within
    waiting: list[Any] = [body for _, body in policy.conditions]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, Mapping):
            inner = each.get("__entity")
            if isinstance(inner, Mapping) and {"type", "id"} <= set(inner):
                yield Uid(str(inner["type"]), str(inner["id"]))
            else:
                waiting += each.values()


def check_policies(
    placed: Sequence[Placed], actions: Actions, entities: Mapping[Uid, Entity], tags: Mapping[str, list[str]]
) -> Iterator[Problem]:
    types = {*TYPES, *(uid.type for uid in entities), *(up.type for each in entities.values() for up in each.ancestors)}
    own = {name for uid, each in entities.items() if uid.type == "Principal" for name in each.attributes}
    known = {**_ATTRIBUTES, "principal": (*PRINCIPAL_ATTRIBUTES, *own)}
    for each in placed:
        said = {
            *_wrong_attributes(each.policy, known),
            *_wrong_types(each.policy, types),
            *_wrong_places(each.policy),
            *_wrong_actions(each.policy, actions, tags),
        }
        yield from (Problem(each.file, each.policy.line, f"{each.policy.name}: {text}") for text in sorted(said))


def _wrong_attributes(policy: Policy, known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for path in paths_in(policy):
        if len(path) > 1 and path[1] not in known[path[0]]:
            yield f"{path[0]} has no attribute {path[1]!r}{did_you_mean(path[1], known[path[0]])}"


def _wrong_types(policy: Policy, types: set[str]) -> Iterator[str]:
    for uid in uids_in(policy):
        if uid.type not in types:
            yield f"there are no entities of the type {uid.type}{did_you_mean(uid.type, types)}"
    for scope, allowed in ((policy.principal, {"Principal", "Anonymous"}), (policy.resource, {"Resource", "Api"})):
        if scope.type and scope.type not in allowed:
            yield f"no request has such a one of the type {scope.type}{did_you_mean(scope.type, allowed)}"


def _wrong_places(policy: Policy) -> Iterator[str]:
    for uid in uids_in(policy):
        if uid.type == "Resource" and uid.id != place_named(uid.id):
            yield f"no resource is called {uid}: write {Uid('Resource', place_named(uid.id))}"


def _wrong_actions(policy: Policy, actions: Actions, tags: Mapping[str, list[str]]) -> Iterator[str]:
    for uid in uids_in(policy):
        if uid.type == "Action":
            yield from _wrong_action(uid.id, actions, tags)
    for uid in policy.action.within if policy.action.exactly else ():
        if uid.id in GROUPS or uid.id.startswith("tag:") or (" " in uid.id and _pattern(uid.id)):
            yield f"{uid} is a group: write `action in {uid}`"


def _pattern(name: str) -> bool:
    try:
        return is_pattern(name)
    except BadOperation:
        return False


def _wrong_action(name: str, actions: Actions, tags: Mapping[str, list[str]]) -> Iterator[str]:
    if name in GROUPS or name == OTHER:
        return
    if name.startswith("tag:"):
        tag = name.removeprefix("tag:")
        if tag not in tags:
            yield f"no operation has the tag {tag!r}{did_you_mean(tag, tags)}"
        return
    try:
        wanted = canonical(name)
    except BadOperation as error:
        yield str(error) if " " in name else f"there is no action {name!r}{did_you_mean(name, GROUPS)}"
        return
    called = actions.called(wanted)
    if called != name:
        yield f"the operation {name!r} is called {called!r} here"
