"""Who logged in: the ID token (OpenID Connect Core, section 3.1.3.7) and what is taken from its claims."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from stockade.logins.errors import BadLogin
from stockade.tokens import BadToken, Claims, JwtRules, VerificationKeys, read_header, verify_jwt

_TYPES: Final = frozenset({"jwt"})  # an access token or a logout token says what it is
_LONGEST: Final = 255  # characters of `sub` (section 2)
_STRICTLY: Final = 5.0  # seconds that a login may be older than it was asked to be
_MOST: Final = 500  # roles or scopes
_HASHES: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class Identity(Struct, frozen=True, gc=False):
    """id: what the principal is called; subject: what the provider calls them. sid: its own session (empty: unsaid)."""

    id: str
    subject: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    acr: str = ""
    amr: frozenset[str] = frozenset()
    auth_time: float | None = None
    sid: str = ""


class ClaimNames(Struct, frozen=True):
    """Which claims say what; a dot leads into an object, as in realm_access.roles. scopes: "" for those granted."""

    id: str = "sub"
    roles: str = "roles"
    scopes: str = ""


def check_id_token(
    token: str,
    keys: VerificationKeys,
    rules: JwtRules,
    at: float,
    *,
    nonce: str | None,
    access_token: str = "",
    max_age: float | None = None,
    acr: tuple[str, ...] = (),
) -> Claims:
    """Its claims. rules: with our client id as audience. nonce: None for one that a refresh brings. Raises BadLogin."""
    try:
        header = read_header(token)
        if header.typ is not None and header.typ.lower().removeprefix("application/") not in _TYPES:
            raise BadLogin("id-token-wrong-type")
        claims = verify_jwt(token, keys, rules, at)
    except BadToken as error:
        raise BadLogin(f"id-token-{error.reason}") from None
    members = claims.members
    if not claims.subject or len(claims.subject) > _LONGEST or not claims.subject.isprintable():
        raise BadLogin("id-token-missing-claim")
    if "events" in members:  # a logout token under another name
        raise BadLogin("id-token-wrong-type")
    _check_parties(members, rules.audience or "")
    if nonce is not None and not _is_same(members.get("nonce"), nonce):
        raise BadLogin("id-token-wrong-nonce")
    if access_token and "at_hash" in members and not _is_same(members["at_hash"], _half(header.alg, access_token)):
        raise BadLogin("id-token-of-another-access-token")
    _check_login(members, at, rules.leeway, max_age, acr)
    return claims


def _check_parties(members: Mapping[str, Any], client_id: str) -> None:
    """Rules 3 to 5: where it is for several, it must have been issued to us."""
    audience = members.get("aud")
    if "azp" in members:
        if members["azp"] != client_id:
            raise BadLogin("id-token-of-another-client")
    elif isinstance(audience, list) and len(audience) > 1:
        raise BadLogin("id-token-of-another-client")


def _check_login(
    members: Mapping[str, Any], at: float, leeway: float, max_age: float | None, acr: tuple[str, ...]
) -> None:
    """What a step-up asked for must be there: else a browser would be sent back and forth for ever."""
    if max_age is not None:
        since: Any = members.get("auth_time")
        # No more lenient than who asked: else what is let in here would be sent back there, for ever.
        if type(since) not in (int, float) or not -leeway <= at - since <= max_age + min(leeway, _STRICTLY):
            raise BadLogin("login-too-old")
    if acr:
        identity = identity_of(members, ClaimNames(), frozenset())
        if identity.acr not in acr and identity.amr.isdisjoint(acr):
            raise BadLogin("login-too-weak")


def _is_same(said: object, wanted: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode("utf-8", "replace"), wanted.encode())


def _half(alg: str, access_token: str) -> str:
    """`at_hash`: the left half of a hash as wide as the signature's (section 3.1.3.6); for EdDSA, SHA-512."""
    digest = _HASHES.get(alg[-3:], hashlib.sha512)(access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def check_userinfo(members: Mapping[str, Any], subject: str) -> None:
    """It must be the same person's (section 5.3.2). Raises BadLogin."""
    if members.get("sub") != subject:
        raise BadLogin("userinfo-of-another")


def identity_of(members: Mapping[str, Any], names: ClaimNames, granted: frozenset[str]) -> Identity:
    """What proven claims say. Members of the wrong type say nothing. Raises BadLogin where there is no id."""
    subject, sid, acr = members.get("sub"), members.get("sid"), members.get("acr")
    auth_time: Any = members.get("auth_time")
    identity = Identity(
        _id(members, names.id),
        subject if isinstance(subject, str) else "",
        granted if not names.scopes else _texts(_claim(members, names.scopes)),
        _texts(_claim(members, names.roles)),
        acr if isinstance(acr, str) else "",
        _texts(members.get("amr") if isinstance(members.get("amr"), list) else None),
        float(auth_time) if type(auth_time) in (int, float) and abs(auth_time) < 1e12 else None,
        sid if isinstance(sid, str) and len(sid) <= _LONGEST else "",
    )
    return replace(identity, acr=identity.acr[:_LONGEST])


def _id(members: Mapping[str, Any], name: str) -> str:
    value = _claim(members, name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or not value.isprintable():
        raise BadLogin("id-claim-missing")
    # An address that nobody has verified may be anybody's.
    if name == "email" and members.get("email_verified") is not True:
        raise BadLogin("email-not-verified")
    return value


def _claim(members: Mapping[str, Any], path: str) -> object:
    """A claim of that very name, else the way into objects that its dots show."""
    if path in members:
        return members[path]
    value: object = members
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(claim: object) -> frozenset[str]:
    listed = claim.split(" ") if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(text for text in listed[:_MOST] if isinstance(text, str) and text)
