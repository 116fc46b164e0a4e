"""What the authority issues, judged by openssl: chains, constraints, lists."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from stockade.certificates.authority import BadAuthority, Signer, issue, make_issuing, make_root, record_of, serial_of
from stockade.certificates.names import BadName, holder_uri
from stockade.certificates.requests import read_signing_request
from stockade.certificates.revocation import (
    BadRevocationList,
    Revoked,
    facts_of,
    make_list,
    read_lists,
    trouble_of_lists,
)
from tests.certificates.authority_kit import DAY, TRUST, Pair, csr, make_pair, new_key, openssl

NOW = time.time()
PAIR = make_pair(NOW)


def issued(pair: Pair, *names: str, serial: int = 77, at: float = NOW) -> x509.Certificate:
    request = read_signing_request(csr(*map(x509.DNSName, names)))
    return issue(pair.issuing, request, "acme", holder_uri(TRUST, "acme"), serial, at, 90 * DAY)


def put(folder: Path, pair: Pair, certificate: x509.Certificate) -> None:
    (folder / "ca.pem").write_bytes(pair.pem)
    (folder / "leaf.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def test_openssl_verifies_the_chain(tmp_path: Path) -> None:
    put(tmp_path, PAIR, issued(PAIR, "client.acme.example"))
    said = openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca.pem", "leaf.pem", folder=tmp_path)
    assert said == "leaf.pem: OK\n"
    refused = openssl("verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "leaf.pem", folder=tmp_path, status=2)
    assert "purpose" in refused
    text = openssl("x509", "-in", "leaf.pem", "-noout", "-text", folder=tmp_path)
    for wanted in (
        "Subject: CN = acme",
        "CA:FALSE",
        "Digital Signature",
        "TLS Web Client Authentication",
        f"URI:spiffe://{TRUST}/acme, DNS:client.acme.example",
        "X509v3 Authority Key Identifier",
        "X509v3 Subject Key Identifier",
    ):
        assert wanted in text
    assert "Server Authentication" not in text


def test_the_authorities_own_certificates(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(PAIR.root.pem)
    (tmp_path / "issuing.pem").write_bytes(PAIR.issuing.pem)
    said = openssl("verify", "-x509_strict", "-CAfile", "root.pem", "issuing.pem", folder=tmp_path)
    assert said == "issuing.pem: OK\n"
    text = openssl("x509", "-in", "issuing.pem", "-noout", "-text", folder=tmp_path)
    assert "CA:TRUE, pathlen:0" in text
    assert "Certificate Sign, CRL Sign" in text


def test_the_issuing_ca_makes_no_further_ca(tmp_path: Path) -> None:
    """Even with its key: pathlen:0 is for verifiers to hold."""
    below = make_issuing("Evil", new_key(), PAIR.issuing, 5, NOW, 10 * DAY, trust_domain="evil.example")
    evil = Pair(PAIR.root, below)
    put(tmp_path, Pair(PAIR.root, PAIR.issuing), issued(evil))
    (tmp_path / "between.pem").write_bytes(below.pem)
    said = openssl("verify", "-CAfile", "ca.pem", "-untrusted", "between.pem", "leaf.pem", folder=tmp_path, status=2)
    assert "path length constraint exceeded" in said


def test_name_constraints(tmp_path: Path) -> None:
    bound = make_pair(NOW, domains=("acme.example",))
    put(tmp_path, bound, issued(bound, "client.acme.example"))
    assert "OK" in openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "leaf.pem", folder=tmp_path)
    with pytest.raises(BadAuthority, match="constrained to acme"):
        issued(bound, "client.acme.example", "notacme.example")
    # What a thief of the key would make, verifiers refuse.
    free = Pair(bound.root, Signer(PAIR.issuing.certificate, bound.issuing.key))
    forged = issue(
        Signer(bound.issuing.certificate, bound.issuing.key),
        read_signing_request(csr()),
        "x",
        "spiffe://elsewhere.example/x",
        9,
        NOW,
        DAY,
    )
    put(tmp_path, Pair(free.root, bound.issuing), forged)
    said = openssl("verify", "-CAfile", "ca.pem", "leaf.pem", folder=tmp_path, status=2)
    assert "permitted subtree violation" in said


def test_openssl_believes_the_list(tmp_path: Path) -> None:
    leaf = issued(PAIR)
    put(tmp_path, PAIR, leaf)
    record = record_of(leaf, "acme")
    check = ("verify", "-crl_check_all", "-CAfile", "ca.pem", "-CRLfile", "ca.crl", "leaf.pem")
    root = make_list(PAIR.root, [], 1, NOW, DAY)
    (tmp_path / "ca.crl").write_bytes(make_list(PAIR.issuing, [Revoked("ab", NOW, "")], 1, NOW, DAY) + root)
    assert "OK" in openssl(*check, folder=tmp_path)
    mine = Revoked(record.serial, NOW, "key-compromise")
    (tmp_path / "ca.crl").write_bytes(make_list(PAIR.issuing, [mine], 2, NOW, DAY) + root)
    assert "certificate revoked" in openssl(*check, folder=tmp_path, status=2)
    text = openssl("crl", "-in", "ca.crl", "-noout", "-text", "-crlnumber", "-nextupdate", folder=tmp_path)
    assert "Key Compromise" in text
    assert "crlNumber=0x02" in text
    assert "nextUpdate=" in text


def test_lifetimes() -> None:
    leaf = issued(PAIR)
    record = record_of(leaf, "acme")
    assert record.end - NOW == pytest.approx(90 * DAY, abs=2)
    assert NOW - record.start == pytest.approx(300, abs=2), "for clocks that are behind"
    late = PAIR.issuing.end - DAY
    assert record_of(issued(PAIR, at=late), "acme").end <= PAIR.issuing.end
    with pytest.raises(BadAuthority, match="has expired"):
        issued(PAIR, at=PAIR.issuing.end)
    with pytest.raises(BadAuthority, match="outlive its root"):
        make_issuing("Shop", new_key(), PAIR.root, 2, NOW, 3660 * DAY - 9 * DAY, trust_domain=TRUST)
    for lifetime in (-1.0, 0.0, 400 * DAY, float("nan"), float("inf")):
        with pytest.raises(BadAuthority):
            issue(PAIR.issuing, read_signing_request(csr()), "acme", "spiffe://x/y", 3, NOW, lifetime)
        with pytest.raises(BadAuthority):
            make_root("Shop", new_key(), 1, NOW, lifetime * 100)


@pytest.mark.parametrize("title", ["", " Shop", "Sh\nop", "S" * 65, "Shop\0"], ids=range(5))
def test_titles(title: str) -> None:
    with pytest.raises(BadName):
        make_root(title, new_key(), 1, NOW, 100 * DAY)


def test_serial_numbers() -> None:
    assert serial_of(b"\xff" * 16) == (1 << 127) - 1
    assert serial_of(b"\0" * 16) == 1
    with pytest.raises(ValueError, match="16 random bytes"):
        serial_of(b"1234")


def test_no_key_in_a_repr() -> None:
    assert repr(PAIR.issuing) == "Signer(CN=Issuing CA,O=Shop)"


# Lists, before they are relied on.

ROOT_LIST = make_list(PAIR.root, [], 4, NOW, DAY)
ISSUER, ROOT = "CN=Issuing CA,O=Shop", "CN=Root CA,O=Shop"


def lists(number: int = 5, at: float = NOW, signer: Signer = PAIR.issuing) -> bytes:
    return ROOT_LIST + make_list(signer, [], number, at, DAY)


STRANGER = make_pair(NOW, serial=9)
LISTS = [
    pytest.param(lists(), "", id="good"),
    pytest.param(lists(4), "an older list would let revoked", id="older"),
    pytest.param(lists(5, NOW - 2 * DAY), "out of date", id="out of date"),
    pytest.param(lists(5, NOW + DAY), "from the future", id="future"),
    pytest.param(ROOT_LIST, f"no list that {ISSUER} signed", id="missing"),
    pytest.param(lists(9, signer=STRANGER.issuing), f"no list that {ISSUER} signed", id="forged"),
    pytest.param(lists(4) + lists(5), "2 lists of", id="two"),
    pytest.param(b"", "no revocation list in PEM", id="empty"),
    pytest.param(lists().replace(b"M", b"N", 9), "broken X509 CRL", id="broken"),
    pytest.param(b"-" * (17 << 20), "more than", id="huge"),
]


@pytest.mark.parametrize(("data", "said"), LISTS)
def test_lists_are_checked(data: bytes, said: str) -> None:
    found = trouble_of_lists(PAIR.pem, data, NOW, {ISSUER: 5, ROOT: 4})
    assert said in "\n".join(found) if said else found == []


def test_what_a_list_says() -> None:
    revoked = [Revoked(f"{n:x}", NOW, "superseded") for n in range(1, 4)]
    (crl,) = read_lists(make_list(PAIR.issuing, revoked, 12, NOW, DAY))
    facts = facts_of(crl)
    assert (facts.issuer, facts.number, facts.entries) == (ISSUER, 12, 3)
    assert facts.next_update == int(NOW) + DAY
    with pytest.raises(BadRevocationList):
        read_lists(b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
