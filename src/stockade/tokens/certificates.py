"""What a client certificate says of its holder, from its DER or PEM text (RFC 5280)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

MAX_CERTIFICATE: Final = 16 * 1024  # characters as it is forwarded
_pem = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----\s*").fullmatch


class BadCertificate(ValueError):
    """Text that is no certificate."""


class Certificate(Struct, frozen=True, gc=False):
    """fingerprint: SHA-256 of the DER, lower-case hex. subject, issuer: RFC 4514. start, end: epoch seconds."""

    fingerprint: str
    subject: str = ""
    issuer: str = ""
    dns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    start: float = 0.0
    end: float = float("inf")


def read_forwarded(text: str) -> Certificate:
    """As a proxy forwards it: `:base64 of DER:` (RFC 9440), or PEM, percent-encoded. Raises BadCertificate."""
    if not 0 < len(text) <= MAX_CERTIFICATE or not text.isascii():
        raise BadCertificate("too long, or empty")
    if text[0] == ":" and text[-1] == ":":
        return read_certificate(_decode(text[1:-1]))
    found = _pem(unquote(text))
    if found is None:
        raise BadCertificate("neither RFC 9440 nor one PEM block")
    return read_certificate(_decode("".join(found[1].split())))


def _decode(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadCertificate("not base64") from None


def read_certificate(der: bytes) -> Certificate:
    """Raises BadCertificate and nothing else."""
    # Imported late, like all cryptography: see the room's docstring.
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(der)
        try:
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = x509.SubjectAlternativeName([])
        return Certificate(
            hashlib.sha256(der).hexdigest(),
            found.subject.rfc4514_string(),
            found.issuer.rfc4514_string(),
            tuple(names.get_values_for_type(x509.DNSName)),
            tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
            found.not_valid_before_utc.timestamp(),
            found.not_valid_after_utc.timestamp(),
        )
    except Exception as error:
        raise BadCertificate("not a certificate") from error
