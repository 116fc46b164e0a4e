"""Questions of credentials: keys, certificates, tokens, and whose they are."""

from __future__ import annotations

from stockade.certificates import CertificateRecord, Partner
from stockade.tokens import ApiKeyRecord, Claims, VerificationKeys
from stockade.vocabulary.asks.question import Ask


class FindApiKey(Ask[ApiKeyRecord | None], frozen=True, gc=False):
    """The stored half of an API key, by its public id."""

    id: str


class FindCertificate(Ask[CertificateRecord | None], frozen=True, gc=False):
    """What is kept of a certificate that we issued, by its SHA-256 digest (hex)."""

    fingerprint: str


class FindPartner(Ask[Partner | None], frozen=True, gc=False):
    """The partner of that name, or "client:ID" for whose OAuth client that is; None where nobody is, as for most."""

    name: str


class FindVerificationKeys(Ask[VerificationKeys], frozen=True, gc=False):
    """The keys of a JWKS source; `kid`, when it is not among them, asks for one fresh look at the source."""

    source: str
    kid: str | None
    at: float


class IntrospectToken(Ask[Claims | None], frozen=True, gc=False):
    """What the issuer says of an opaque token (RFC 7662); None: that it is not active. at: epoch seconds."""

    source: str
    token: str
    at: float

    def __repr__(self) -> str:
        return f"IntrospectToken({self.source!r})"


class FindRevocation(Ask[bool], frozen=True, gc=False):
    """Whether a token of our own service was revoked: itself, its family, its client or its user, as "jti:…",
    "grant:…", "client:…" and "user:…". issued: epoch seconds."""

    names: tuple[str, ...]
    issued: float
