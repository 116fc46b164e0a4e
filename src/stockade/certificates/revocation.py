"""Certificate revocation lists (RFC 5280, section 5): made, and checked before the gateway relies on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from stockade.certificates.authority import Signer

REASONS: Final = {
    "unspecified": None,
    "key-compromise": x509.ReasonFlags.key_compromise,
    "affiliation-changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
    "privilege-withdrawn": x509.ReasonFlags.privilege_withdrawn,
}
MAX_LISTS: Final = 16 << 20  # bytes of a file of lists
_SKEW: Final = timedelta(minutes=5)
_blocks = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----")


class BadRevocationList(ValueError):
    """Text that holds no revocation list."""


class Revoked(NamedTuple):
    """serial: hex. at: epoch seconds. reason: of REASONS."""

    serial: str
    at: float
    reason: str


class ListFacts(NamedTuple):
    """What a list says of itself. issuer: RFC 4514. Times are epoch seconds."""

    issuer: str
    number: int
    this_update: float
    next_update: float
    entries: int


def make_list(signer: Signer, revoked: Iterable[Revoked], number: int, at: float, lifetime: float) -> bytes:
    """A list as PEM, good until `at + lifetime`."""
    now = datetime.fromtimestamp(int(at), UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
        signer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(now - _SKEW)
        .next_update(now + timedelta(seconds=int(lifetime)))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(identifier, critical=False)
    )
    for each in revoked:
        builder = builder.add_revoked_certificate(_entry(each))
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _entry(revoked: Revoked) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(int(revoked.serial, 16))
    builder = builder.revocation_date(datetime.fromtimestamp(int(revoked.at), UTC))
    reason = REASONS.get(revoked.reason)
    if reason is not None:  # "unspecified" is told by saying nothing (section 5.3.1)
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    return builder.build()


def read_lists(data: bytes) -> list[x509.CertificateRevocationList]:
    """Every list of a PEM file. Raises BadRevocationList and nothing else."""
    if len(data) > MAX_LISTS:
        raise BadRevocationList(f"has more than {MAX_LISTS} bytes")
    found = _pem_blocks(data, "X509 CRL", x509.load_pem_x509_crl)
    if not found:
        raise BadRevocationList("holds no revocation list in PEM (-----BEGIN X509 CRL-----)")
    return found


def facts_of(crl: x509.CertificateRevocationList) -> ListFacts:
    """Raises BadRevocationList where it lacks number or nextUpdate, which RFC 5280 asks for."""
    try:
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        start, end = crl.last_update_utc, crl.next_update_utc
    except Exception as error:  # noqa: BLE001 - as in `requests`
        raise BadRevocationList(f"has a list that cannot be read ({type(error).__name__})") from None
    if end is None:
        raise BadRevocationList("has a list without nextUpdate: it would be good for ever")
    return ListFacts(crl.issuer.rfc4514_string(), number, start.timestamp(), end.timestamp(), len(crl))


def trouble_of_lists(authorities: bytes, lists: bytes, at: float, least: Mapping[str, int]) -> list[str]:
    """What is wrong with the lists of a PEM file, for the authorities of another; nothing when all is well.

    Each authority must have one list, and no more, that it signed and that is neither from the future nor out of date.
    least: for an issuer (RFC 4514), the number of the newest list that is known: an older one would let revoked
    certificates in again.
    """
    try:
        found = read_lists(lists)
        issuers = _pem_blocks(authorities, "CERTIFICATE", x509.load_pem_x509_certificate)
        return list(_troubles(issuers, found, at, least))
    except BadRevocationList as error:
        return [str(error)]


def _troubles(
    issuers: list[x509.Certificate], found: list[x509.CertificateRevocationList], at: float, least: Mapping[str, int]
) -> Iterator[str]:
    for issuer in issuers:
        name = issuer.subject.rfc4514_string()
        own = [crl for crl in found if crl.issuer == issuer.subject and _signed_by(crl, issuer)]
        if not own:
            yield f"has no list that {name} signed; every authority of client_ca must have one"
            continue
        if len(own) > 1:  # which of them is believed would be the verifier's choice
            yield f"has {len(own)} lists of {name}; keep the newest alone"
            continue
        facts = facts_of(own[0])
        if facts.number < least.get(name, 0):
            yield (
                f"has list {facts.number} of {name}, but {least[name]} is known: an older list would let revoked "
                "certificates in again (`stockade certs crl` writes the newest)"
            )
        if not at < facts.next_update:
            yield f"has a list of {name} that is out of date: `stockade certs crl` writes a new one"
        if facts.this_update > at + _SKEW.total_seconds():
            yield f"has a list of {name} from the future: is this machine's clock right?"


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # of a kind that cannot sign: TypeError
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False


def _pem_blocks(data: bytes, kind: str, load: Any) -> list[Any]:
    text = data.decode("latin-1")
    try:
        return [load(block[0].encode("latin-1")) for block in _blocks.finditer(text) if block[1] == kind]
    except Exception as error:  # noqa: BLE001 - as in `requests`
        raise BadRevocationList(f"holds a broken {kind} ({type(error).__name__})") from None
