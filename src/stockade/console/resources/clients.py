"""OAuth clients of the token service over the admin API."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import Field

from stockade.console.access import check_grant, check_partner
from stockade.console.operation import READ, WRITE, Asked, Body, Operation
from stockade.console.resources.fields import DurationText, Text, Texts, moment, seconds, without
from stockade.grants import Client
from stockade.identity.clients import Registered

_WHAT = "clients"
_ONE = "/clients/{id}"


class NewClient(Body):
    """A client to register."""

    name: Text
    grants: Texts = Field(description="Of client_credentials, authorization_code, refresh_token, device_code.")
    audiences: Texts = Field(description="APIs that its tokens may be for.")
    scopes: Texts = Field([])
    redirects: Texts = Field([])
    authentication: Text = Field("secret", description="secret, private_key_jwt, tls or none.")
    jwks: dict[str, Any] | None = Field(None, description="Its public keys, for private_key_jwt.")
    certificate: Text = ""
    tokens: Text = "jwt"
    bound: Text = ""


class NewSecret(Body):
    """How its secret is replaced."""

    overlap: DurationText = Field("24h", description="How long the old one works.")


class ClientChange(Body):
    """Whether it may ask for tokens. Disabled, those it has are revoked."""

    disabled: bool


def listed(asked: Asked) -> Any:
    return {"clients": [described(client) for client in asked.office.clients.list()]}


def added(asked: Asked) -> Any:
    body: NewClient = asked.body
    check_grant(asked.caller, body.scopes)
    jwks = msgspec.json.encode(body.jwks) if body.jwks is not None else b""
    fields = without(body, "name", "jwks")
    return _given(asked.office.clients.add(body.name, asked.at, **fields, jwks=jwks, actor=asked.caller.actor))


def shown(asked: Asked) -> Any:
    return described(asked.office.clients.find(asked.path["id"]))


def rotated(asked: Asked) -> Any:
    client = _mine(asked)
    check_partner(asked, asked.office.partners.whose(client=client.id))
    overlap = seconds(asked.body.overlap, "overlap")
    return _given(asked.office.clients.rotate(client.id, asked.at, overlap, asked.caller.actor))


def changed(asked: Asked) -> Any:
    client = _mine(asked)
    if asked.body.disabled:
        return described(asked.office.clients.disable(client.id, asked.at, asked.caller.actor))
    check_partner(asked, asked.office.partners.whose(client=client.id))
    return described(asked.office.clients.enable(client.id, asked.at, asked.caller.actor))


def removed(asked: Asked) -> Any:
    client = _mine(asked)
    return {**described(asked.office.clients.remove(client.id, asked.at, asked.caller.actor)), "state": "removed"}


def _mine(asked: Asked) -> Client:
    """The client, which the caller may touch. Raises NoSuchClient, Refused."""
    client = asked.office.clients.find(asked.path["id"])
    check_grant(asked.caller, client.scopes)
    return client


def _given(registered: Registered) -> dict[str, Any]:
    secret = {"client_secret": registered.secret} if registered.secret else {}
    return {**described(registered.client), **secret}


def described(client: Client) -> dict[str, Any]:
    """All but the digests of its secrets."""
    return {
        "id": client.id,
        "name": client.name,
        "state": "disabled" if client.disabled is not None else "active",
        "authentication": client.authentication,
        "grants": sorted(client.grants),
        "scopes": sorted(client.scopes),
        "audiences": list(client.audiences),
        "redirects": list(client.redirects),
        "certificate": client.certificate,
        "tokens": client.tokens,
        "bound": client.bound,
        "created": moment(client.created),
        "disabled": moment(client.disabled),
    }


OPERATIONS = (
    Operation("GET", "/clients", _WHAT, READ, "All OAuth clients, without their secrets.", listed),
    Operation("POST", "/clients", _WHAT, WRITE, "Register one; its secret is shown once.", added, NewClient, 201),
    Operation("GET", _ONE, _WHAT, READ, "One client.", shown),
    Operation("POST", f"{_ONE}/rotate", _WHAT, WRITE, "A new secret.", rotated, NewSecret, 201),
    Operation("PATCH", _ONE, _WHAT, WRITE, "Let it ask for tokens, or not.", changed, ClientChange),
    Operation("DELETE", _ONE, _WHAT, WRITE, "Forget it; its tokens are revoked.", removed),
)
