"""The life of a partner: onboarded with key or certificate in one go, changed, renewed, offboarded all at once.

All that a partner holds bears its name: API keys as their owner, certificates as their holder. Each carries the
networks, scopes and the end of the partner's time itself, so that every API holds it to them; a change of the terms
changes all of them in the same transaction, and the end ends all of them in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct, structs

from stockade.certificates import CertificateRecord, Partner
from stockade.certificates.names import check_dns, check_holder
from stockade.identity.api_keys import ApiKeys, Issued, check_scopes
from stockade.identity.certificates import Certificates, Grant, IssuedCertificate
from stockade.networks import NetworkSet
from stockade.stores import Conflict, PartnerStore
from stockade.stores.audit import AuditRow, audit_row, read_audit
from stockade.stores.certificates import CERTIFICATE_NAMES, CERTIFICATES, certificate_records
from stockade.stores.keys import API_KEYS
from stockade.stores.partners import PARTNER_CLIENTS, PARTNERS, partner_row
from stockade.tokens import ApiKeyRecord

MOST_QUOTA: Final = 10**12
_MOST_LISTED: Final = 100  # networks, names, scopes, clients
EndClients = Callable[[Iterable[str], float], Iterable[sql.Executable]]
"""The statements by which OAuth clients, and all tokens of theirs, end at a time: the token service's to say."""


class NoSuchPartner(LookupError):
    """Nobody of that name is a partner."""


class PartnerExists(ValueError):
    """The name, or something that shall be the partner's alone, is taken."""


class BadTerms(ValueError):
    """Terms that cannot be; the message says which and why."""


class Wanted(Struct, frozen=True):
    """What a partner gets in one go. csr: of the certificate; None: none. lifetime: of the certificate, seconds."""

    key: bool = False
    csr: bytes | None = None
    lifetime: float = 90 * 86400.0


NOTHING: Final = Wanted()


class Credentials(Struct, frozen=True):
    """What a partner got; the key's text is shown once."""

    partner: Partner
    key: Issued | None = None
    certificate: IssuedCertificate | None = None


class Holdings(Struct, frozen=True):
    """All that is known of a partner."""

    partner: Partner
    keys: list[ApiKeyRecord]
    certificates: list[CertificateRecord]
    clients: list[str]
    audit: list[AuditRow]


class Ended(Struct, frozen=True):
    """How many credentials ended with a partner."""

    partner: Partner
    keys: int
    certificates: int
    clients: int


def _no_clients(_clients: Iterable[str], _at: float) -> Iterable[sql.Executable]:
    return ()


class Partners:
    """Times are epoch seconds, handed in. actor: who does it, for the audit. certificates: None: none are issued."""

    def __init__(
        self,
        store: PartnerStore,
        keys: ApiKeys,
        certificates: Certificates | None = None,
        end_clients: EndClients = _no_clients,
    ) -> None:
        self._store = store
        self._database = store.database
        self._keys = keys
        self._certificates = certificates
        self._end_clients = end_clients

    # Onboarding and changes.

    def add(
        self, partner: Partner, at: float, actor: str, wanted: Wanted = NOTHING, clients: Sequence[str] = ()
    ) -> Credentials:
        """All of it or nothing. A name that was offboarded may come again; what it once held stays ended.

        Raises BadTerms, BadName, BadNetwork, PartnerExists, and as `Certificates.sign` does.
        """
        partner = structs.replace(_checked(partner, at), created=at, ended=None)
        known = self._store.get(partner.name)
        if known is not None and known.ended is None:
            raise PartnerExists(f"{partner.name} is a partner already: stockade partners show {partner.name}")
        if any(self._working(partner.name, at)):
            text = "somebody who is no partner holds working credentials under that name: revoke them, or take another"
            raise PartnerExists(f"{partner.name}: {text}")
        issued, statements = self._issue(partner, at, wanted)
        names = [sql.insert(CERTIFICATE_NAMES).values(name=name, holder=partner.name) for name in partner.names]
        theirs = [sql.insert(PARTNER_CLIENTS).values(client=each, partner=partner.name) for each in clients]
        row = partner_row(partner)
        told = audit_row(at, actor, "partner.added", partner.name, **_terms(row))
        forget = sql.delete(PARTNERS).where(PARTNERS.c.name == partner.name, PARTNERS.c.ended.is_not(None))
        try:
            self._database.write(
                forget,
                sql.insert(PARTNERS).values(**row),
                *names,
                *theirs,
                *statements,
                *_told(issued, at, actor),
                told,
            )
        except Conflict:
            raise PartnerExists(
                f"{partner.name}, one of its DNS names or one of its clients is somebody else's already"
            ) from None
        return issued

    def change(self, name: str, at: float, actor: str, **terms: Any) -> Partner:
        """New terms (fields of `Partner`), for the partner and for all that it holds, from the next request on.

        A later expiry does not lengthen certificates: renew those. Raises NoSuchPartner, BadTerms, BadNetwork, BadName,
        PartnerExists where a DNS name is taken.
        """
        old = self.find(name)
        new = _checked(structs.replace(old, **terms), at if "expires" in terms else None)
        changed = {key: value for key, value in _terms(partner_row(new)).items() if partner_row(old)[key] != value}
        names: list[sql.Executable] = [sql.delete(CERTIFICATE_NAMES).where(CERTIFICATE_NAMES.c.holder == name)]
        names += [sql.insert(CERTIFICATE_NAMES).values(name=each, holder=name) for each in new.names]
        where = sql.update(PARTNERS).where(PARTNERS.c.name == name, PARTNERS.c.ended.is_(None))
        try:
            self._database.write(
                *(names if new.names != old.names else ()),
                *self._stamp(new, at),
                audit_row(at, actor, "partner.changed", name, **changed),
                where.values(**partner_row(new)),
            )
        except Conflict:
            raise PartnerExists("one of the DNS names is somebody else's already") from None
        self._write_lists(at)
        return new

    def _stamp(self, partner: Partner, at: float) -> list[sql.Executable]:
        """The partner's terms, on all of its keys and certificates that work."""
        stamps = {"networks": list(partner.networks), "scopes": sorted(partner.scopes)}
        keys = sql.update(API_KEYS).where(API_KEYS.c.owner == partner.name, _open(API_KEYS, at))
        certificates = sql.update(CERTIFICATES).where(CERTIFICATES.c.holder == partner.name, _open(CERTIFICATES, at))
        return [
            keys.values(**stamps, expires=partner.expires),
            certificates.values(**stamps, until=partner.expires),
        ]

    def renew(
        self, name: str, at: float, actor: str, wanted: Wanted, *, expires: float | None = None, overlap: float = 0.0
    ) -> Credentials:
        """A longer time, and new credentials; those of the same kind work for `overlap` seconds more.

        Raises as `change` and `add` do.
        """
        if expires is not None:
            self.change(name, at, actor, expires=expires)
        partner = self.find(name)
        if partner.refusal(at) is not None:
            raise BadTerms(f"{name}'s time is over; say until when it shall go on (expires)")
        issued, statements = self._issue(partner, at, wanted)
        ends = at + overlap
        ending: list[sql.Executable] = []
        if wanted.key:
            where = (API_KEYS.c.owner == name, _open(API_KEYS, ends))
            ending.append(sql.update(API_KEYS).where(*where).values(revoked=ends))
        if wanted.csr is not None:
            where = (CERTIFICATES.c.holder == name, _open(CERTIFICATES, ends))
            ending.append(sql.update(CERTIFICATES).where(*where).values(revoked=ends, reason="superseded"))
        told = audit_row(at, actor, "partner.renewed", name, expires=partner.expires)
        self._database.write(*ending, *statements, *_told(issued, at, actor), told)
        self._write_lists(at)
        return issued

    def remove(self, name: str, at: float, actor: str) -> Ended:
        """The end of all that it holds, in one transaction: from the next request on, nothing of it is good.

        Raises NoSuchPartner.
        """
        partner = self.find(name)
        clients = self._store.clients_of(name)
        keys, certificates = (sum(1 for _ in each) for each in self._working(name, at, apart=True))
        self._database.write(
            sql.update(API_KEYS).where(API_KEYS.c.owner == name, _open(API_KEYS, at)).values(revoked=at),
            sql.update(CERTIFICATES)
            .where(CERTIFICATES.c.holder == name, _open(CERTIFICATES, at))
            .values(revoked=at, reason="cessation-of-operation"),
            *self._end_clients(clients, at),
            sql.delete(CERTIFICATE_NAMES).where(CERTIFICATE_NAMES.c.holder == name),
            sql.delete(PARTNER_CLIENTS).where(PARTNER_CLIENTS.c.partner == name),
            audit_row(
                *(at, actor, "partner.removed", name), keys=keys, certificates=certificates, clients=list(clients)
            ),
            sql.update(PARTNERS).where(PARTNERS.c.name == name).values(ended=at),
        )
        self._write_lists(at)
        return Ended(structs.replace(partner, ended=at), keys, certificates, len(clients))

    def sign_for_other(self, csr: bytes, grant: Grant, at: float, lifetime: float, actor: str) -> IssuedCertificate:
        """For a holder who is no partner. Raises PartnerExists where it is one, and as `Certificates.sign` does."""
        assert self._certificates is not None
        partner = self._store.get(grant.holder)
        if partner is not None and partner.ended is None:
            raise PartnerExists(f"{grant.holder} is a partner: stockade partners renew {grant.holder} --csr …")
        return self._certificates.sign(csr, grant, at, lifetime, actor)

    # What is known.

    def find(self, name: str) -> Partner:
        """Raises NoSuchPartner, also for one that was offboarded."""
        partner = self._store.get(name)
        if partner is None:
            raise NoSuchPartner(f"nobody of the name {name[:64]!a} is a partner")
        if partner.ended is not None:
            raise NoSuchPartner(f"{name} is no partner any more")
        return partner

    def whose(self, holder: str = "", *, client: str = "") -> Partner | None:
        """The partner that a holder of credentials is, or whose an OAuth client is; None: nobody's, as most are."""
        partner = self._store.of_client(client) if client else self._store.get(holder)
        return partner if partner is not None and partner.ended is None else None

    def show(self, name: str) -> Holdings:
        """Also of one that was offboarded. Raises NoSuchPartner."""
        partner = self._store.get(name) or self.find(name)
        keys = [record for record in self._keys.list() if record.owner == name]
        return Holdings(
            partner, keys, self._certificates_of(name), self._store.clients_of(name), read_audit(self._database, name)
        )

    def all(self) -> list[Partner]:
        """By name."""
        return self._store.all()

    def _certificates_of(self, name: str) -> list[CertificateRecord]:
        columns = [column for column in CERTIFICATES.c if column.name != "pem"]
        statement = sql.select(*columns).where(CERTIFICATES.c.holder == name).order_by(CERTIFICATES.c.start)
        return certificate_records(self._database.read(statement))

    def _working(self, name: str, at: float, *, apart: bool = False) -> list[Any]:
        """Keys and certificates under that name that are good at that time; apart: one list for each."""
        keys = [record for record in self._keys.list() if record.owner == name and record.refusal(at) is None]
        certificates = [record for record in self._certificates_of(name) if record.refusal(at) is None]
        return [keys, certificates] if apart else [*keys, *certificates]

    # Issuing.

    def _issue(self, partner: Partner, at: float, wanted: Wanted) -> tuple[Credentials, list[sql.Executable]]:
        statements: list[sql.Executable] = []
        key, certificate = None, None
        if wanted.csr is not None:
            if self._certificates is None:
                raise BadTerms("there is no certificate authority yet: stockade certs init")
            grant = Grant(partner.name, partner.names, partner.networks, frozenset(partner.scopes), partner.expires)
            request = self._certificates.read(wanted.csr, grant)
            certificate, statements = self._certificates.prepare(request, grant, at, wanted.lifetime)
        if wanted.key:
            key, statement = self._keys.prepare(
                partner.name, at, scopes=partner.scopes, networks=partner.networks, expires=partner.expires
            )
            statements.append(statement)
        return Credentials(partner, key, certificate), statements

    def _write_lists(self, at: float) -> None:
        if self._certificates is not None and self._certificates.store.authorities():
            self._certificates.write_lists(at)


def _open(table: sql.Table, at: float) -> sql.ColumnElement[bool]:
    """Rows that are not revoked at that time."""
    return sql.or_(table.c.revoked.is_(None), table.c.revoked > at)


def _terms(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in row if name not in ("name", "created", "ended")}


def _told(issued: Credentials, at: float, actor: str) -> list[sql.Insert]:
    """For the audit: what was issued, by its id."""
    told = []
    if issued.key is not None:
        told.append(audit_row(at, actor, "key.issued", issued.partner.name, id=issued.key.record.id))
    if issued.certificate is not None:
        serial = issued.certificate.record.serial
        told.append(audit_row(at, actor, "certificate.issued", issued.partner.name, serial=serial))
    return told


def _checked(partner: Partner, at: float | None) -> Partner:
    """at: when the expiry must still be to come. Raises BadTerms, BadName, BadNetwork."""
    check_holder(partner.name)
    contact = partner.contact
    if len(contact) > 256 or not contact.isprintable():
        raise BadTerms("the contact has 256 printable characters at the most")
    for what, listed in (("networks", partner.networks), ("names", partner.names), ("scopes", partner.scopes)):
        if len(listed) > _MOST_LISTED or len(set(listed)) < len(listed):
            raise BadTerms(f"{what}: {_MOST_LISTED} at the most, and each once")
    NetworkSet(partner.networks)
    check_scopes(partner.scopes)
    for name in partner.names:
        check_dns(name)
    if partner.quota is not None and not 0 < partner.quota[0] <= MOST_QUOTA:
        raise BadTerms(f"a quota is from 1 to {MOST_QUOTA} requests")
    if at is not None and partner.expires is not None and not at < partner.expires:
        raise BadTerms("the expiry must lie in the future")
    return partner
