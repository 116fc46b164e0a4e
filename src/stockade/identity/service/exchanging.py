"""The grants that end at the token endpoint: client credentials, authorization codes, refresh tokens.

Whatever may be exchanged once is marked as used before anything else is looked at: of two requests at the same moment
one wins, and a second use tells that somebody else has it too, which ends the whole family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from stockade.grants import (
    Client,
    Grant,
    OwnToken,
    Refusal,
    Revocation,
    audiences_of,
    is_answer,
    narrow_audience,
    narrow_granted,
    narrow_scopes,
    of_user,
)
from stockade.identity.service.binding import check_same
from stockade.identity.service.guesses import Unknown
from stockade.identity.service.issuing import Issue, issue, new_grant
from stockade.identity.service.settings import LONGEST_ACCESS
from stockade.identity.service.trail import CODE_REPLAYED, REFRESH_REUSED

if TYPE_CHECKING:
    from stockade.identity.service.service import Service

_OVER = "the code or token is unknown, over, used, or another client's"


def client_credentials(
    service: Service, client: Client, form: Mapping[str, str], cnf: dict[str, str], at: float
) -> dict[str, Any]:
    """RFC 6749, section 4.4. The client is its own subject, which no user can be; there is nothing to refresh."""
    scopes = narrow_scopes(form.get("scope"), client.scopes)
    audience = narrow_audience(form, client.audiences)
    grant = new_grant(client, client.subject, scopes, audience, at, expires=at + service.settings.access)
    return issue(service, Issue(client=client, grant=grant, scopes=scopes, cnf=cnf, at=at, kept=False))


def authorization_code(
    service: Service, client: Client, form: Mapping[str, str], cnf: dict[str, str], at: float
) -> dict[str, Any]:
    """RFC 6749, section 4.1.3, with PKCE (RFC 7636, section 4.6)."""
    token, grant = _take(service, client, form.get("code", ""), "code", at)
    extra = token.extra
    if form.get("redirect_uri") != extra["redirect_uri"]:
        raise Refusal("invalid_grant", "redirect_uri is not the one of the authorization request")
    if not is_answer(form.get("code_verifier", ""), extra["code_challenge"]):
        raise Refusal("invalid_grant", "code_verifier does not answer the code_challenge")
    if extra.get("jkt") and extra["jkt"] != cnf.get("jkt"):
        raise Refusal("invalid_grant", "the code is bound to another DPoP key")
    scopes, roles = rights(service, grant, at)
    wanted = Issue(client=client, grant=grant, scopes=scopes, roles=roles, cnf=cnf, at=at, renew=True)
    audience = narrow_granted(form, grant.audience)
    return issue(service, replace(wanted, nonce=extra.get("nonce", ""), audience=audience))


def refresh_token(
    service: Service, client: Client, form: Mapping[str, str], cnf: dict[str, str], at: float
) -> dict[str, Any]:
    """RFC 6749, section 6, with rotation (RFC 9700, section 4.14.2)."""
    text = form.get("refresh_token", "")
    found = service.tokens.find(service.digests.token(text), "refresh") if text else None
    if found is not None and found.used is None:  # a stranger's key shall not use it up
        check_same(dict(found.extra.get("cnf", {})), cnf)
    _, grant = _take(service, client, text, "refresh", at)
    # What the client was registered for, and what the user may do, may have become less.
    own, roles = rights(service, grant, at)
    scopes = narrow_scopes(form.get("scope"), grant.scopes) & client.scopes & own
    audience = narrow_granted(form, grant.audience)
    if not set(audiences_of(audience)) <= set(client.audiences):
        raise Refusal("invalid_grant", "the client is not registered for that audience any more")
    wanted = Issue(client=client, grant=grant, scopes=scopes, roles=roles, cnf=cnf, at=at, renew=True)
    return issue(service, replace(wanted, audience=audience))


def _take(service: Service, client: Client, text: str, kind: str, at: float) -> tuple[OwnToken, Grant]:
    """The token, used up by this, and its grant. Raises Refusal."""
    digest = service.digests.token(text)
    token = service.tokens.find(digest, kind) if text else None
    grant = service.tokens.grant(token.grant) if token is not None else None
    if token is None or grant is None:
        raise Unknown(_OVER, digest)
    first = service.tokens.use(digest, at)
    if not first or grant.client != client.id:
        revoke_family(service, grant, at, CODE_REPLAYED if kind == "code" else REFRESH_REUSED, client)
        raise Refusal("invalid_grant", _OVER)
    if not at < token.expires or not at < grant.expires or grant.revoked is not None:
        raise Refusal("invalid_grant", _OVER)
    return token, grant


def revoke_family(service: Service, grant: Grant, at: float, why: str, client: Client) -> None:
    """All that came from the grant, and all that could still come from it. client: who brought that about."""
    service.tokens.revoke_grant(grant.id, at, revocation(f"grant:{grant.id}", at))
    told = {"client": client.id, "user": grant.subject, "detail": f"grant {grant.id} of {grant.client} revoked"}
    if grant.revoked is None:
        service.note(why, at, **told)
    else:  # over already: anybody who has found an old one can say it again and again
        service.count(why, at, **told)


def revocation(name: str, at: float) -> Revocation:
    """Of one token or family: for good, whatever another process issues of it at the same moment."""
    ends = at + LONGEST_ACCESS + 60.0
    return Revocation(name, ends, ends)


def rights(service: Service, grant: Grant, at: float) -> tuple[frozenset[str], tuple[str, ...]]:
    """Scopes that are left of it, and the user's roles.

    Who may not log in any more gets nothing on an old consent either: raises Refusal.
    """
    user = service.user(grant.subject, at)
    if user is None:
        raise Refusal("invalid_grant", "the user may not log in any more")
    return of_user(grant.scopes, user.scopes), tuple(sorted(user.roles))
