"""CSRs: what a partner may send, and what an attacker does."""

from __future__ import annotations

import ipaddress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from stockade.certificates.names import BadName, check_dns, check_holder, is_within
from stockade.certificates.requests import MAX_REQUEST, BadSigningRequest, check_names, read_signing_request
from stockade.certificates.weakness import weakness
from tests.certificates.authority_kit import csr, new_key, openssl

KEY = new_key()
GOOD = csr(x509.DNSName("client.acme.example"), key=KEY)


@cache
def rsa_key(bits: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


def problems(data: bytes) -> str:
    with pytest.raises(BadSigningRequest) as raised:
        read_signing_request(data)
    return "\n".join(raised.value.problems)


def usage(**fields: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
        "crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: fields.get(name, False) for name in names.split()})


def test_a_good_one() -> None:
    request = read_signing_request(GOOD)
    assert request.dns == ("client.acme.example",)
    assert request.uris == ()
    der = x509.load_pem_x509_csr(GOOD).public_bytes(serialization.Encoding.DER)
    assert read_signing_request(der).key_digest == request.key_digest


def test_what_openssl_makes(tmp_path: Path) -> None:
    """With the extensions of its default configuration, which are harmless."""
    openssl(
        *("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "r.pem", "-subj", "/CN=acme"),
        *("-addext", "basicConstraints=CA:FALSE", "-addext", "keyUsage=digitalSignature,keyEncipherment"),
        *("-addext", "extendedKeyUsage=clientAuth", "-addext", "subjectAltName=DNS:a.example,URI:spiffe://x/y"),
        folder=tmp_path,
    )
    request = read_signing_request((tmp_path / "r.pem").read_bytes())
    assert (request.dns, request.uris) == (("a.example",), ("spiffe://x/y",))


def tampered() -> bytes:
    der = bytearray(x509.load_pem_x509_csr(GOOD).public_bytes(serialization.Encoding.DER))
    place = der.index(b"client.acme.example")
    der[place : place + 6] = b"victim"
    return bytes(der)


def other_key() -> bytes:
    """Somebody else's public key, signed for with one's own: no proof of possession."""
    mine = x509.load_pem_x509_csr(csr(key=new_key())).public_bytes(serialization.Encoding.DER)
    point = serialization.PublicFormat.UncompressedPoint
    points = [key.public_bytes(serialization.Encoding.X962, point) for key in (KEY.public_key(),)]
    own = x509.load_der_x509_csr(mine).public_key().public_bytes(serialization.Encoding.X962, point)
    return mine.replace(own, points[0])


ATTACKS: list[tuple[str, Any, str]] = [
    ("CA", csr(extensions=(x509.BasicConstraints(ca=True, path_length=None),)), "CA:TRUE"),
    ("signs", csr(extensions=(usage(key_cert_sign=True),)), "keyCertSign"),
    ("lists", csr(extensions=(usage(digital_signature=True, crl_sign=True),)), "cRLSign"),
    ("server", csr(extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),)), "serverAuth"),
    ("any", csr(extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),)), "anyExtended"),
    ("constraints", csr(extensions=(x509.NameConstraints([x509.DNSName("a.example")], None),)), "2.5.29.30"),
    ("odd", csr(extensions=(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"),)), "1.2.3.4"),
    ("address", csr(x509.IPAddress(ipaddress.ip_address("127.0.0.1"))), "neither DNS nor URI"),
    ("mail", csr(x509.RFC822Name("a@b.example")), "neither DNS nor URI"),
    ("wildcard", csr(x509.DNSName("*.acme.example")), "no wildcard"),
    ("NUL", csr(x509.DNSName("acme.example\0.evil.example")), "acme.example\\x00"),
    ("case", csr(x509.DNSName("Acme.example")), "lower case"),
    ("final dot", csr(x509.DNSName("acme.example.")), "no final dot"),
    ("blank", csr(x509.DNSName("acme.example ")), "not a DNS name"),
    ("traversal", csr(x509.DNSName("../../etc/passwd")), "not a DNS name"),
    ("number", csr(x509.DNSName("10.0.0.1")), "not a DNS name"),
    ("twice", csr(x509.DNSName("a.example"), x509.DNSName("a.example")), "a name twice"),
    ("many", csr(*(x509.DNSName(f"a{n}.example") for n in range(21))), "21 names; 20 are the most"),
    ("bad URI", csr(x509.UniformResourceIdentifier("spiffe://a/b\0c")), "is not a URI"),
    ("tampered", tampered(), "signature is wrong"),
    ("other key", other_key(), "signature is wrong"),
    ("P-521", csr(key=ec.generate_private_key(ec.SECP521R1())), "not P-256 or P-384"),
    ("K-256", csr(key=ec.generate_private_key(ec.SECP256K1())), "not P-256 or P-384"),
    ("RSA 1024", csr(key=rsa_key(1024)), "1024 bits; 2048 are the least"),
    ("RSA e=3", csr(key=rsa_key(2048, 3)), "public exponent"),
    ("huge", b" " * (MAX_REQUEST + 1), "are the most"),
    ("empty", b"", "this is no CSR"),
    ("two", GOOD + GOOD, "this is no CSR"),
    ("with a key", GOOD + b"-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n", "this is no CSR"),
    ("text before", b"Certificate Request:\n" + GOOD, "this is no CSR"),
    ("trailing", x509.load_pem_x509_csr(GOOD).public_bytes(serialization.Encoding.DER) + b"\0", "cannot be read"),
]


@pytest.mark.parametrize(("data", "said"), [pytest.param(d, s, id=n) for n, d, s in ATTACKS])
def test_attacks(data: bytes, said: str) -> None:
    assert said in problems(data)


def test_ed25519_is_not_what_the_gateway_takes() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    assert "P-256 or P-384" in problems(signed.public_bytes(serialization.Encoding.PEM))


def test_all_at_once() -> None:
    said = problems(csr(extensions=(x509.BasicConstraints(True, None), usage(key_cert_sign=True))))
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize(
    ("modulus", "exponent", "said"),
    [
        ((1 << 2047) + 15 * 3, 65537, "small factor"),
        ((1 << 2048) - 2, 65537, "small factor"),
        (((1 << 1024) - 105) ** 2, 65537, "so close"),
        (1 << 9000, 65537, "9001 bits; 4096 are the most"),
        ((1 << 2048) - 1942289, 65536, "public exponent"),
    ],
    ids=["factor", "even", "close", "long", "even exponent"],
)
def test_broken_rsa(modulus: int, exponent: int, said: str) -> None:
    class Key:
        def public_numbers(self) -> Any:
            return rsa.RSAPublicNumbers(exponent, modulus)

    rsa.RSAPublicKey.register(Key)
    assert said in weakness(Key())


def test_a_good_rsa_key() -> None:
    assert weakness(rsa_key(2048).public_key()) == ""


def test_only_the_holders_names() -> None:
    request = read_signing_request(csr(x509.DNSName("a.example"), x509.UniformResourceIdentifier("spiffe://t/a")))
    check_names(request, ["a.example"], ["spiffe://t/a"])
    with pytest.raises(BadSigningRequest) as raised:
        check_names(request, ["b.example"], ["spiffe://t/b"])
    assert len(raised.value.problems) == 2


@given(st.binary(max_size=300))
def test_noise(data: bytes) -> None:
    with pytest.raises(BadSigningRequest):
        read_signing_request(data)
    with pytest.raises(BadSigningRequest):
        read_signing_request(b"\x30" + data)


@given(st.data())
def test_one_byte_off(data: st.DataObject) -> None:
    """A changed CSR is refused, or is the same one written otherwise."""
    der = bytearray(x509.load_pem_x509_csr(GOOD).public_bytes(serialization.Encoding.DER))
    der[data.draw(st.integers(0, len(der) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadSigningRequest):
        read_signing_request(bytes(der))


NAMES = [
    "",
    "Acme",
    "acme corp",
    "ac\0me",
    "аcme",
    "../etc",
    "acme\n",
    "a" * 64,
    "-acme",
    "ａcme",
    "acme.example",
    "a/b",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_bad_holders(name: str) -> None:
    with pytest.raises(BadName) as raised:
        check_holder(name)
    assert str(raised.value).isprintable()


def test_names() -> None:
    assert check_holder("acme-2_b") == "acme-2_b"
    assert check_dns("xn--bcher-kva.example") == "xn--bcher-kva.example"
    assert is_within("a.b.example", "b.example")
    assert not is_within("ab.example", "b.example")


def test_hash_of_the_csr() -> None:
    assert "SHA-256 is the least" in problems(csr(digest=hashes.SHA224()))
