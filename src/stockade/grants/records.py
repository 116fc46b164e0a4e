"""What is kept of what was given out. Tokens themselves are kept as keyed hashes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Grant(Struct, frozen=True, kw_only=True, gc=False):
    """What a user, or a client for itself, agreed to; all tokens that follow from it are its family.

    Times are epoch seconds. acr, amr, auth_time: how and when the user logged in.
    """

    id: str
    client: str
    subject: str
    scopes: frozenset[str]
    audience: str
    created: float
    expires: float
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: float | None = None
    revoked: float | None = None


class OwnToken(Struct, frozen=True, kw_only=True, gc=False):
    """A code, a refresh token or an opaque access token. used: when it was exchanged, which it may be once.

    extra: what a later step must find again: redirect_uri, code_challenge, nonce, cnf, jti.
    """

    digest: bytes
    kind: str  # "code", "refresh", "access"
    grant: str
    issued: float
    expires: float
    scopes: frozenset[str]
    used: float | None = None
    extra: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"OwnToken({self.kind}, grant={self.grant!r})"


class Revocation(Struct, frozen=True, gc=False):
    """What was issued until `before` under that name is good no more: "jti:…", "grant:…", "client:…", "user:…"."""

    name: str
    before: float
    expires: float  # when nothing it speaks of can be alive any more
