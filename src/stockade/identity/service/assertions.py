"""Client assertions: a JWT that the client signs with its own key, good once (RFC 7523, sections 2.2 and 3)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache

import msgspec

from stockade.tokens import BadKeys, BadToken, JwtRules, VerificationKeys, parse_jwks, verify_jwt

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
_REQUIRED = frozenset({"iss", "sub", "aud", "exp", "jti"})
_LONGEST = 3600.0  # seconds until it may expire: so long its `jti` is remembered
_LEEWAY = 5.0
_MAX_JTI = 256


class BadAssertion(ValueError):
    """An assertion that proves nothing."""


def claimed_client(assertion: str) -> str | None:
    """Who it says it is from, unproven: which client's keys to try."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = msgspec.json.decode(_unpadded(parts[1]), type=_Subject)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return payload.sub


def verify_assertion(
    assertion: str,
    *,
    client: str,
    jwks: str,
    audiences: frozenset[str],
    at: float,
    first_use: Callable[[str, float], bool],
) -> None:
    """audiences: the names by which we are meant. first_use: of a text, remembered until then. Raises BadAssertion."""
    rules = JwtRules(algorithms=ALGORITHMS, issuer=client, leeway=_LEEWAY, required=_REQUIRED)
    try:
        claims = verify_jwt(assertion, _keys(jwks), rules, at)
    except BadToken as error:
        raise BadAssertion(error.reason) from None
    audience = claims.members["aud"]
    # For us and for nobody else: one that another server was meant to take could be passed on to us.
    sole = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    if claims.subject != client or not isinstance(sole, str) or sole not in audiences:
        raise BadAssertion("for somebody else")
    if claims.expires - at > _LONGEST:
        raise BadAssertion("it lives too long")
    if not claims.token_id or len(claims.token_id) > _MAX_JTI:
        raise BadAssertion("without a jti")
    if not first_use(f"assertion\0{client}\0{claims.token_id}", claims.expires + _LEEWAY):
        raise BadAssertion("used before")


class _Subject(msgspec.Struct):
    sub: str


def _unpadded(part: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


@lru_cache(maxsize=256)
def _keys(jwks: str) -> VerificationKeys:
    try:
        return parse_jwks(jwks.encode())
    except BadKeys:
        raise BadAssertion("the client's keys cannot be read") from None


@lru_cache(maxsize=1)
def decoy_jwks() -> str:
    """Keys of nobody, against which the assertion of an unknown client is tried: it takes as long as another's."""
    from joserfc.jwk import ECKey

    public = ECKey.generate_key("P-256").as_dict(private=False)
    return msgspec.json.encode({"keys": [public]}).decode()


def thumbprint(digest: str) -> str:
    """`x5t#S256` of a SHA-256 in hex."""
    return urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=").decode()
