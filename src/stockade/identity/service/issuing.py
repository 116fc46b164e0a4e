"""Tokens: a JWT that says all itself (RFC 9068) or an opaque one that is looked up; what is kept is a keyed hash."""

from __future__ import annotations

import hashlib
import math
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stockade.grants import Client, Grant, OwnToken, audience_claim
from stockade.grants.clients import REFRESH_TOKEN
from stockade.identity.service.secrets import ACCESS, REFRESH, make_secret

if TYPE_CHECKING:
    from stockade.identity.service.service import Service


class Issue(Struct, frozen=True, kw_only=True):
    """What is to be issued. kept: whether the grant is in the store (a client's own is kept only for opaque tokens).

    audience: of this token, where it is not the grant's.
    nonce: of an OpenID Connect request; with `openid` among the grant's scopes an ID token is added.
    """

    client: Client
    grant: Grant
    scopes: frozenset[str]
    cnf: Mapping[str, str]
    at: float
    kept: bool = True
    renew: bool = False
    roles: tuple[str, ...] = ()
    nonce: str = ""
    audience: str = ""


def issue(service: Service, wanted: Issue) -> dict[str, Any]:
    """The answer of the token endpoint (RFC 6749, section 5.1). Raises StoreError."""
    life = math.floor(min(service.settings.access, max(wanted.grant.expires - wanted.at, 1.0)))
    text, kept = _access(service, wanted, life)
    answer: dict[str, Any] = {
        "access_token": text,
        "token_type": "DPoP" if "jkt" in wanted.cnf else "Bearer",
        "expires_in": life,
        "scope": " ".join(sorted(wanted.scopes)),
    }
    if wanted.renew and REFRESH_TOKEN in wanted.client.grants:
        answer["refresh_token"], token = _refresh(service, wanted)
        kept.append(token)
    if "openid" in wanted.scopes and wanted.grant.subject != wanted.client.subject:
        answer["id_token"] = _id_token(service, wanted, text)
    if wanted.kept or not kept:
        if kept:
            service.tokens.add(*kept)
    else:
        service.tokens.open_grant(wanted.grant, *kept)
    return answer


def new_grant(client: Client, subject: str, scopes: frozenset[str], audience: str, at: float, **more: Any) -> Grant:
    return Grant(
        id=secrets.token_urlsafe(18),
        client=client.id,
        subject=subject,
        scopes=scopes,
        audience=audience,
        created=at,
        **more,
    )


def _access(service: Service, wanted: Issue, life: int) -> tuple[str, list[OwnToken]]:
    """The token, and what must be kept of it."""
    grant, at = wanted.grant, wanted.at
    jti = secrets.token_urlsafe(18)
    if wanted.client.tokens == "opaque":
        text = make_secret(ACCESS)
        token = OwnToken(
            digest=service.digests.token(text),
            kind="access",
            grant=grant.id,
            issued=at,
            expires=at + life,
            scopes=wanted.scopes,
            extra={"jti": jti, **_more(wanted), **({"aud": wanted.audience} if wanted.audience else {})},
        )
        return text, [token]
    issued = int(at)
    claims: dict[str, Any] = {
        "iss": service.settings.issuer,
        "sub": grant.subject,
        "aud": audience_claim(wanted.audience or grant.audience),
        "client_id": wanted.client.id,
        "scope": " ".join(sorted(wanted.scopes)),
        "iat": issued,
        "exp": issued + life,
        "jti": jti,
        "grant": grant.id,
        **_login(grant),
        **_more(wanted),
    }
    return service.keys.sign(claims, "at+jwt", at), []


def _more(wanted: Issue) -> dict[str, Any]:
    """Roles (RFC 9068, section 2.2.3.1), and to whom the token is bound."""
    told = {"roles": list(wanted.roles), "cnf": dict(wanted.cnf)}
    return {name: value for name, value in told.items() if value}


def _login(grant: Grant) -> dict[str, Any]:
    """How the user logged in, as far as there is one."""
    told = {"acr": grant.acr, "amr": list(grant.amr), "auth_time": int(grant.auth_time or 0)}
    return {name: value for name, value in told.items() if value}


def _refresh(service: Service, wanted: Issue) -> tuple[str, OwnToken]:
    text = make_secret(REFRESH)
    token = OwnToken(
        digest=service.digests.token(text),
        kind="refresh",
        grant=wanted.grant.id,
        issued=wanted.at,
        expires=min(wanted.at + service.settings.refresh, wanted.grant.expires),
        scopes=wanted.grant.scopes,
        extra={"cnf": dict(wanted.cnf)} if wanted.cnf and wanted.client.public else {},
    )
    return text, token


def _id_token(service: Service, wanted: Issue, access: str) -> str:
    """OpenID Connect Core 1.0, section 2; `at_hash` binds it to the access token it came with (3.1.3.6)."""
    issued, grant = int(wanted.at), wanted.grant
    algorithm = service.settings.algorithm
    digest = hashlib.new({"384": "sha384", "512": "sha512"}.get(algorithm[2:], "sha256"), access.encode()).digest()
    claims: dict[str, Any] = {
        "iss": service.settings.issuer,
        "sub": grant.subject,
        "aud": wanted.client.id,
        "iat": issued,
        "exp": issued + int(service.settings.access),
        "at_hash": urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode(),
        **({"nonce": wanted.nonce} if wanted.nonce else {}),
        **_login(grant),
    }
    return service.keys.sign(claims, "JWT", wanted.at)
