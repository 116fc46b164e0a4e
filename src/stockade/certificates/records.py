"""What is kept of a certificate, and of the partner who holds it. Both are asked for on the request path."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class CertificateRecord(Struct, frozen=True, gc=False):
    """An issued certificate. Times are epoch seconds.

    serial: lower-case hex. fingerprint: SHA-256 of the DER, as a connection names it. names: "dns:…" and "uri:…".
    key_digest: SHA-256 of the public key (SubjectPublicKeyInfo). revoked: when it stops working; a renewal sets it to
    the end of the overlap. reason: of RFC 5280, section 5.3.1. networks, scopes: where it may be used from (empty: from
    anywhere) and what it grants. until: when it stops working before its end, because its holder's time is over.
    """

    serial: str
    fingerprint: str
    holder: str
    names: tuple[str, ...] = ()
    key_digest: str = ""
    start: float = 0.0
    end: float = 0.0
    revoked: float | None = None
    reason: str = ""
    replaced_by: str | None = None
    networks: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    until: float | None = None

    def refusal(self, at: float) -> Literal["revoked", "expired", "not-yet-valid"] | None:
        """Why it is not good at that time; None while it is. A time that is no number refuses."""
        if self.revoked is not None and not at < self.revoked:
            return "revoked"
        if not at < self.end or (self.until is not None and not at < self.until):
            return "expired"
        return None if at >= self.start else "not-yet-valid"


class Partner(Struct, frozen=True, gc=False):
    """Who holds keys and certificates from us, and the terms under which they are good. Times are epoch seconds.

    networks: CIDR blocks it may come from, empty for any. quota: (requests, calendar unit), in all APIs together.
    names: DNS names that its certificates may carry. scopes: of its keys. ended: when it was offboarded.
    """

    name: str
    contact: str = ""
    networks: tuple[str, ...] = ()
    quota: tuple[int, str] | None = None
    names: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    created: float = 0.0
    expires: float | None = None
    ended: float | None = None

    def refusal(self, at: float) -> Literal["ended", "expired"] | None:
        """Why none of its credentials is good at that time; None while they may be."""
        if self.ended is not None and not at < self.ended:
            return "ended"
        if self.expires is not None and not at < self.expires:
            return "expired"
        return None
