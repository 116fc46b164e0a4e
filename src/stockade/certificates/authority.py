"""The authority's own certificates, and those that it issues to clients (RFC 5280, section 4)."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from stockade.certificates.names import check_dns, check_title, is_within
from stockade.certificates.records import CertificateRecord
from stockade.certificates.requests import SigningRequest, key_digest

SERIAL_BYTES: Final = 16  # random ones; the first bit is cleared, for a serial number is positive
_SKEW: Final = 300.0  # seconds by which a client's or gateway's clock may be behind ours
_DAY: Final = 86400.0
LONGEST_ROOT: Final = 20 * 366 * _DAY
LONGEST_ISSUING: Final = 10 * 366 * _DAY
LONGEST_CLIENT: Final = 398 * _DAY


class BadAuthority(ValueError):
    """An authority that cannot be as it is wanted, or that cannot issue what is wanted."""


class Signer(Struct, frozen=True):
    """A CA certificate with its key; the key is in no `repr`."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"Signer({self.certificate.subject.rfc4514_string()})"

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def end(self) -> float:
        return self.certificate.not_valid_after_utc.timestamp()


def serial_of(random: bytes) -> int:
    """A serial number of 127 random bits and more than none (CA/Browser Forum: 64 at least). Raises ValueError."""
    if len(random) != SERIAL_BYTES:
        raise ValueError(f"a serial number is made of {SERIAL_BYTES} random bytes")
    return int.from_bytes(random, "big") >> 1 or 1


def serial_text(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:x}"


def make_root(title: str, key: ec.EllipticCurvePrivateKey, serial: int, at: float, lifetime: float) -> Signer:
    """A self-signed root with one CA below it. Raises BadName, BadAuthority."""
    if not _DAY <= lifetime <= LONGEST_ROOT:
        raise BadAuthority(f"a root lives from a day to {LONGEST_ROOT / _DAY:.0f} days")
    name = _name(check_title(title), "Root CA")
    builder = _dated(at, at + lifetime).subject_name(name).issuer_name(name).serial_number(serial)
    certificate = _as_authority(builder, key.public_key(), None, path_length=1).sign(key, hashes.SHA384())
    return Signer(certificate, key)


def make_issuing(
    title: str,
    key: ec.EllipticCurvePrivateKey,
    root: Signer,
    serial: int,
    at: float,
    lifetime: float,
    *,
    trust_domain: str,
    domains: Sequence[str] = (),
) -> Signer:
    """The CA that signs for clients and can make no further CA (pathlen:0), for client authentication alone.

    domains: where given, the DNS names it may sign are these and those under them, its URIs those of the trust domain
    (nameConstraints), and addresses and mail names none. Raises BadName, BadAuthority.
    """
    if not _DAY <= lifetime <= LONGEST_ISSUING:
        raise BadAuthority(f"an issuing CA lives from a day to {LONGEST_ISSUING / _DAY:.0f} days")
    if at + lifetime > root.end:
        raise BadAuthority("the issuing CA would outlive its root")
    check_dns(trust_domain)
    builder = _dated(at, at + lifetime).subject_name(_name(check_title(title), "Issuing CA"))
    builder = builder.issuer_name(root.certificate.subject).serial_number(serial)
    builder = _as_authority(builder, key.public_key(), root, path_length=0)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    if domains:
        permitted: list[x509.GeneralName] = [x509.DNSName(check_dns(domain)) for domain in domains]
        permitted.append(x509.UniformResourceIdentifier(trust_domain))
        excluded = [x509.IPAddress(ipaddress.ip_network(text)) for text in ("0.0.0.0/0", "::/0")]
        constraints = x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=excluded)
        builder = builder.add_extension(constraints, critical=True)
    return Signer(builder.sign(root.key, hashes.SHA384()), key)


def issue(
    issuing: Signer, request: SigningRequest, holder: str, uri: str, serial: int, at: float, lifetime: float
) -> x509.Certificate:
    """A client's certificate: the holder as its subject, `uri` and the DNS names asked for as its names.

    The names must have been checked (`check_names`). It ends with the issuing CA at the latest. Raises BadAuthority.
    """
    if not 60 <= lifetime <= LONGEST_CLIENT:
        raise BadAuthority(f"a client's certificate lives from a minute to {LONGEST_CLIENT / _DAY:.0f} days")
    if not at < issuing.end:
        raise BadAuthority("the issuing CA has expired: nothing that it signed is good any more")
    _check_constraints(issuing, request.dns)
    builder = _dated(at, min(at + lifetime, issuing.end)).subject_name(_common_name(holder))
    builder = builder.issuer_name(issuing.certificate.subject).public_key(request.public_key).serial_number(serial)
    names = [x509.UniformResourceIdentifier(uri), *map(x509.DNSName, request.dns)]
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key), critical=False)
        .add_extension(_authority_key(issuing), critical=False)
        .sign(issuing.key, hashes.SHA256())
    )


def record_of(certificate: x509.Certificate, holder: str) -> CertificateRecord:
    """What is kept of a certificate that we issued."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris, dns = (names.get_values_for_type(kind) for kind in (x509.UniformResourceIdentifier, x509.DNSName))
    return CertificateRecord(
        serial=serial_text(certificate),
        fingerprint=hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest(),
        holder=holder,
        names=(*(f"uri:{name}" for name in uris), *(f"dns:{name}" for name in dns)),
        key_digest=key_digest(certificate.public_key()),
        start=certificate.not_valid_before_utc.timestamp(),
        end=certificate.not_valid_after_utc.timestamp(),
    )


def _check_constraints(issuing: Signer, dns: Sequence[str]) -> None:
    """Raises BadAuthority: what the CA's own constraints forbid would be refused by every verifier."""
    try:
        found = issuing.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return
    domains = [name.value for name in found.permitted_subtrees or () if isinstance(name, x509.DNSName)]
    strangers = [name for name in dns if not any(is_within(name, domain) for domain in domains)]
    if strangers:
        raise BadAuthority(f"{', '.join(strangers)}: the authority is constrained to {', '.join(domains)}")


def _dated(start: float, end: float) -> x509.CertificateBuilder:
    first = datetime.fromtimestamp(int(start), UTC) - timedelta(seconds=_SKEW)
    return x509.CertificateBuilder().not_valid_before(first).not_valid_after(datetime.fromtimestamp(int(end), UTC))


def _name(title: str, role: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, title), x509.NameAttribute(NameOID.COMMON_NAME, role)]
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _as_authority(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey, signer: Signer | None, path_length: int
) -> x509.CertificateBuilder:
    identifier = _authority_key(signer) if signer else x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return (
        builder.public_key(key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(identifier, critical=False)
    )


def _authority_key(signer: Signer) -> x509.AuthorityKeyIdentifier:
    found = signer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
