"""Partners over the admin API."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pydantic import Field

from stockade.certificates import Partner
from stockade.console.access import check_grant
from stockade.console.operation import READ, WRITE, Asked, Body, Operation
from stockade.console.resources import certificates, keys
from stockade.console.resources.audit import told
from stockade.console.resources.fields import DurationText, Pem, QuotaText, Text, Texts, moment, quota, seconds, without
from stockade.identity.clients import NoSuchClient
from stockade.identity.partners import Credentials, Wanted

_TERMS = {"dns": "names"}  # what is called otherwise inside


class Terms(Body):
    """What a partner may. Null takes a bound away."""

    contact: Text = ""
    networks: Texts = Field([], description="Networks it may come from; empty: any.")
    quota: QuotaText | None = None
    expires_in: DurationText | None = Field(None, description="From now on.")
    dns: Texts = Field([], description="DNS names that its certificates may carry.")
    scopes: Texts = Field([])


class NewPartner(Terms):
    """A partner, and what it gets at once."""

    name: Text
    key: bool = Field(False, description="Issue an API key.")
    csr: Pem | None = Field(None, description="Sign this CSR (PEM).")
    clients: Texts = Field([], description="Ids of OAuth clients that are its.")


class Renewal(Body):
    """What a partner gets anew."""

    expires_in: DurationText | None = None
    key: bool = False
    csr: Pem | None = None
    overlap: DurationText | None = Field(None, description="How long the old ones work; default: the policy's.")


def listed(asked: Asked) -> Any:
    return {"partners": [described(partner, asked.at) for partner in asked.office.partners.all()]}


def added(asked: Asked) -> Any:
    body: NewPartner = asked.body
    check_grant(asked.caller, body.scopes)
    for client in body.clients:  # they end with it
        _check_client(asked, client)
    partner = Partner(body.name, **_fields(body, asked.at))
    return _given(
        asked.office.partners.add(partner, asked.at, asked.caller.actor, _wanted(asked, body), body.clients), asked.at
    )


def shown(asked: Asked) -> Any:
    holdings = asked.office.partners.show(asked.path["name"])
    return {
        **described(holdings.partner, asked.at),
        "keys": [keys.described(record, asked.at) for record in holdings.keys],
        "certificates": [certificates.described(record, asked.at) for record in holdings.certificates],
        "clients": holdings.clients,
        "audit": [told(row) for row in holdings.audit],
    }


def changed(asked: Asked) -> Any:
    terms = _fields(asked.body, asked.at)
    check_grant(asked.caller, terms.get("scopes", ()))
    _check_holdings(asked)
    partner = asked.office.partners.change(asked.path["name"], asked.at, asked.caller.actor, **terms)
    return described(partner, asked.at)


def renewed(asked: Asked) -> Any:
    body: Renewal = asked.body
    name = asked.path["name"]
    _check_holdings(asked)
    expires = asked.at + seconds(body.expires_in, "expires_in") if body.expires_in is not None else None
    overlap = seconds(body.overlap, "overlap", asked.office.loaded.config.certificates.overlap)
    given = asked.office.partners.renew(
        *(name, asked.at, asked.caller.actor, _wanted(asked, body)), expires=expires, overlap=overlap
    )
    return _given(given, asked.at)


def removed(asked: Asked) -> Any:
    _check_holdings(asked)
    ended = asked.office.partners.remove(asked.path["name"], asked.at, asked.caller.actor)
    counts = {"keys": ended.keys, "certificates": ended.certificates, "clients": ended.clients}
    return {**described(ended.partner, asked.at), "ended_with_it": counts}


def _check_holdings(asked: Asked) -> None:
    """Whether the caller may touch all that changes or ends with the partner. Raises Refused, NoSuchPartner."""
    asked.office.partners.find(asked.path["name"])
    held = asked.office.partners.show(asked.path["name"])
    check_grant(asked.caller, held.partner.scopes)
    keys = [key.scopes for key in held.keys if key.refusal(asked.at) is None]
    given = [certificate.scopes for certificate in held.certificates if certificate.refusal(asked.at) is None]
    for scopes in (*keys, *given):
        check_grant(asked.caller, scopes)
    for client in held.clients:
        _check_client(asked, client)


def _check_client(asked: Asked, client_id: str) -> None:
    """One that is not there yet has no scopes that anybody gave it."""
    with suppress(NoSuchClient):
        check_grant(asked.caller, asked.office.clients.find(client_id).scopes)


def _fields(body: Terms, at: float) -> dict[str, Any]:
    """What a body states, as fields of `Partner`."""
    stated = without(body, "name", "key", "csr", "clients", "quota", "expires_in")
    terms = {
        _TERMS.get(name, name): tuple(value) if isinstance(value, list) else value for name, value in stated.items()
    }
    if "quota" in body.model_fields_set:
        terms["quota"] = quota(body.quota)
    if "expires_in" in body.model_fields_set:
        ends = body.expires_in
        terms["expires"] = at + seconds(ends, "expires_in") if ends is not None else None
    return terms


def _wanted(asked: Asked, body: NewPartner | Renewal) -> Wanted:
    lifetime = asked.office.loaded.config.certificates.lifetime
    return Wanted(body.key, body.csr.encode() if body.csr is not None else None, lifetime)


def _given(given: Credentials, at: float) -> dict[str, Any]:
    answer: dict[str, Any] = described(given.partner, at)
    if given.key is not None:
        answer |= {"key": given.key.text, "key_id": given.key.record.id}
    if given.certificate is not None:
        answer |= {"certificate": given.certificate.pem, "serial": given.certificate.record.serial}
    return answer


def described(partner: Partner, at: float) -> dict[str, Any]:
    return {
        "name": partner.name,
        "state": partner.refusal(at) or "active",
        "contact": partner.contact,
        "networks": list(partner.networks),
        "quota": f"{partner.quota[0]}/{partner.quota[1]}" if partner.quota is not None else None,
        "dns": list(partner.names),
        "scopes": list(partner.scopes),
        "created": moment(partner.created),
        "expires": moment(partner.expires),
        "ended": moment(partner.ended),
    }


OPERATIONS = (
    Operation("GET", "/partners", "partners", READ, "All partners.", listed),
    Operation(
        "POST", "/partners", "partners", WRITE, "Onboard a partner: all of it or nothing.", added, NewPartner, 201
    ),
    Operation("GET", "/partners/{name}", "partners", READ, "Terms, credentials and history of one.", shown),
    Operation("PATCH", "/partners/{name}", "partners", WRITE, "New terms, for all that it holds.", changed, Terms),
    Operation(
        "POST", "/partners/{name}/renew", "partners", WRITE, "More time, new credentials.", renewed, Renewal, 201
    ),
    Operation("DELETE", "/partners/{name}", "partners", WRITE, "Offboard it: all it holds ends at once.", removed),
)
