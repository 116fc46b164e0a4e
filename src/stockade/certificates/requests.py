"""A certificate signing request (PKCS #10, RFC 2986), read and judged. All that is wrong with it is told at once.

Its subject is not taken over: whoever signs says what the holder is called. What it asks for in extensions is either
harmless and ours to decide (a digital signature, client authentication), or a DNS or URI name that the policy must
allow, or refused: an asker who wants a CA certificate shall hear so, and not get another certificate instead.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from stockade.certificates.names import BadName, check_dns
from stockade.certificates.weakness import weakness

MAX_REQUEST: Final = 16 * 1024  # bytes
_MOST_NAMES: Final = 20
_pem = re.compile(
    rb"\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s[A-Za-z0-9+/=\s]+-----END (NEW )?CERTIFICATE REQUEST-----\s*"
).fullmatch
_HASHES: Final = ("sha256", "sha384", "sha512")
_EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"
_PURPOSES: Final = {
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
}


class BadSigningRequest(ValueError):
    """A CSR that will not be signed; `problems` says each thing that is wrong with it."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SigningRequest(Struct, frozen=True):
    """What a good CSR asks for. public_key: of cryptography. dns, uris: names wanted, in the order of asking."""

    public_key: Any
    key_digest: str
    dns: tuple[str, ...]
    uris: tuple[str, ...]


def read_signing_request(data: bytes) -> SigningRequest:
    """One CSR as PEM or DER, whose holder has proved that they have the key. Raises BadSigningRequest, nothing else."""
    if len(data) > MAX_REQUEST:
        raise BadSigningRequest(f"the CSR has {len(data)} bytes; {MAX_REQUEST} are the most")
    try:
        csr = _parse(data)
        problems = [*_key_problems(csr), *_extension_problems(csr)]
        wanted = _names(csr) if not problems else ([], [])
    except BadSigningRequest:
        raise
    except Exception as error:  # noqa: BLE001 - what the library raises on hostile bytes is not a short list
        raise BadSigningRequest(f"the CSR cannot be read ({type(error).__name__})") from None
    dns, uris = wanted
    problems += _name_problems(dns, uris)
    if problems:
        raise BadSigningRequest(*problems)
    return SigningRequest(csr.public_key(), key_digest(csr.public_key()), tuple(dns), tuple(uris))


def check_names(request: SigningRequest, dns: Collection[str], uris: Collection[str]) -> None:
    """Whether it asks for names of these alone. Raises BadSigningRequest."""
    strangers = [f"DNS:{name}" for name in request.dns if name not in dns]
    strangers += [f"URI:{name}" for name in request.uris if name not in uris]
    if strangers:
        allowed = ", ".join([*(f"DNS:{name}" for name in dns), *(f"URI:{name}" for name in uris)])
        raise BadSigningRequest(*(f"{name[:120]} is not this holder's; allowed: {allowed}" for name in strangers))


def key_digest(key: Any) -> str:
    """SHA-256 of a public key's SubjectPublicKeyInfo, lower-case hex."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def _parse(data: bytes) -> x509.CertificateSigningRequest:
    if data[:1] == b"\x30":
        csr = x509.load_der_x509_csr(data)
    elif _pem(data) is not None:
        csr = x509.load_pem_x509_csr(data)
    else:
        raise BadSigningRequest("this is no CSR: one PEM block CERTIFICATE REQUEST, and nothing else, is expected")
    if data[:1] == b"\x30" and csr.public_bytes(serialization.Encoding.DER) != data:
        raise BadSigningRequest("the CSR is not in DER")
    return csr


def _key_problems(csr: x509.CertificateSigningRequest) -> Iterator[str]:
    weak = weakness(csr.public_key())
    if weak:  # its signature is not even looked at: a huge key would cost more than its holder
        yield weak
        return
    algorithm = csr.signature_hash_algorithm
    if algorithm is None or algorithm.name not in _HASHES:
        yield f"the CSR is signed with {algorithm.name if algorithm else 'no hash'}; SHA-256 is the least"
    elif not csr.is_signature_valid:
        yield "the CSR's signature is wrong: it was changed, or its sender does not have the key"


def _extension_problems(csr: x509.CertificateSigningRequest) -> Iterator[str]:
    if sum(attribute.oid.dotted_string == _EXTENSION_REQUEST for attribute in csr.attributes) > 1:
        yield "the CSR asks for extensions twice"
    for extension in csr.extensions:
        value: Any = extension.value
        if isinstance(value, x509.BasicConstraints):
            if value.ca:
                yield "the CSR asks for a CA certificate (basicConstraints CA:TRUE)"
        elif isinstance(value, x509.KeyUsage):
            if value.key_cert_sign or value.crl_sign:
                yield "the CSR asks to sign certificates or revocation lists (keyUsage keyCertSign, cRLSign)"
        elif isinstance(value, x509.ExtendedKeyUsage):
            others = [_PURPOSES.get(each, each.dotted_string) for each in value]
            others = [name for each, name in zip(value, others, strict=True) if each != ExtendedKeyUsageOID.CLIENT_AUTH]
            if others:
                yield f"the CSR asks for {', '.join(others)[:120]}; certificates are for clientAuth alone"
        elif not isinstance(value, x509.SubjectAlternativeName | x509.SubjectKeyIdentifier):
            yield f"the CSR asks for the extension {extension.oid.dotted_string}, which is not given"


def _names(csr: x509.CertificateSigningRequest) -> tuple[list[str], list[str]]:
    dns, uris = [], []
    for extension in csr.extensions:
        if not isinstance(extension.value, x509.SubjectAlternativeName):
            continue
        for name in extension.value:
            if isinstance(name, x509.DNSName):
                dns.append(name.value)
            elif isinstance(name, x509.UniformResourceIdentifier):
                uris.append(name.value)
            else:
                raise BadSigningRequest(f"the CSR asks for a name that is neither DNS nor URI ({type(name).__name__})")
    return dns, uris


def _name_problems(dns: list[str], uris: list[str]) -> Iterator[str]:
    if len(dns) + len(uris) > _MOST_NAMES:
        yield f"the CSR asks for {len(dns) + len(uris)} names; {_MOST_NAMES} are the most"
        return
    if len({*dns, *uris}) < len(dns) + len(uris):
        yield "the CSR asks for a name twice"
    for name in dns:
        try:
            check_dns(name)
        except BadName as error:
            yield f"the CSR asks for a bad name: {error}"
    for name in uris:
        if not (name.isascii() and name.isprintable()) or len(name) > 255 or set(name) & set(' "<>\\^`{|}'):
            yield f"the CSR asks for a bad name: {name[:64]!a} is not a URI"
