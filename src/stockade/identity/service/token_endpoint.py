"""`/oauth2/token`: the client proves who it is, then what it asks for is looked at (RFC 6749, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stockade.grants import Client, Refusal
from stockade.grants.clients import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE, REFRESH_TOKEN
from stockade.identity.service.authenticating import authenticate
from stockade.identity.service.binding import bind
from stockade.identity.service.devices import begin_device, device_code
from stockade.identity.service.exchanging import authorization_code, client_credentials, refresh_token
from stockade.identity.service.guesses import Unknown
from stockade.identity.service.inspecting import introspect, revoke
from stockade.identity.service.settings import Caller

if TYPE_CHECKING:
    from stockade.identity.service.service import Service

_GRANTS: dict[str, Callable[..., dict[str, Any]]] = {
    CLIENT_CREDENTIALS: client_credentials,
    AUTHORIZATION_CODE: authorization_code,
    REFRESH_TOKEN: refresh_token,
    DEVICE_CODE: device_code,
}


class Posted(Struct, frozen=True):
    """A request of a client. proofs: the lines of its DPoP header. at: epoch seconds."""

    form: Mapping[str, str]
    authorization: str | None
    proofs: list[str]
    caller: Caller
    at: float

    def __repr__(self) -> str:
        return "Posted()"


def token(service: Service, posted: Posted) -> dict[str, Any]:
    """Raises Refusal, TooMany, StoreError."""
    client = _client(service, posted, public=True)
    grant_type = posted.form.get("grant_type")
    if grant_type is None:
        raise Refusal("invalid_request", "grant_type is missing")
    exchange = _GRANTS.get(grant_type)
    if exchange is None:
        raise Refusal("unsupported_grant_type", "see grant_types_supported in the metadata")
    if grant_type not in client.grants:
        raise Refusal("unauthorized_client", "the client is not registered for this grant")
    cnf = bind(service, client, posted.proofs, posted.caller, posted.at)
    try:
        return exchange(service, client, posted.form, cnf, posted.at)
    except Unknown as unknown:
        service.guesses.missed(unknown.shown, posted.caller.address, posted.at)
        raise


def introspection(service: Service, posted: Posted) -> dict[str, Any]:
    return introspect(service, _client(service, posted, public=False), posted.form, posted.at)


def revocation(service: Service, posted: Posted) -> dict[str, Any]:
    revoke(service, _client(service, posted, public=True), posted.form, posted.at)
    return {}


def device_authorization(service: Service, posted: Posted) -> dict[str, Any]:
    return begin_device(service, _client(service, posted, public=True), posted.form, posted.at)


def _client(service: Service, posted: Posted, *, public: bool) -> Client:
    return authenticate(service, posted.form, posted.authorization, posted.caller, posted.at, public=public)
