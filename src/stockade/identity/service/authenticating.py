"""Client authentication (RFC 6749, section 2.3; RFC 7523; RFC 8705): one way per request, and one answer to all that
fail, in words and in work, so that nobody learns which clients there are."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from msgspec import Struct

from stockade.grants import Client, Refusal
from stockade.identity.service.assertions import TYPE, BadAssertion, claimed_client, decoy_jwks, verify_assertion
from stockade.identity.service.settings import Caller
from stockade.identity.service.trail import CLIENT_REFUSED

if TYPE_CHECKING:
    from stockade.identity.service.service import Service

_DECOY = b"\0" * 32
_MOST = 64  # characters of a client id


class _Shown(Struct, frozen=True):
    """What the request brings. way: "basic", "secret", "assertion", or "" for no more than a name."""

    client: str
    way: str
    credential: str

    def __repr__(self) -> str:
        return f"_Shown({self.client!r}, {self.way!r})"


def authenticate(
    service: Service, form: Mapping[str, str], authorization: str | None, caller: Caller, at: float, *, public: bool
) -> Client:
    """The client. public: whether one without a credential may come. Raises Refusal (invalid_client), TooMany."""
    shown = _shown(form, authorization)
    client = service.clients.get(shown.client) if 0 < len(shown.client) <= _MOST else None
    proven = _prove(service, client, shown, caller, at)
    if client is None or not proven or client.disabled is not None or (client.public and not public):
        known = client.id if client is not None else ""
        service.count(CLIENT_REFUSED, at, client=known, address=caller.address, detail=shown.way)
        challenge = 'Basic realm="token service", charset="UTF-8"' if shown.way == "basic" else ""
        text = "the client is unknown, or has not proven who it is"
        raise Refusal("invalid_client", text, 401, challenge=challenge)
    return client


def _shown(form: Mapping[str, str], authorization: str | None) -> _Shown:
    """Raises Refusal where there is more than one credential (section 2.3), or they contradict each other."""
    found = []
    if authorization is not None:
        found.append(_basic(authorization))
    if "client_secret" in form:
        found.append(_Shown(form.get("client_id", ""), "secret", form["client_secret"]))
    if "client_assertion" in form or "client_assertion_type" in form:
        found.append(_asserted(form))
    if len(found) > 1:
        raise Refusal("invalid_request", "there is more than one credential")
    shown = found[0] if found else _Shown(form.get("client_id", ""), "", "")
    if form.get("client_id", shown.client) != shown.client:
        raise Refusal("invalid_request", "client_id is not whom the credential names")
    return shown


def _basic(authorization: str) -> _Shown:
    """Section 2.3.1: both parts are form-encoded. What is no Basic is nobody's credential."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise Refusal("invalid_request", "clients authenticate by Basic, or in the form")
    try:
        name, colon, secret = b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:
        name, colon, secret = "", "", ""
    return _Shown(unquote_plus(name), "basic", unquote_plus(secret) if colon else "")


def _asserted(form: Mapping[str, str]) -> _Shown:
    if form.get("client_assertion_type") != TYPE or "client_assertion" not in form:
        raise Refusal("invalid_request", "client_assertion goes with the client_assertion_type of RFC 7523")
    assertion = form["client_assertion"]
    return _Shown(form.get("client_id") or claimed_client(assertion) or "", "assertion", assertion)


def _prove(service: Service, client: Client | None, shown: _Shown, caller: Caller, at: float) -> bool:
    """The same work for a client that there is not. Secrets alone can be guessed, and cost their address. Raises
    TooMany."""
    if shown.way in ("basic", "secret"):
        return _is_secret(service, client, shown, caller, at)
    if shown.way == "assertion":
        return _is_assertion(service, client, shown, at)
    if client is None:
        return False
    return client.public or (client.authentication == "tls" and holds_certificate(client, caller))


def _is_secret(service: Service, client: Client | None, shown: _Shown, caller: Caller, at: float) -> bool:
    digest = service.digests.secret(shown.credential)
    usable = client is not None and client.authentication == "secret"
    kept = (client.digest, client.former) if client is not None and usable else (_DECOY, _DECOY)

    def is_right() -> bool:
        current, former = (hmac.compare_digest(digest, each) for each in kept)
        return usable and (current or (former and client is not None and at < client.former_until))

    asked = hashlib.sha256(b"\0".join((shown.client.encode("utf-8", "replace"), digest, *kept))).digest()
    return service.guesses.judge(asked, caller.address, at, is_right)


def _is_assertion(service: Service, client: Client | None, shown: _Shown, at: float) -> bool:
    usable = client is not None and client.authentication == "private_key_jwt"
    try:
        verify_assertion(
            shown.credential,
            client=shown.client,
            jwks=client.jwks if client is not None and usable else decoy_jwks(),
            audiences=service.names,
            at=at,
            first_use=service.first_use,
        )
    except BadAssertion:
        return False
    return usable


def holds_certificate(client: Client, caller: Caller) -> bool:
    """Whether the certificate of the connection is the one that was registered (RFC 8705, section 2.1)."""
    kind, _, wanted = client.certificate.partition(":")
    shown = {"sha256": caller.certificate, "subject": caller.subject, "dns": caller.dns, "uri": caller.uri}.get(kind)
    if not caller.certificate or not shown:
        return False
    if kind == "sha256":
        wanted = wanted.replace(":", "").lower()
    return hmac.compare_digest(shown.encode(), wanted.encode())
