"""`certificate:` client certificates."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from stockade.config.base import Model
from stockade.config.errors import written
from stockade.config.site import Site
from stockade.config.texts import HeaderName
from stockade.config.units import Flag
from stockade.controls.authentication import CertificateRule, ClientCertificates, Scheme
from stockade.networks import NetworkSet


def _fingerprint(text: object) -> object:
    if not isinstance(text, str):
        return text
    plain = text.replace(":", "").lower()
    if len(plain) != 64 or any(char not in "0123456789abcdef" for char in plain):
        raise ValueError(f"{written(text)} is not a SHA-256 fingerprint: openssl x509 -noout -fingerprint -sha256")
    return plain


class CertificateItem(Model):
    """A certificate that is good: all that is stated must fit; * stands for any text."""

    name: str = Field("", description="What its holder is called; default: its SPIFFE id, DNS name or subject.")
    subject: str = Field("", description='As in "CN=alice,O=Shop".')
    issuer: str = Field("", description="Of a forwarded certificate; on a connection client_ca says who may issue.")
    dns: str = Field("", description="A DNS name among its alternative names.")
    spiffe: str = Field("", description="Its SPIFFE id, as in spiffe://example.org/ns/shop/*")
    fingerprint: Annotated[str, BeforeValidator(_fingerprint)] = Field("", description="SHA-256 of it, in hex.")

    @model_validator(mode="after")
    def _something(self) -> CertificateItem:
        if not any((self.subject, self.issuer, self.dns, self.spiffe, self.fingerprint)):
            raise ValueError("state subject, issuer, dns, spiffe or fingerprint")
        return self


class CertificateScheme(Model):
    """Client certificates that the listener verified (`tls.client_ca`), or a trusted proxy."""

    allow: list[CertificateItem] = Field([], description="Which are good; empty: all that were verified.")
    issued: Flag = Field(
        False,
        description="Only those that `stockade certs` or `partners` issued, by their record; the holder is named.",
    )
    forwarded: HeaderName | None = Field(
        None, description="Header in which trusted_proxies forward it: Client-Cert (RFC 9440), or one with PEM."
    )
    forward: Flag = Field(False, description="Whether the upstream gets to see that header.")


def make_certificate(site: Site, item: CertificateScheme, *place: str | int) -> Scheme:
    proxies = site.api.firewall.trusted_proxies
    if item.forwarded is not None and not proxies:
        site.problem("forwarded needs firewall.trusted_proxies: from whom else is it believed?", *place, "forwarded")
    if item.forwarded is None and any(rule.issuer for rule in item.allow):
        text = "an issuer is known of forwarded certificates alone; on a connection tls.client_ca says who may issue"
        site.problem(text, *place, "allow")
    if item.issued:
        site.uses_database = True
    return ClientCertificates(
        allow=tuple(CertificateRule(**rule.model_dump()) for rule in item.allow),
        header=(item.forwarded or "").lower(),
        proxies=NetworkSet(proxies),
        forward=item.forward,
        issued=item.issued,
    )
