"""The life of a certificate: signed, renewed with an overlap, revoked at once, told in the revocation list."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sql
from cryptography import x509
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct
from msgspec.structs import replace

from stockade.certificates import CertificateRecord
from stockade.certificates.authority import (
    SERIAL_BYTES,
    Signer,
    issue,
    make_issuing,
    make_root,
    record_of,
    serial_of,
)
from stockade.certificates.names import check_dns, check_holder, holder_uri
from stockade.certificates.requests import (
    BadSigningRequest,
    SigningRequest,
    check_names,
    key_digest,
    read_signing_request,
)
from stockade.certificates.revocation import REASONS, BadRevocationList, Revoked, facts_of, make_list, read_lists
from stockade.config import Loaded
from stockade.config.database import open_database
from stockade.envelopes import BadEnvelope, Envelope
from stockade.identity.api_keys import check_scopes
from stockade.networks import NetworkSet
from stockade.stores import CertificateStore, Conflict
from stockade.stores.audit import audit_row
from stockade.stores.certificates import (
    AUTHORITIES,
    CERTIFICATE_NAMES,
    CERTIFICATES,
    AuthorityRow,
    certificate_records,
    certificate_row,
)
from stockade.vocabulary import StoreError

_DAY: Final = 86400.0
_is_serial = re.compile(r"[0-9a-f]{1,40}").fullmatch
_ROOT_LISTS: Final = 52  # a root's list is good for so many times as long: its key is used for nothing else


class NoAuthority(LookupError):
    """There is no certificate authority yet."""


class AuthorityExists(ValueError):
    """There is one already."""


class NoSuchCertificate(LookupError):
    """No certificate has that serial number."""


class BadReason(ValueError):
    """No reason for a revocation that RFC 5280 knows."""


class Lists(Struct, frozen=True):
    """Where the gateway reads whom to trust. lifetime: seconds after which a revocation list is out of date."""

    authorities: Path
    revoked: Path
    lifetime: float = 7 * _DAY


class IssuedCertificate(Struct, frozen=True):
    """pem: the certificate and that of the issuing CA, as the holder's TLS library wants them."""

    record: CertificateRecord
    pem: str


class Grant(Struct, frozen=True):
    """Who a certificate is for, and what goes with it. dns: names it may carry. until: the end of its holder's time."""

    holder: str
    dns: Collection[str] = ()
    networks: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    until: float | None = None


class Certificates:
    """Times are epoch seconds, handed in. actor: who does it, for the audit."""

    def __init__(self, store: CertificateStore, sealing: Callable[[], Envelope], lists: Lists) -> None:
        """sealing: asked when a CA's key must be sealed or opened, and not before."""
        self.store = store
        self._sealing = sealing
        self._lists = lists

    # The authority.

    def begin(
        self,
        title: str,
        at: float,
        actor: str,
        *,
        trust_domain: str,
        domains: Collection[str] = (),
        root_lifetime: float = 3650 * _DAY,
        lifetime: float = 1825 * _DAY,
    ) -> AuthorityRow:
        """A root and its issuing CA. Raises AuthorityExists, BadName, BadAuthority."""
        if self.store.authorities():
            raise AuthorityExists("there is a certificate authority already; `stockade certs export` shows it")
        root = make_root(title, _new_key(), _new_serial(), at, root_lifetime)
        issuing = make_issuing(
            *(title, _new_key(), root, _new_serial(), at, lifetime),
            trust_domain=trust_domain,
            domains=sorted(domains),
        )
        rows = [self._authority_row(role, signer, trust_domain, at) for role, signer in _roles(root, issuing)]
        try:
            self.store.database.write(
                *(sql.insert(AUTHORITIES).values(**row) for row in rows),
                audit_row(at, actor, "authority.created", title, trust_domain=trust_domain, domains=sorted(domains)),
            )
        except Conflict:
            raise AuthorityExists("somebody else made a certificate authority at the same moment") from None
        self.write_lists(at)
        return self.store.authorities()["issuing"]

    def _authority_row(self, role: str, signer: Signer, trust_domain: str, at: float) -> dict[str, Any]:
        key = signer.key.private_bytes(form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())
        return {
            "role": role,
            "certificate": signer.pem.decode(),
            "sealed_key": self._sealing().seal(key, _context(role)),
            "trust_domain": trust_domain,
            "list_number": 0,
            "created": at,
        }

    def _signer(self, row: AuthorityRow) -> Signer:
        try:
            key: Any = form.load_der_private_key(self._sealing().open(row.sealed_key, _context(row.role)), None)
        except BadEnvelope as error:
            text = f"the {row.role} CA's key cannot be opened ({error}): has the key of `secrets` changed?"
            raise StoreError(text) from None
        return Signer(x509.load_pem_x509_certificate(row.certificate.encode()), key)

    def authorities(self) -> dict[str, AuthorityRow]:
        """By role. Raises NoAuthority."""
        found = self.store.authorities()
        if not found:
            raise NoAuthority("there is no certificate authority yet: stockade certs init")
        return found

    # Certificates.

    def read(self, csr: bytes, grant: Grant) -> SigningRequest:
        """A CSR that is good, for names that the grant allows. Raises BadSigningRequest."""
        request = read_signing_request(csr)
        uri = holder_uri(self.authorities()["issuing"].trust_domain, grant.holder)
        check_names(request, grant.dns, [uri])
        same = self.store.where(CERTIFICATES.c.key_digest == request.key_digest)
        if any(each.holder != grant.holder for each in same):
            raise BadSigningRequest("the CSR's key is another holder's already; a key pair belongs to one alone")
        if any(each.reason == "key-compromise" for each in same):
            raise BadSigningRequest("the CSR's key is one that was revoked as compromised; make a new one")
        return request

    def prepare(
        self, request: SigningRequest, grant: Grant, at: float, lifetime: float
    ) -> tuple[IssuedCertificate, list[sql.Executable]]:
        """A certificate, and the statements that make it known; it is good for nothing before they are written.

        Raises BadAuthority.
        """
        row = self.authorities()["issuing"]
        uri = holder_uri(row.trust_domain, check_holder(grant.holder))
        certificate = issue(self._signer(row), request, grant.holder, uri, _new_serial(), at, lifetime)
        record = replace(
            record_of(certificate, grant.holder), networks=grant.networks, scopes=grant.scopes, until=grant.until
        )
        pem = certificate.public_bytes(form.Encoding.PEM).decode()
        issued = IssuedCertificate(record, pem + row.certificate)
        return issued, [sql.insert(CERTIFICATES).values(**certificate_row(record, pem))]

    def sign(self, csr: bytes, grant: Grant, at: float, lifetime: float, actor: str) -> IssuedCertificate:
        """For a service of our own; partners are `Partners`' to serve. Raises BadSigningRequest, BadAuthority."""
        check_holder(grant.holder)
        NetworkSet(grant.networks)
        check_scopes(grant.scopes)
        request = self.read(csr, replace(grant, dns=[check_dns(name) for name in grant.dns]))
        issued, statements = self.prepare(request, grant, at, lifetime)
        fresh = sorted(set(request.dns) - self.store.names_of(grant.holder))
        names = [sql.insert(CERTIFICATE_NAMES).values(name=name, holder=grant.holder) for name in fresh]
        try:
            self.store.database.write(*names, *statements, _signed(at, actor, issued))
        except Conflict:
            raise BadSigningRequest(f"one of {', '.join(fresh)} is another holder's name") from None
        return issued

    def renew(
        self, serial: str, at: float, lifetime: float, overlap: float, actor: str, csr: bytes | None = None
    ) -> IssuedCertificate:
        """A successor with the same names, for the same key or that of a CSR; the old one works `overlap` seconds more.

        Raises NoSuchCertificate, also for one that works no more, BadSigningRequest, BadAuthority.
        """
        old = self.get(serial)
        if old.refusal(at) is not None:
            raise NoSuchCertificate(f"the certificate {old.serial} does not work any more; sign a new CSR")
        dns = [name[4:] for name in old.names if name.startswith("dns:")]
        grant = Grant(old.holder, dns, old.networks, old.scopes, old.until)
        request = self._request_of(old.serial, dns) if csr is None else self.read(csr, grant)
        issued, statements = self.prepare(replace(request, dns=tuple(dns)), grant, at, lifetime)
        ends = min(at + overlap, old.revoked) if old.revoked is not None else at + overlap
        change = sql.update(CERTIFICATES).where(CERTIFICATES.c.serial == old.serial)
        changes: dict[str, Any] = {"replaced_by": issued.record.serial}
        if ends < old.end:
            changes |= {"revoked": ends, "reason": "superseded"}
        self.store.database.write(change.values(**changes), *statements, _signed(at, actor, issued, old.serial))
        if ends <= at:
            self.write_lists(at)
        return issued

    def _request_of(self, serial: str, dns: list[str]) -> SigningRequest:
        """As if its holder asked again for what they have."""
        key = x509.load_pem_x509_certificate(self.store.pem(serial).encode()).public_key()
        return SigningRequest(key, key_digest(key), tuple(dns), ())

    def revoke(self, serial: str, at: float, actor: str, reason: str = "unspecified") -> CertificateRecord:
        """From now on, in every worker, it is refused. Raises NoSuchCertificate, BadReason."""
        if reason not in REASONS:
            raise BadReason(f"{reason[:64]!a} is no reason; one of {', '.join(REASONS)}")
        record = self.get(serial)
        if record.revoked is None or record.revoked > at or (reason == "key-compromise" != record.reason):
            since = at if record.revoked is None else min(at, record.revoked)
            change = sql.update(CERTIFICATES).where(CERTIFICATES.c.serial == record.serial)
            self.store.database.write(
                change.values(revoked=since, reason=reason),
                audit_row(at, actor, "certificate.revoked", record.holder, serial=record.serial, reason=reason),
            )
            record = replace(record, revoked=since, reason=reason)
        self.write_lists(at)
        return record

    def get(self, serial: str) -> CertificateRecord:
        """By serial number as openssl prints it, with or without colons. Raises NoSuchCertificate."""
        plain = serial.replace(":", "").lower().lstrip("0")
        record = self.store.get(plain) if _is_serial(plain) else None
        if record is None:
            raise NoSuchCertificate(f"no certificate has the serial number {serial[:64]!a}")
        return record

    def issued(self, holder: str | None = None) -> list[CertificateRecord]:
        """Oldest first."""
        return self.store.where(*([CERTIFICATES.c.holder == holder] if holder is not None else []))

    # The lists.

    def write_lists(self, at: float) -> None:
        """The authorities' certificates and new revocation lists, to where the gateway reads them. Raises OSError.

        One writer at a time: numbers and files rise together.
        """
        rows = self.authorities()
        with self.store.database.transaction(announce=False) as connection:
            connection.execute(sql.update(AUTHORITIES).values(list_number=AUTHORITIES.c.list_number + 1))
            numbers: dict[str, int] = {
                row.role: row.list_number
                for row in connection.execute(sql.select(AUTHORITIES.c.role, AUTHORITIES.c.list_number))
            }
            gone = sql.or_(CERTIFICATES.c.revoked <= at, CERTIFICATES.c.until <= at)
            columns = [column for column in CERTIFICATES.c if column.name != "pem"]
            query = sql.select(*columns).where(gone, CERTIFICATES.c.end > at).order_by(CERTIFICATES.c.serial)
            revoked = list(map(_entry, certificate_records(connection.execute(query).mappings().all())))
            lifetime = self._lists.lifetime
            lists = make_list(self._signer(rows["issuing"]), revoked, numbers["issuing"], at, lifetime)
            lists += make_list(self._signer(rows["root"]), (), numbers["root"], at, lifetime * _ROOT_LISTS)
            _replace(self._lists.authorities, self.bundle().encode())
            _replace(self._lists.revoked, lists)

    def lists_due(self, at: float) -> bool:
        """Whether the lists that lie there are gone, or past the middle of their time."""
        if not self.store.authorities():
            return False
        try:
            found = [facts_of(each) for each in read_lists(self._lists.revoked.read_bytes())]
        except (FileNotFoundError, BadRevocationList):
            return True
        return any(at > (each.this_update + each.next_update) / 2 for each in found)

    def bundle(self) -> str:
        """The certificates of root and issuing CA, as PEM."""
        rows = self.authorities()
        return rows["issuing"].certificate + rows["root"].certificate


def list_numbers(store: CertificateStore) -> dict[str, int]:
    """The number of the newest list, by its issuer's name (RFC 4514)."""
    rows = store.authorities().values()
    issuers = [x509.load_pem_x509_certificate(row.certificate.encode()).subject for row in rows]
    return {issuer.rfc4514_string(): row.list_number for issuer, row in zip(issuers, rows, strict=True)}


def newest_lists(loaded: Loaded) -> dict[str, int]:
    """The same for the authority of a policy, none where it has none. Raises StoreError, BadConfig."""
    with closing(open_database(loaded)) as database:
        return list_numbers(CertificateStore(database))


def _roles(root: Signer, issuing: Signer) -> Iterable[tuple[str, Signer]]:
    return (("root", root), ("issuing", issuing))


def _context(role: str) -> bytes:
    """What a sealed key is bound to: it opens nowhere else."""
    return b"certificate-authority:" + role.encode()


def _new_key() -> Any:
    return ec.generate_private_key(ec.SECP384R1())


def _new_serial() -> int:
    return serial_of(secrets.token_bytes(SERIAL_BYTES))


def _signed(at: float, actor: str, issued: IssuedCertificate, replaces: str | None = None) -> sql.Insert:
    record = issued.record
    names = list(record.names)
    details = {"serial": record.serial, "names": names, "replaces": replaces}
    return audit_row(at, actor, "certificate.issued", record.holder, **details)


def _entry(record: CertificateRecord) -> Revoked:
    if record.until is not None and (record.revoked is None or record.until < record.revoked):
        return Revoked(record.serial, record.until, "cessation-of-operation")
    assert record.revoked is not None
    return Revoked(record.serial, record.revoked, record.reason)


def _replace(path: Path, data: bytes) -> None:
    """In one step, so that nobody reads half of it; public, for there is no secret in it."""
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
