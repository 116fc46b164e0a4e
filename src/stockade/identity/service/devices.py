"""The device flow (RFC 8628): a device without a browser shows a code, its user types it in elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stockade.grants import Client, Refusal, make_user_code, narrow_audience, narrow_scopes, show_user_code
from stockade.grants.clients import DEVICE_CODE
from stockade.identity.service.exchanging import revoke_family, rights
from stockade.identity.service.guesses import Unknown
from stockade.identity.service.issuing import Issue, issue
from stockade.identity.service.secrets import CODE, make_secret
from stockade.identity.service.trail import DEVICE_REPLAYED
from stockade.stores.tokens import Device
from stockade.vocabulary import StoreError

if TYPE_CHECKING:
    from stockade.identity.service.service import Service

_SLOWER = 5.0  # seconds (section 3.5)
_EARLY = 0.5  # seconds by which a poll may come too early
_TRIES = 5
_UNKNOWN = "the device code is unknown, or another client's"


def begin_device(service: Service, client: Client, form: Mapping[str, str], at: float) -> dict[str, Any]:
    """Section 3.2."""
    if service.people is None or DEVICE_CODE not in client.grants:
        raise Refusal("unauthorized_client", "the client may not use the device flow")
    scopes = narrow_scopes(form.get("scope"), client.scopes)
    audience = narrow_audience(form, client.audiences)
    settings = service.settings
    for _ in range(_TRIES):
        device_code, user_code = make_secret(CODE), make_user_code(secrets.token_bytes(16))
        device = Device(
            digest=service.digests.token(device_code),
            user_code=service.digests.token(user_code),
            client=client.id,
            scopes=scopes,
            audience=audience,
            expires=at + settings.device,
            interval=settings.interval,
        )
        if service.tokens.add_device(device):
            break
    else:
        raise StoreError("no free user code was found")
    page = settings.base + "/oauth2/device"
    return {
        "device_code": device_code,
        "user_code": show_user_code(user_code),
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={show_user_code(user_code)}",
        "expires_in": int(settings.device),
        "interval": int(settings.interval),
    }


def device_code(
    service: Service, client: Client, form: Mapping[str, str], cnf: dict[str, str], at: float
) -> dict[str, Any]:
    """Section 3.4: the device asks again and again."""
    text = form.get("device_code", "")
    digest = service.digests.token(text)
    device = service.tokens.device(digest=digest) if text else None
    if device is None:
        raise Unknown(_UNKNOWN, digest)
    if device.client != client.id:
        raise Refusal("invalid_grant", _UNKNOWN)
    if not at < device.expires:
        raise Refusal("expired_token", "the device code is over; begin anew")
    _check_pace(service, device, at)
    if device.state == "denied":
        raise Refusal("access_denied", "the user said no")
    if device.state == "pending":
        raise Refusal("authorization_pending", "the user has not answered yet")
    grant = service.tokens.grant(device.grant)
    if grant is None or grant.revoked is not None:
        raise Refusal("invalid_grant", "what the user agreed to is over")
    if not service.tokens.move_device(digest, "allowed", "used"):
        revoke_family(service, grant, at, DEVICE_REPLAYED, client)
        raise Refusal("invalid_grant", "the device code was used before")
    scopes, roles = rights(service, grant, at)
    return issue(service, Issue(client=client, grant=grant, scopes=scopes, roles=roles, cnf=cnf, at=at, renew=True))


def _check_pace(service: Service, device: Device, at: float) -> None:
    """Raises Refusal (slow_down), after which the device has to wait five seconds more each time."""
    too_soon = at - device.polled < device.interval - _EARLY
    service.tokens.poll_device(device.digest, at, device.interval + (_SLOWER if too_soon else 0.0))
    if too_soon:
        raise Refusal("slow_down", "ask less often")
