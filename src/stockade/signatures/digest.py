"""The digest of a body (RFC 9530, section 2)."""

from __future__ import annotations

import hashlib
from hmac import compare_digest

from stockade.signatures.structured import BadField, Item, parse_dictionary

_HASHES = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}  # section 5: the others are not for adversaries


def digest_trouble(field: str, body: bytes) -> str:
    """Why a Content-Digest does not hold for a body; empty when it does. Every digest that is known must."""
    try:
        members = parse_dictionary(field)
    except BadField:
        return "digest-malformed"
    known = [(name, member) for name, member in members.items() if name in _HASHES]
    if not known:
        return "digest-unsupported"
    for name, member in known:
        value = member.value if isinstance(member, Item) else None
        if not isinstance(value, bytes) or not compare_digest(value, _HASHES[name](body).digest()):
            return "digest-wrong"
    return ""
