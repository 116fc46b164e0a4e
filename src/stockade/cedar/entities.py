"""`read_entities`: the policy's own entities (roles within roles, teams), in Cedar's JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stockade.cedar.values import Entity, Uid, from_json

_MOST = 100_000


class BadEntities(ValueError):
    """A file of entities that cannot be used; the message says why."""


def read_entities(text: bytes) -> dict[Uid, Entity]:
    """[{"uid": {"type", "id"}, "attrs": {}, "parents": [{"type", "id"}]}]. Raises BadEntities."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadEntities(f"is not JSON: {error}") from None
    if not isinstance(given, list) or len(given) > _MOST:
        raise BadEntities(f"is not a list of at most {_MOST} entities")
    parents: dict[Uid, list[Uid]] = {}
    attributes: dict[Uid, Any] = {}
    for number, each in enumerate(given, 1):
        if not isinstance(each, dict) or not set(each) <= {"uid", "attrs", "parents"}:
            raise BadEntities(f"entity {number} is not of the form {{uid, attrs, parents}}")
        uid = _uid(each.get("uid"), number)
        if uid in parents:
            raise BadEntities(f"{uid} is there twice")
        parents[uid] = [_uid(parent, number) for parent in _listed(each.get("parents"), number)]
        attributes[uid] = _attributes(each.get("attrs"), number)
    return {uid: Entity(attributes[uid], _ancestors(uid, parents)) for uid in parents}


def _attributes(given: Any, number: int) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadEntities(f"the attrs of entity {number} are no object")
    if any("__entity" in each or "__extn" in each for each in given.values() if isinstance(each, dict)):
        raise BadEntities(f"the attrs of entity {number} may hold texts, numbers, truth values, lists and objects only")
    return {name: from_json(value) for name, value in given.items()}


def _listed(given: Any, number: int) -> Iterable[Any]:
    if given is None:
        return ()
    if not isinstance(given, list):
        raise BadEntities(f"the parents of entity {number} are no list")
    return given


def _uid(given: Any, number: int) -> Uid:
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in ("type", "id")):
        raise BadEntities(f'entity {number} must be named as in {{"type": "Role", "id": "admin"}}')
    return Uid(given["type"], given["id"])


def _ancestors(uid: Uid, parents: Mapping[Uid, list[Uid]]) -> frozenset[Uid]:
    found: set[Uid] = set()
    waiting = list(parents.get(uid, ()))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += parents.get(each, ())
    if uid in found:
        raise BadEntities(f"{uid} lies in itself")
    return frozenset(found)
