"""Introspection (RFC 7662) and revocation (RFC 7009): what a token is worth, and the end of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stockade.grants import Client, Grant, OwnToken, Refusal, audience_claim
from stockade.identity.service.exchanging import revocation, revoke_family
from stockade.identity.service.trail import GRANT_REVOKED
from stockade.tokens import BadToken, JwtRules, parse_jwks, verify_jwt

if TYPE_CHECKING:
    from stockade.identity.service.service import Service

_REFRESH = "refresh_token"
_INACTIVE: dict[str, Any] = {"active": False}


def introspect(service: Service, client: Client, form: Mapping[str, str], at: float) -> dict[str, Any]:
    """Only who the token is for, or was issued to, learns anything of it (section 4)."""
    if client.public:
        raise Refusal("invalid_client", "a client without a credential learns nothing", 401)
    told = describe(service, _token(form), at)
    if told is None:
        return _INACTIVE
    # A refresh token opens no API: to those that are asked to take it as an access token it is nothing.
    named = told["aud"] if isinstance(told["aud"], list) else [told["aud"]]
    meant = not set(named).isdisjoint(client.audiences) and told["token_type"] != _REFRESH
    if not meant and told["client_id"] != client.id:
        return _INACTIVE
    return {"active": True, **told}


def revoke(service: Service, client: Client, form: Mapping[str, str], at: float) -> None:
    """An access token ends alone, a refresh token with its whole family (RFC 7009, section 2.1)."""
    text = _token(form)
    claims = _claims(service, text, at)
    if claims is not None:
        _check_own(client, claims["client_id"])
        service.tokens.revoke(revocation(f"jti:{claims['jti']}", at))
        return
    token, grant = _kept(service, text)
    if token is None or grant is None:
        return  # section 2.2: what is not good anyway is as good as revoked
    _check_own(client, grant.client)
    if token.kind == "refresh":
        revoke_family(service, grant, at, GRANT_REVOKED, client)
    else:
        service.tokens.revoke_token(token.digest, revocation(f"jti:{token.extra['jti']}", at))


def describe(service: Service, text: str, at: float) -> dict[str, Any] | None:
    """The members of the answer; None for a token that is not active."""
    claims = _claims(service, text, at)
    if claims is not None:
        named = {f"{kind}:{claims.get(claim)}" for kind, claim in _NAMED}
        return None if _is_revoked(service, named, claims["iat"], at) else {**claims, "token_type": _type(claims)}
    token, grant = _kept(service, text)
    if token is None or grant is None or token.used is not None or grant.revoked is not None:
        return None
    named = {f"client:{grant.client}", f"user:{grant.subject}", f"grant:{grant.id}"}
    if not at < min(token.expires, grant.expires) or _is_revoked(service, named, token.issued, at):
        return None
    return members(service.settings.issuer, token, grant)


def members(issuer: str, token: OwnToken, grant: Grant) -> dict[str, Any]:
    """What a kept token says, in the words of RFC 7662, section 2.2."""
    told = {
        "iss": issuer,
        "sub": grant.subject,
        "aud": audience_claim(token.extra.get("aud") or grant.audience),
        "client_id": grant.client,
        "scope": " ".join(sorted(token.scopes)),
        "iat": int(token.issued),
        "exp": int(token.expires),
        **{name: token.extra[name] for name in ("jti", "cnf", "roles") if name in token.extra},
    }
    return {**told, "token_type": _type(told) if token.kind == "access" else _REFRESH}


_NAMED = (("jti", "jti"), ("grant", "grant"), ("client", "client_id"), ("user", "sub"))


def _type(claims: Mapping[str, Any]) -> str:
    return "DPoP" if "jkt" in claims.get("cnf", {}) else "Bearer"


def _is_revoked(service: Service, names: set[str], issued: float, at: float) -> bool:
    return any(each.name in names and issued <= each.before for each in service.tokens.revocations(at))


def _claims(service: Service, text: str, at: float) -> dict[str, Any] | None:
    """Of a JWT of ours that is not over."""
    if text.count(".") != 2:
        return None
    import msgspec

    keys = parse_jwks(msgspec.json.encode({"keys": service.keys.published(at)}))
    rules = JwtRules(
        algorithms=frozenset({service.settings.algorithm}),
        issuer=service.settings.issuer,
        typ=frozenset({"at+jwt"}),
        leeway=0.0,
        required=frozenset({"jti", "client_id", "sub", "aud", "iat"}),
    )
    try:
        return dict(verify_jwt(text, keys, rules, at).members)
    except BadToken:
        return None


def _kept(service: Service, text: str) -> tuple[OwnToken | None, Grant | None]:
    token = service.tokens.find(service.digests.token(text), "access", "refresh")
    return token, service.tokens.grant(token.grant) if token is not None else None


def _token(form: Mapping[str, str]) -> str:
    """`token_type_hint` is not looked at: every kind is looked for."""
    try:
        return form["token"]
    except KeyError:
        raise Refusal("invalid_request", "token is missing") from None


def _check_own(client: Client, owner: str) -> None:
    if client.id != owner:
        raise Refusal("unauthorized_client", "the token was issued to another client")
