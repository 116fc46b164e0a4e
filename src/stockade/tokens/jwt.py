"""JSON Web Tokens in JWS compact form (RFC 7515, RFC 7519), verified as RFC 8725 asks.

    header ──▶ algorithm allowed by the rules ──▶ key that fits it ──▶ signature ──▶ times, issuer, audience ──▶ Claims

Nothing in a token chooses how it is verified: the rules name the algorithms, the key fixes its own type, and keys
that a token brings or points at are refused. The payload is not even decoded before the signature holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from stockade.tokens.algorithms import ALGORITHMS
from stockade.tokens.keys import VerificationKeys
from stockade.tokens.strict import decode_base64url, decode_object

MAX_TOKEN: Final = 8 * 1024  # characters
MAX_KID: Final = 256  # characters
MAX_DEPTH: Final = 16  # containers within containers, in header or payload
# The year 9999. What lies beyond is milliseconds taken for seconds: a token that never dies.
MAX_TIME: Final = 253402300799

Reason: TypeAlias = Literal[
    "malformed",  # no compact JWS of canonical base64url and strict JSON
    "too-long",
    "header-refused",  # crit, b64, or a key in or behind the header
    "algorithm-refused",
    "wrong-type",
    "unknown-key",  # none has the key id, or none fits the algorithm
    "bad-signature",
    "missing-claim",
    "bad-claim",  # of the wrong JSON type, or a time out of range
    "expired",
    "not-yet-valid",
    "issued-in-future",
    "wrong-issuer",
    "wrong-audience",
]

# Keys that the sender chose (RFC 8725, sections 3.10 and 2.9), and extensions that must be understood (RFC 7515,
# section 4.1.11) of which none is. A bare certificate chain (x5c, x5t) is ignored, as it chooses no key here.
_REFUSED_MEMBERS: Final = frozenset(("jwk", "jku", "x5u", "crit"))


class BadToken(ValueError):
    """A token that is refused. `reason` is stable and safe to show; nothing of the token is kept."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class JwtHeader(Struct, frozen=True, gc=False):
    """What of a token's header is used; not yet proven. `alg` is one of `ALGORITHMS`, `kid` at most 256 printable."""

    alg: str
    kid: str | None = None
    typ: str | None = None


class JwtRules(Struct, frozen=True, gc=False):
    """What a token must satisfy. `exp` is always required.

    algorithms: names from `ALGORITHMS`, at least one. issuer, audience: compared exactly, None to accept any.
    leeway: seconds by which clocks may differ. typ: accepted media types of the header (RFC 8725, section 3.11),
    without regard to case or a leading "application/"; empty to accept any. required: claims that must be there, as
    RFC 9068, section 2.2, has it. Raises ValueError.
    """

    algorithms: frozenset[str]
    issuer: str | None = None
    audience: str | None = None
    leeway: float = 60.0
    typ: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.algorithms) - ALGORITHMS.keys())
        if unknown or not self.algorithms:
            told = f"{', '.join(unknown)} not supported" if unknown else "none given"
            raise ValueError(f"algorithms: {told}; choose from {', '.join(ALGORITHMS)}")
        if not (isfinite(self.leeway) and self.leeway >= 0):
            raise ValueError("leeway: must be zero or more seconds")


class Claims(Struct, frozen=True, gc=False):
    """What a verified token says. `members` is the whole payload; the repr keeps it to itself (personal data).

    scopes: from `scope` (RFC 8693, section 4.2), else `scp`, else `scopes`; each a list or a spaced text.
    """

    subject: str | None
    issuer: str | None
    expires: float  # seconds since the epoch
    scopes: frozenset[str]
    token_id: str | None
    members: Mapping[str, Any]

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in ("issuer", "token_id", "expires")]

    def __repr__(self) -> str:
        return f"Claims({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


def read_header(token: str) -> JwtHeader:
    """The header, unproven: enough to know which key to look for. Raises BadToken."""
    return _header(_split(token)[0])


def verify_jwt(token: str, keys: VerificationKeys, rules: JwtRules, at: float) -> Claims:
    """The claims of a token that one of the keys signed and that satisfies the rules.

    at: now, in seconds since the epoch. Raises BadToken, and nothing else whatever the token.
    """
    header_part, payload_part, signature_part, message = _split(token)
    header = _header(header_part)
    if header.alg not in rules.algorithms:
        raise BadToken("algorithm-refused")
    if rules.typ and not _is_typ(header.typ, rules.typ):
        raise BadToken("wrong-type")
    candidates = keys.candidates(header.alg, header.kid)
    if not candidates:
        raise BadToken("unknown-key")
    signature = _bytes(signature_part)
    if not any(key.verifies(header.alg, message, signature) for key in candidates):
        raise BadToken("bad-signature")
    return claims_of(_object(payload_part), rules, at)


def claims_of(members: Mapping[str, Any], rules: JwtRules, at: float) -> Claims:
    """The claims among these members, which are proven already. Raises BadToken where they do not satisfy the rules."""
    expires = _check_times(members, rules.leeway, at)
    if not rules.required <= members.keys():
        raise BadToken("missing-claim")
    _check_parties(members, rules)
    return Claims(
        _text(members, "sub"), _text(members, "iss"), expires, _scopes(members), _text(members, "jti"), members
    )


def _split(token: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Header, payload and signature, still encoded, and the message that was signed (RFC 7515, section 5.2)."""
    if len(token) > MAX_TOKEN:
        raise BadToken("too-long")
    if not token.isascii():
        raise BadToken("malformed")
    parts = token.encode().split(b".", 3)
    if len(parts) != 3:
        raise BadToken("malformed")
    header, payload, signature = parts
    return header, payload, signature, header + b"." + payload


@lru_cache(maxsize=256)  # an issuer's tokens share a few headers; a refused one is not remembered
def _header(part: bytes) -> JwtHeader:
    members = _object(part)
    alg, kid, typ = members.get("alg"), members.get("kid", ""), members.get("typ", "")
    if not (isinstance(alg, str) and isinstance(kid, str) and isinstance(typ, str)):
        raise BadToken("malformed")
    if alg not in ALGORITHMS:
        raise BadToken("algorithm-refused")
    # An unencoded payload (RFC 7797) would make the signed bytes differ from the bytes that are read.
    if not _REFUSED_MEMBERS.isdisjoint(members) or members.get("b64", True) is not True:
        raise BadToken("header-refused")
    if len(kid) > MAX_KID or not kid.isprintable():
        raise BadToken("header-refused")
    return JwtHeader(alg, kid if "kid" in members else None, typ if "typ" in members else None)


def _is_typ(typ: str | None, accepted: frozenset[str]) -> bool:
    return typ is not None and _media_type(typ) in map(_media_type, accepted)


def _media_type(text: str) -> str:
    """The short form that RFC 7515, section 4.1.9, recommends."""
    return text.lower().removeprefix("application/")


def _bytes(part: bytes) -> bytes:
    try:
        return decode_base64url(part)
    except ValueError:
        raise BadToken("malformed") from None


def _object(part: bytes) -> dict[str, Any]:
    try:
        return decode_object(decode_base64url(part), MAX_DEPTH)
    except ValueError:
        raise BadToken("malformed") from None


def _check_times(members: Mapping[str, Any], leeway: float, at: float) -> float:
    """RFC 7519, sections 4.1.4 to 4.1.6. Gives `exp`."""
    expires, start, issued = (_time(members, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise BadToken("missing-claim")
    # Each comparison is written so that a time that is no number refuses.
    if not at < expires + leeway:
        raise BadToken("expired")
    if start is not None and not at >= start - leeway:
        raise BadToken("not-yet-valid")
    if issued is not None and not at >= issued - leeway:
        raise BadToken("issued-in-future")
    return expires


def _time(members: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519, section 2); None when absent."""
    if name not in members:
        return None
    value = members[name]
    # By exact type, for True is an int to Python; in range before becoming a float, for an int may not fit one.
    if type(value) not in (int, float) or not -MAX_TIME <= value <= MAX_TIME:
        raise BadToken("bad-claim")
    return float(value)


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is None and name not in members:
        return None
    if not isinstance(value, str):
        raise BadToken("bad-claim")
    return value


def _check_parties(members: Mapping[str, Any], rules: JwtRules) -> None:
    """Issuer and audience (RFC 7519, sections 4.1.1 and 4.1.3)."""
    issuer, audience = _text(members, "iss"), _audience(members)
    if rules.issuer is not None and issuer != rules.issuer:
        raise BadToken("missing-claim" if issuer is None else "wrong-issuer")
    if rules.audience is not None and (audience is None or rules.audience not in audience):
        raise BadToken("missing-claim" if audience is None else "wrong-audience")


def _audience(members: Mapping[str, Any]) -> frozenset[str] | None:
    if "aud" not in members:
        return None
    value = members["aud"]
    return frozenset((value,)) if isinstance(value, str) else _texts(value)


def _scopes(members: Mapping[str, Any]) -> frozenset[str]:
    for name in ("scope", "scp", "scopes"):
        if name in members:
            value = members[name]
            # Space alone separates (RFC 6749, section 3.3): what else looks blank is part of a name.
            return frozenset(filter(None, value.split(" "))) if isinstance(value, str) else _texts(value)
    return frozenset()


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadToken("bad-claim")
    return frozenset(value)
