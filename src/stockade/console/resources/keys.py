"""API keys over the admin API."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from stockade.console.access import check_grant, check_partner
from stockade.console.operation import READ, WRITE, Asked, Body, Operation
from stockade.console.resources.fields import DurationText, Text, Texts, moment, seconds
from stockade.identity import NoSuchKey
from stockade.identity.partners import PartnerExists
from stockade.tokens import ApiKeyRecord


class NewKey(Body):
    """A key to issue."""

    owner: Text = Field(description="Who it is for: the principal that the upstream and the log see.")
    scopes: Texts = Field([])
    networks: Texts = Field([])
    expires_in: DurationText | None = None


class Rotation(Body):
    """How a key is replaced."""

    overlap: DurationText = Field("24h", description="How long the old key works.")


def listed(asked: Asked) -> Any:
    return {"keys": [described(record, asked.at) for record in asked.office.keys.list()]}


def issued(asked: Asked) -> Any:
    body: NewKey = asked.body
    check_grant(asked.caller, body.scopes)
    if asked.office.partners.whose(body.owner) is not None:
        raise PartnerExists("The owner is a partner: renew it to issue a key that keeps to its terms.")
    expires = asked.at + seconds(body.expires_in, "expires_in") if body.expires_in is not None else None
    key = asked.office.keys.issue(
        *(body.owner, asked.at),
        scopes=body.scopes,
        networks=body.networks,
        expires=expires,
        actor=asked.caller.actor,
    )
    return {"key": key.text, **described(key.record, asked.at)}


def shown(asked: Asked) -> Any:
    return described(_find(asked), asked.at)


def rotated(asked: Asked) -> Any:
    body: Rotation = asked.body
    record = _find(asked)
    check_grant(asked.caller, record.scopes)
    check_partner(asked, asked.office.partners.whose(record.owner))
    overlap = seconds(body.overlap, "overlap")
    key = asked.office.keys.rotate(record.id, asked.at, overlap, asked.caller.actor)
    return {"key": key.text, **described(key.record, asked.at)}


def revoked(asked: Asked) -> Any:
    record = _find(asked)
    check_grant(asked.caller, record.scopes)
    return described(asked.office.keys.revoke(record.id, asked.at, asked.caller.actor), asked.at)


def _find(asked: Asked) -> ApiKeyRecord:
    """Raises NoSuchKey."""
    record = asked.office.key_store.get(asked.path["id"])
    if record is None:
        raise NoSuchKey("no key has that id")
    return record


def described(record: ApiKeyRecord, at: float) -> dict[str, Any]:
    """All but its digest."""
    return {
        "id": record.id,
        "owner": record.owner,
        "state": record.refusal(at) or ("rotated" if record.replaced_by is not None else "active"),
        "scopes": sorted(record.scopes),
        "networks": list(record.networks),
        "created": moment(record.created),
        "expires": moment(record.expires),
        "revoked": moment(record.revoked),
        "replaced_by": record.replaced_by,
        "last_used": moment(record.last_used),
    }


OPERATIONS = (
    Operation("GET", "/keys", "keys", READ, "All API keys, without their secrets.", listed),
    Operation("POST", "/keys", "keys", WRITE, "Issue a key, which is shown once.", issued, NewKey, 201),
    Operation("GET", "/keys/{id}", "keys", READ, "One key.", shown),
    Operation("POST", "/keys/{id}/rotate", "keys", WRITE, "A successor with the same rights.", rotated, Rotation, 201),
    Operation("DELETE", "/keys/{id}", "keys", WRITE, "Revoke it, from the next request on.", revoked),
)
