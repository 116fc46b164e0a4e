"""The same decision by Cedar's own engine, for tests: slow, and the authority on what a policy means."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from stockade.cedar.extensions import Datetime, Decimal, Duration, Ip
from stockade.cedar.policies import Policy
from stockade.cedar.slices import Decision
from stockade.cedar.values import _FALSE, _TRUE, Entity, Request, Set, Uid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decide(policies: Iterable[Policy], request: Request) -> Decision:
    """As `Slice.decide`; where several policies decide, any of them. Raises ValueError where the engine refuses."""
    from cedarpy import is_authorized

    every = list(policies)
    text = "\n".join(policy.text for policy in every)
    question = {name: _name(getattr(request, name)) for name in ("principal", "action", "resource")}
    found = is_authorized({**question, "context": as_json(request.context)}, text, _entities(request))
    if found.decision.value == "NoDecision":
        raise ValueError("; ".join(found.diagnostics.errors))
    names = {f"policy{number}": policy for number, policy in enumerate(every)}
    erred = [names[said.split("`")[1]] for said in found.diagnostics.errors]
    reasons = [names[reason].name for reason in found.diagnostics.reasons]
    errors = tuple(policy.name for policy in erred)
    forbidding = next((policy.name for policy in erred if policy.effect == "forbid"), "")
    if forbidding and found.allowed:
        return Decision(False, forbidding, errors)
    return Decision(found.allowed, reasons[0] if reasons else forbidding, errors)


def _name(uid: Uid) -> dict[str, str]:
    return {"type": uid.type, "id": uid.id}


def _entities(request: Request) -> list[dict[str, Any]]:
    known: dict[Uid, Entity] = dict(request.entities)
    for entity in request.entities.values():
        for uid in entity.ancestors:
            known.setdefault(uid, Entity())
    return [
        {
            "uid": _name(uid),
            "attrs": as_json(dict(entity.attributes)),
            "tags": as_json(dict(entity.tags)),
            "parents": [_name(each) for each in sorted(entity.ancestors)],
        }
        for uid, entity in known.items()
    ]


def as_json(value: Any) -> Any:
    """A value in Cedar's JSON form."""
    if value is _TRUE or value is _FALSE:
        return value is _TRUE
    if isinstance(value, Uid):
        return {"__entity": _name(value)}
    if isinstance(value, tuple):  # the key of a record
        return {name: as_json(member) for name, member in value[1]}
    if isinstance(value, Set):
        return sorted((as_json(member) for member in value.keys), key=json.dumps)
    if isinstance(value, dict):
        return {name: as_json(member) for name, member in value.items()}
    function = _EXTENSIONS.get(type(value))
    if function is None:
        return value
    return {"__extn": {"fn": function, "arg": _argument(value)}}


_EXTENSIONS: dict[Any, str] = {Ip: "ip", Decimal: "decimal", Datetime: "datetime", Duration: "duration"}


def _argument(value: Ip | Decimal | Datetime | Duration) -> str:
    if isinstance(value, Ip):
        address = IPv4Address(value.number) if value.width == 32 else IPv6Address(value.number)
        return f"{address}/{value.prefix}"
    if isinstance(value, Decimal):
        whole, part = divmod(abs(value.value), 10_000)
        return f"{'-' if value.value < 0 else ''}{whole}.{part:04d}"
    if isinstance(value, Duration):
        return f"{value.value}ms"
    moment = _EPOCH + timedelta(milliseconds=value.value)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
