"""Client certificates: on the connection, verified by the data plane, or forwarded by a trusted proxy that did."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from stockade.certificates import CertificateRecord
from stockade.controls.authentication.scheme import Refused
from stockade.networks import NetworkSet
from stockade.tokens import BadCertificate, Certificate, read_forwarded
from stockade.vocabulary import Asking, Exchange, FindCertificate, Principal
from stockade.wire import Request

_read = lru_cache(maxsize=1024)(read_forwarded)  # a client's certificate comes with each of its requests


_networks = lru_cache(maxsize=1024)(NetworkSet)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Callable[[str], object]:
    """What fits a text in which `*` stands for any."""
    return re.compile(".*".join(map(re.escape, text.split("*")))).fullmatch


class CertificateRule(Struct, frozen=True):
    """What a certificate must be: all that is stated. `*` stands for any text; `name` is the principal."""

    name: str = ""
    subject: str = ""
    issuer: str = ""
    dns: str = ""
    spiffe: str = ""
    fingerprint: str = ""

    def fits(self, found: Certificate) -> bool:
        wanted = (
            (self.subject, (found.subject,)),
            (self.issuer, (found.issuer,)),
            (self.dns, found.dns),
            (self.spiffe, spiffe_ids(found)),
            (self.fingerprint, (found.fingerprint,)),
        )
        return all(any(map(_pattern(want), values)) for want, values in wanted if want)


def spiffe_ids(found: Certificate) -> tuple[str, ...]:
    """The one SPIFFE id; none where there are several names of that kind (X.509-SVID, section 2)."""
    return found.uris if len(found.uris) == 1 and found.uris[0].startswith("spiffe://") else ()


class ClientCertificates:
    """allow: rules, one of which must fit; none: any verified certificate. header: where `proxies` forward it.

    issued: it must be one that we issued and that is good still, which each request asks; its holder is the principal.
    """

    def __init__(
        self,
        *,
        allow: tuple[CertificateRule, ...] = (),
        header: str = "",
        proxies: NetworkSet | None = None,
        forward: bool = False,
        issued: bool = False,
    ) -> None:
        self.forward = forward
        self.carriers = (header,) if header else ()
        self._allow = allow
        self._header = header
        self._proxies = proxies or NetworkSet([])
        self._issued = issued

    def describe(self) -> str:
        told = f"client certificate ({len(self._allow)} rule(s))" if self._allow else "any verified client certificate"
        told += " of our own" if self._issued else ""
        return told + (f", also forwarded ({self._header})" if self._header else "")

    def find(self, request: Request) -> str | None:
        """The forwarded text, or the connection's digest. A trusted proxy's own certificate is not a caller's."""
        if self._header and request.peer.address in self._proxies:
            return request.headers.get(self._header)
        return request.peer.certificate or None

    def digest(self, exchange: Exchange) -> str:
        """SHA-256 of the caller's certificate, hex; empty for none. Tokens may be bound to it (RFC 8705)."""
        try:
            found = self._certificate(exchange.request)
        except BadCertificate:
            return ""
        return found.fingerprint if found is not None else ""

    def _certificate(self, request: Request) -> Certificate | None:
        text = self.find(request)
        if text is None:
            return None
        if self._header and request.peer.address in self._proxies:
            return _read(text)
        peer = request.peer
        dns, uris = (tuple(filter(None, (name,))) for name in (peer.dns, peer.uri))
        return Certificate(peer.certificate, peer.subject, "", dns, uris)

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:  # noqa: ARG002 - a Scheme's
        where = f"header:{self._header}" if self._header else "connection"
        try:
            found = self._certificate(exchange.request)
        except BadCertificate:
            return Refused("certificate-malformed", where)
        assert found is not None
        if not found.start <= exchange.request.at <= found.end:
            return Refused("certificate-expired", where, found.fingerprint[:16])
        rule = next((rule for rule in self._allow if rule.fits(found)), None)
        if rule is None and self._allow:
            return Refused("certificate-not-allowed", where, found.fingerprint[:16])
        if self._issued:
            return (yield from self._holder(found.fingerprint, exchange, where))
        names = (rule.name if rule is not None else "", *spiffe_ids(found), *found.dns, found.subject)
        return Principal(next(filter(None, names), found.fingerprint), "certificate", found.fingerprint)

    def _holder(self, fingerprint: str, exchange: Exchange, where: str) -> Asking[Principal | Refused]:
        """By our own record of the certificate: who holds it, from where, and whether it is good still."""
        record: CertificateRecord | None = yield FindCertificate(fingerprint)
        if record is None:
            return Refused("certificate-unknown", where, fingerprint[:16])
        refusal = record.refusal(exchange.request.at)
        if refusal is not None:
            return Refused(f"certificate-{refusal}", where, fingerprint[:16])
        if record.networks and exchange.client not in _networks(record.networks):
            return Refused("certificate-wrong-address", where, fingerprint[:16])
        return Principal(record.holder, "certificate", fingerprint, record.scopes)

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:  # noqa: ARG002 - a Scheme's
        return (f'Certificate realm="{realm}"',)
