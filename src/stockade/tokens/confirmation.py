"""To whom a token is bound: the claim `cnf` (RFC 7800, RFC 8705, section 3.1, RFC 9449, section 6)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_KNOWN = frozenset({"x5t#S256", "jkt"})


class Confirmation(Struct, frozen=True, gc=False):
    """certificate: SHA-256 of the client certificate, jkt: thumbprint of the key; base64url, empty when not bound.

    unknown: bound in a way that is not supported here, which nobody can then prove.
    """

    certificate: str = ""
    jkt: str = ""
    unknown: bool = False

    @property
    def bound(self) -> bool:
        return bool(self.certificate or self.jkt or self.unknown)


UNBOUND = Confirmation()


def confirmation_of(members: Mapping[str, Any]) -> Confirmation:
    """What the claim says; whatever is odd about it counts as unknown, and so as unprovable."""
    if "cnf" not in members:
        return UNBOUND
    cnf = members["cnf"]
    if not isinstance(cnf, dict) or not cnf or not _KNOWN.issuperset(cnf):
        return Confirmation(unknown=True)
    certificate, jkt = cnf.get("x5t#S256", ""), cnf.get("jkt", "")
    if not all(isinstance(value, str) and (value or name not in cnf) for name, value in _members(certificate, jkt)):
        return Confirmation(unknown=True)
    return Confirmation(certificate, jkt)


def _members(certificate: object, jkt: object) -> tuple[tuple[str, object], ...]:
    return (("x5t#S256", certificate), ("jkt", jkt))


def thumbprint_of_digest(digest: str) -> str:
    """`x5t#S256` of a certificate whose SHA-256 digest is given in hex; empty for none."""
    return urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=").decode() if digest else ""
