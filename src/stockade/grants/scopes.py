"""Scopes and audiences: never more than the client was registered for."""

from __future__ import annotations

from collections.abc import Mapping

from stockade.grants.refusals import Refusal

_OF_ANYBODY = frozenset({"openid", "profile", "email", "offline_access"})


def narrow_scopes(requested: str | None, allowed: frozenset[str]) -> frozenset[str]:
    """What is asked for, all of it allowed; without a request, all that is allowed (RFC 6749, section 3.3).

    Raises Refusal (invalid_scope).
    """
    if requested is None:
        return allowed
    asked = frozenset(filter(None, requested.split(" ")))
    if not asked or not asked <= allowed:
        raise Refusal("invalid_scope", "the scope is more than the client, or the grant, has")
    return asked


def of_user(scopes: frozenset[str], rights: frozenset[str]) -> frozenset[str]:
    """What of it a user can let a client do: what the user may do, and learn who it is (OpenID Connect)."""
    return scopes & (rights | _OF_ANYBODY)


def narrow_audience(form: Mapping[str, str], allowed: tuple[str, ...]) -> str:
    """The one API the token is for: `resource` (RFC 8707) or `audience`; may be left out where there is one alone.

    Raises Refusal (invalid_target).
    """
    asked = form.get("resource") or form.get("audience")
    if asked is None and len(allowed) == 1:
        return allowed[0]
    if asked is None or asked not in allowed:
        raise Refusal("invalid_target", "state in `resource` one of the audiences that the client is registered for")
    return asked
