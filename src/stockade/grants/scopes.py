"""Scopes and audiences: never more than the client was registered for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stockade.grants.forms import BETWEEN
from stockade.grants.refusals import Refusal

MOST_AUDIENCES: Final = 8
_LONGEST: Final = 256  # characters: of the column that keeps it

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
    """The APIs the token is for: `resource` (RFC 8707) or `audience`; may be left out where there is one alone.

    Several are joined by BETWEEN. Raises Refusal (invalid_target).
    """
    asked = form.get("resource") or form.get("audience")
    if asked is None and len(allowed) == 1:
        return allowed[0]
    named = audiences_of(asked or "")
    if asked is None or not set(named) <= set(allowed):
        raise Refusal("invalid_target", "state in `resource` audiences that the client is registered for")
    audience = BETWEEN.join(named)
    if len(named) > MOST_AUDIENCES or len(audience) > _LONGEST:
        text = f"a token is for {MOST_AUDIENCES} audiences at most, of {_LONGEST} characters together"
        raise Refusal("invalid_target", text)
    return audience


def narrow_granted(form: Mapping[str, str], granted: str) -> str:
    """Of the audiences of a grant those that this token shall be for; all, unless the client names some.

    RFC 8707, section 2.2. Raises Refusal (invalid_target).
    """
    return narrow_audience(form, audiences_of(granted)) if form.keys() & {"resource", "audience"} else granted


def audiences_of(audience: str) -> tuple[str, ...]:
    """One by one, each once."""
    return tuple(dict.fromkeys(audience.split(BETWEEN)))


def audience_claim(audience: str) -> str | list[str]:
    """As `aud` says it (RFC 7519, section 4.1.3)."""
    named = audiences_of(audience)
    return named[0] if len(named) == 1 else list(named)
