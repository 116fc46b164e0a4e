"""Who may ask what of the admin API.

An API key of our own in `Authorization: Bearer` or `X-API-Key`, with a scope `stockade:admin` (everything),
`stockade:read` (look at everything), `stockade:RESOURCE:read` or `stockade:RESOURCE:write` (which includes looking).
Scopes that begin so are given, and keys that have them touched, by an admin alone: else whoever may issue keys would
be one.
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest
from typing import Final

from stockade.certificates import Partner
from stockade.console.operation import READ, Asked, Caller, Operation, Refused
from stockade.identity.office import Office
from stockade.networks import NetworkSet
from stockade.tokens import digest_api_key, parse_api_key

ADMIN: Final = "stockade:admin"
_OURS: Final = "stockade:"
_WANTED: Final = "An API key with a scope such as stockade:admin is required."


def credential(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The one key that a request carries. Raises Refused (401) where there is none, or more than one."""
    found = []
    for name, value in headers:
        text = value.decode("latin-1")
        if name == b"x-api-key":
            found.append(text)
        elif name == b"authorization":
            scheme, _, rest = text.partition(" ")
            found.append(rest.strip() if scheme.lower() == "bearer" else "")
    if len(found) != 1:
        raise Refused(401, _WANTED)
    return found[0]


def authenticate(office: Office, text: str, address: str, at: float) -> Caller:
    """The holder of a key, from where it may be used. Raises Refused (401), which never says why."""
    key = parse_api_key(text)
    record = office.key_store.get(key.id) if key is not None else None
    digest = digest_api_key(office.hash_key, text)
    good = (
        record is not None
        and compare_digest(record.digest, digest)
        and record.refusal(at) is None
        and (not record.networks or address in NetworkSet(record.networks))
    )
    if not good or record is None:
        raise Refused(401, _WANTED)
    return Caller(record.id, record.owner, record.scopes)


def authorize(caller: Caller, operation: Operation) -> None:
    """Raises Refused (403)."""
    wanted = {ADMIN, f"stockade:{operation.resource}:write"}
    if operation.right == READ:
        wanted |= {"stockade:read", f"stockade:{operation.resource}:read"}
    if caller.scopes.isdisjoint(wanted):
        raise Refused(403, f"This key has none of the scopes {', '.join(sorted(wanted))}.")


def check_grant(caller: Caller, scopes: Iterable[str]) -> None:
    """Whether the caller may give these scopes, or touch what has them. Raises Refused (403)."""
    if ADMIN not in caller.scopes and any(scope.startswith(_OURS) for scope in scopes):
        raise Refused(403, f"Scopes that begin with {_OURS} are given, and keys with them changed, by {ADMIN} alone.")


def check_partner(asked: Asked, partner: Partner | None) -> None:
    """Whether the caller may make credentials of a partner's, by which it would be that partner. Raises Refused (403).

    Else a right over keys, certificates or clients were one over partners, past their networks, quota and expiry.
    """
    rights = {ADMIN, "stockade:partners:write"}
    if partner is not None and partner.ended is None and asked.caller.scopes.isdisjoint(rights):
        raise Refused(403, f"It belongs to a partner: that needs one of the scopes {', '.join(sorted(rights))}.")
