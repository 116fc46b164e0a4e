"""From what a token says to who is asking."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any

import msgspec

from stockade.tokens import Claims
from stockade.vocabulary import Principal


class _Unproven(msgspec.Struct):
    """What of a payload is read before its signature holds, and believed only where it speaks against the token."""

    iss: str | None = None


_TO_PLAIN = bytes.maketrans(b"-_", b"+/")
_read_unproven = msgspec.json.Decoder(_Unproven).decode


def is_anothers(credential: str, own: str | None) -> bool:
    """Whether a JWT says itself that another issued it. Its key id would only send us to look at the wrong source.

    What cannot be read is nobody's, and judged like every other.
    """
    try:
        payload = credential.encode().split(b".", 2)[1].translate(_TO_PLAIN)
        issuer = _read_unproven(a2b_base64(payload + b"==")).iss
    except (IndexError, ValueError, RecursionError, msgspec.MsgspecError):
        return False
    return None not in (issuer, own) and issuer != own


def principal_of(claims: Claims, kind: str) -> Principal:
    """The principal of a verified token. Members of the wrong type say nothing: what asks for them is not met."""
    members = claims.members
    acr, amr = members.get("acr"), members.get("amr")
    auth_time: Any = members.get("auth_time")
    methods = filter(lambda item: isinstance(item, str), amr) if isinstance(amr, list) else ()
    return Principal(
        claims.subject or "",
        kind,
        claims.token_id or "",
        claims.scopes,
        acr=acr if isinstance(acr, str) else "",
        amr=frozenset(methods),
        roles=_roles(members.get("roles")),
        claims=members,
        auth_time=float(auth_time) if type(auth_time) in (int, float) and abs(auth_time) < 1e12 else None,
    )


def _roles(claim: Any) -> frozenset[str]:
    """The claim `roles` (RFC 9068, section 2.2.3.1): a list of texts, or one text."""
    listed = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(role for role in listed if isinstance(role, str))
