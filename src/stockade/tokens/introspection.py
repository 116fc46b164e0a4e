"""What an issuer says of an opaque token: the response of RFC 7662, section 2.2."""

from __future__ import annotations

from msgspec.structs import replace

from stockade.tokens.jwt import BadToken, Claims, JwtRules, claims_of
from stockade.tokens.strict import decode_object

MAX_OPAQUE = 4096  # characters of a token that anyone is asked about
_MAX_DEPTH = 16


class BadIntrospection(ValueError):
    """An answer that is none."""


def is_opaque(token: str) -> bool:
    """Whether it may be sent to an issuer: the characters of RFC 6750, section 2.1, in a sensible number."""
    return 0 < len(token) <= MAX_OPAQUE and token.isascii() and token.isprintable() and " " not in token


def read_introspection(data: bytes) -> dict[str, object] | None:
    """The members of an active token's answer; None for one that is not active. Raises BadIntrospection."""
    try:
        members = decode_object(data, _MAX_DEPTH)
    except ValueError as error:
        raise BadIntrospection(f"the answer is {error}") from None
    active = members.get("active")
    if not isinstance(active, bool):
        raise BadIntrospection("the answer does not say whether the token is `active`")
    return members if active else None


def claims_of_introspection(members: dict[str, object], rules: JwtRules, at: float, lifetime: float) -> Claims:
    """The claims in it, held to the same rules as a JWT's. lifetime: seconds to believe it where it names no end.

    Where it names no issuer it is the issuer that was asked. Raises BadToken.
    """
    said = dict(members)
    said.setdefault("exp", at + lifetime)
    if rules.issuer is not None:
        said.setdefault("iss", rules.issuer)
    if not said.get("sub"):  # a client on its own behalf
        said["sub"] = said.get("client_id")
    if said["sub"] is None:
        raise BadToken("missing-claim")
    return replace(claims_of(said, rules, at), members=said)
