"""Certificates over the admin API."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from stockade.certificates import CertificateRecord
from stockade.console.access import check_grant, check_partner
from stockade.console.operation import READ, WRITE, Asked, Body, Operation
from stockade.console.resources.fields import DurationText, Pem, Text, Texts, moment, seconds
from stockade.identity.certificates import Grant, IssuedCertificate

_HOLDER = ("holder",)


class NewCertificate(Body):
    """A CSR to sign, for a holder who is no partner."""

    holder: Text
    csr: Pem
    dns: Texts = Field([], description="DNS names that it may carry.")
    scopes: Texts = Field([])
    networks: Texts = Field([])
    lifetime: DurationText | None = None


class CertificateRenewal(Body):
    """How a certificate is replaced."""

    csr: Pem | None = Field(None, description="With a new key; default: the same key.")
    lifetime: DurationText | None = None
    overlap: DurationText | None = Field(None, description="How long the old one works; default: the policy's.")


class Revocation(Body):
    """Why a certificate is no longer good."""

    reason: Text = Field("unspecified", description="Of RFC 5280, section 5.3.1, as in key-compromise.")


def listed(asked: Asked) -> Any:
    records = asked.office.certificates.issued(asked.query.get("holder"))
    return {"certificates": [described(record, asked.at) for record in records]}


def signed(asked: Asked) -> Any:
    body: NewCertificate = asked.body
    check_grant(asked.caller, body.scopes)
    lifetime = seconds(body.lifetime, "lifetime", asked.office.loaded.config.certificates.lifetime)
    grant = Grant(body.holder, body.dns, tuple(body.networks), frozenset(body.scopes))
    made = asked.office.partners.sign_for_other(body.csr.encode(), grant, asked.at, lifetime, asked.caller.actor)
    return _given(made, asked.at)


def shown(asked: Asked) -> Any:
    record = asked.office.certificates.get(asked.path["serial"])
    return {**described(record, asked.at), "certificate": asked.office.certificates.store.pem(record.serial)}


def renewed(asked: Asked) -> Any:
    body: CertificateRenewal = asked.body
    section = asked.office.loaded.config.certificates
    record = asked.office.certificates.get(asked.path["serial"])
    check_grant(asked.caller, record.scopes)
    check_partner(asked, asked.office.partners.whose(record.holder))
    made = asked.office.certificates.renew(
        *(asked.path["serial"], asked.at),
        seconds(body.lifetime, "lifetime", section.lifetime),
        seconds(body.overlap, "overlap", section.overlap),
        asked.caller.actor,
        body.csr.encode() if body.csr is not None else None,
    )
    return _given(made, asked.at)


def revoked(asked: Asked) -> Any:
    body: Revocation = asked.body
    office, caller = asked.office, asked.caller
    check_grant(caller, office.certificates.get(asked.path["serial"]).scopes)
    record = office.certificates.revoke(asked.path["serial"], asked.at, caller.actor, body.reason)
    return described(record, asked.at)


def authority(asked: Asked) -> Any:
    return {"certificates": asked.office.certificates.bundle()}


def _given(made: IssuedCertificate, at: float) -> dict[str, Any]:
    return {**described(made.record, at), "certificate": made.pem}


def described(record: CertificateRecord, at: float) -> dict[str, Any]:
    return {
        "serial": record.serial,
        "holder": record.holder,
        "state": record.refusal(at) or ("renewed" if record.replaced_by is not None else "active"),
        "names": list(record.names),
        "scopes": sorted(record.scopes),
        "networks": list(record.networks),
        "start": moment(record.start),
        "end": moment(record.end if record.until is None else min(record.end, record.until)),
        "revoked": moment(record.revoked),
        "reason": record.reason,
        "replaced_by": record.replaced_by,
        "fingerprint": record.fingerprint,
    }


_ONE = "/certificates/{serial}"
_WHAT = "certificates"
OPERATIONS = (
    Operation("GET", "/certificates", _WHAT, READ, "All that was issued, or one holder's.", listed, query=_HOLDER),
    Operation("POST", "/certificates", _WHAT, WRITE, "Sign a CSR.", signed, NewCertificate, 201),
    Operation("GET", _ONE, _WHAT, READ, "One certificate.", shown),
    Operation("POST", f"{_ONE}/renew", _WHAT, WRITE, "A successor.", renewed, CertificateRenewal, 201),
    Operation("POST", f"{_ONE}/revoke", _WHAT, WRITE, "Revoke it, from the next request on.", revoked, Revocation),
    Operation("GET", "/authority", _WHAT, READ, "The certificates of root and issuing CA.", authority),
)
