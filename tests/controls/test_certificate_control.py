"""Client certificates: on the connection and forwarded, by rule, and forged."""

from __future__ import annotations

import datetime
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from stockade.certificates import CertificateRecord
from stockade.controls.authentication import Authentication, CertificateRule, ClientCertificates
from stockade.engine import drive
from stockade.networks import NetworkSet
from stockade.operations import OperationTable
from stockade.tokens import BadCertificate, read_certificate, read_forwarded
from stockade.vocabulary import Ask, Pass, Stop
from stockade.wire import Peer
from tests.exchanges import AT, Pairs, make_exchange, make_request, no_answer

PROXY, STRANGER = "192.0.2.1", "203.0.113.9"
SPIFFE = "spiffe://example.org/ns/shop/sa/web"


def certificate(*, uris: tuple[str, ...] = (SPIFFE,), days: float = 1) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.datetime.fromtimestamp(AT, datetime.UTC) - datetime.timedelta(days=1)
    names = [x509.DNSName("web.example"), *map(x509.UniformResourceIdentifier, uris)]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "web")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our CA")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1 + days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )


GOOD = certificate()
DER = GOOD.public_bytes(serialization.Encoding.DER)
PEM = GOOD.public_bytes(serialization.Encoding.PEM).decode()
RFC9440 = f":{b64encode(DER).decode()}:"
FINGERPRINT = GOOD.fingerprint(hashes.SHA256()).hex()
CONNECTED = Peer(STRANGER, "TLSv1.3", FINGERPRINT, "CN=web", "web.example", SPIFFE)


def verdict(
    scheme: ClientCertificates, peer: Peer, headers: Pairs = (), answer: Callable[[Ask[Any]], Any] = no_answer
) -> Any:
    control = Authentication(realm="shop", any_of=[scheme], anonymous=OperationTable(["GET /open"]))
    request = make_request("GET", "/orders", headers)
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    exchange = make_exchange(type(request)(**{**fields, "peer": peer}))
    return drive(control.on_request(exchange), answer)


def reason(said: Any) -> str:
    assert isinstance(said, Stop)
    return said.findings[-1].rule


def forwarding(*allow: CertificateRule) -> ClientCertificates:
    return ClientCertificates(allow=allow, header="client-cert", proxies=NetworkSet([PROXY]))


RULES = [
    (CertificateRule(), True),
    (CertificateRule(subject="CN=web"), True),
    (CertificateRule(subject="CN=w"), False),
    (CertificateRule(dns="*.example"), True),
    (CertificateRule(dns="web.example.evil"), False),
    (CertificateRule(spiffe="spiffe://example.org/ns/shop/*"), True),
    (CertificateRule(spiffe="spiffe://example.org/ns/other/*"), False),
    (CertificateRule(fingerprint=FINGERPRINT), True),
    (CertificateRule(fingerprint="0" * 64), False),
    (CertificateRule(subject="CN=web", dns="other.example"), False),
]


@pytest.mark.parametrize(("rule", "good"), RULES, ids=[f"rule {number}" for number in range(len(RULES))])
def test_rules(rule: CertificateRule, good: bool) -> None:
    for scheme, peer, headers in (
        (ClientCertificates(allow=(rule,)), CONNECTED, []),
        (forwarding(rule), Peer(PROXY), [("client-cert", RFC9440)]),
    ):
        said = verdict(scheme, peer, headers)
        assert isinstance(said, Pass) if good else reason(said) == "certificate-not-allowed"


@pytest.mark.parametrize(("issuer", "good"), [("CN=Our CA", True), ("CN=Their CA", False)])
def test_issuers_of_forwarded_certificates(issuer: str, good: bool) -> None:
    said = verdict(forwarding(CertificateRule(issuer=issuer)), Peer(PROXY), [("client-cert", RFC9440)])
    assert isinstance(said, Pass) == good


@pytest.mark.parametrize(
    ("rule", "name"), [(CertificateRule(name="shop front", dns="web.example"), "shop front"), (None, SPIFFE)]
)
def test_who_it_is(rule: CertificateRule | None, name: str) -> None:
    said = verdict(ClientCertificates(allow=(rule,) if rule else ()), CONNECTED)
    assert (said.principal.id, said.principal.kind, said.principal.credential) == (name, "certificate", FINGERPRINT)


HELD = CertificateRecord("7", FINGERPRINT, "web shop", start=AT - 9, end=AT + 9, scopes=frozenset({"read"}))
HERE, THERE = f"{STRANGER}/32", "198.51.100.0/24"
# name: (what we keep of the certificate, why it is refused)
KEPT: dict[str, tuple[CertificateRecord | None, str]] = {
    "from anywhere": (HELD, ""),
    "from where it may": (replace(HELD, networks=(THERE, HERE)), ""),
    "from elsewhere": (replace(HELD, networks=(THERE,)), "wrong-address"),
    "unknown": (None, "unknown"),
    "revoked": (replace(HELD, revoked=AT), "revoked"),
    "over": (replace(HELD, end=AT), "expired"),
    "its holder's time is over": (replace(HELD, until=AT), "expired"),
    "too early": (replace(HELD, start=AT + 1), "not-yet-valid"),
}


@pytest.mark.parametrize("name", KEPT)
def test_certificates_that_we_issued(name: str) -> None:
    record, refused = KEPT[name]
    said = verdict(ClientCertificates(issued=True), CONNECTED, answer=lambda ask: record)
    if refused:
        assert reason(said) == f"certificate-{refused}"
    else:
        assert (said.principal.id, said.principal.scopes) == ("web shop", {"read"})


def test_none() -> None:
    said = verdict(ClientCertificates(), Peer(STRANGER))
    assert (reason(said), said.findings[0].where) == ("credential-missing", "connection")


def test_only_a_trusted_proxy_may_forward() -> None:
    headers = [("client-cert", RFC9440)]
    assert reason(verdict(forwarding(), Peer(STRANGER), headers)) == "credential-missing"
    said = verdict(forwarding(), CONNECTED, headers)  # a certificate of its own is good
    assert said.edits.remove == ("client-cert",)  # and what it says of another goes no further
    own = Peer(PROXY, "TLSv1.3", "0" * 64, "CN=proxy")
    assert reason(verdict(forwarding(), own)) == "credential-missing"  # the proxy's is not its clients'


@pytest.mark.parametrize("text", [RFC9440, PEM.replace("\n", " "), quote(PEM), quote(PEM, safe="")])
def test_how_it_is_forwarded(text: str) -> None:
    assert read_forwarded(text).fingerprint == FINGERPRINT
    assert read_forwarded(text).issuer == "CN=Our CA"


MALFORMED = [
    "",
    ":",
    "::",
    ":AAAA:",
    "AAAA",
    RFC9440[:-1],
    RFC9440 + RFC9440,
    quote(PEM + PEM),
    "é",
    ":" + "A" * 20000 + ":",
]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_certificate(text: str) -> None:
    with pytest.raises(BadCertificate):
        read_forwarded(text)
    if text:
        assert reason(verdict(forwarding(), Peer(PROXY), [("client-cert", text)])) == "certificate-malformed"


def test_no_damaged_certificate_breaks_anything() -> None:
    refused = 0
    for place in range(0, len(DER), 3):
        try:
            read_certificate(DER[:place] + bytes([DER[place] ^ 0x55]) + DER[place + 1 :])
        except BadCertificate:
            refused += 1
    assert 10 < refused < len(DER) / 3  # damage to the signature alone, say, does not show in what is read


def test_times_of_a_forwarded_certificate() -> None:
    old = certificate(days=-0.5).public_bytes(serialization.Encoding.DER)
    said = verdict(forwarding(), Peer(PROXY), [("client-cert", f":{b64encode(old).decode()}:")])
    assert reason(said) == "certificate-expired"


def test_two_spiffe_ids_are_none() -> None:
    der = certificate(uris=(SPIFFE, f"{SPIFFE}2")).public_bytes(serialization.Encoding.DER)
    headers = [("client-cert", f":{b64encode(der).decode()}:")]
    assert reason(verdict(forwarding(CertificateRule(spiffe="*")), Peer(PROXY), headers)) == "certificate-not-allowed"
