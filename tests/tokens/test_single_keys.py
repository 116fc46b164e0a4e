"""One public key in PEM, or one shared secret: taken, or refused with a way to mend it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from stockade.tokens import BadKeys, VerificationKeys, keys_from_pem, keys_from_secret


def kids(keys: VerificationKeys, alg: str, kid: str | None = None) -> list[str | None]:
    return [key.kid for key in keys.candidates(alg, kid)]


def spki(public: Any) -> bytes:
    return bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_pem(forge: Any) -> None:
    keys = keys_from_pem(forge.pem())
    assert [(key.kty, key.bits) for key in keys] == [("RSA", 2048)]
    assert len(keys.candidates("RS256", None)) == len(keys.candidates("PS512", "any")) == 1
    assert keys.knows("any")
    assert keys.candidates("HS256", None) == ()


def test_pem_of_every_kind(forge: Any) -> None:
    pkcs1 = forge.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert kids(keys_from_pem(pkcs1), "RS256") == [None]
    assert kids(keys_from_pem(spki(forge.ec["ES512"].public_key())), "ES512") == [None]
    assert kids(keys_from_pem(spki(forge.ed.public_key())), "Ed25519") == [None]


def test_pem_with_kid_and_algorithm(forge: Any) -> None:
    keys = keys_from_pem(forge.pem(), alg="RS256", kid="k")
    assert kids(keys, "RS256", "k") == ["k"]
    assert kids(keys, "RS256", "j") == kids(keys, "PS256") == []
    assert not keys.knows("j")


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        (lambda f: f.private_pem(), "this is a private key; keep it secret and use its public half: openssl"),
        (lambda f: f.pem() + f.pem(), "the file must hold exactly one PEM block"),
        (lambda f: b"", "the file must hold exactly one PEM block"),
        (lambda f: b"x" * 65537, "more than 65536"),
        (lambda f: f.pem().replace(b"M", b"N", 1), "the PEM block cannot be read"),
        (lambda f: b"-----BEGIN CERTIFICATE-----\n", "this is a certificate; take its key: openssl x509"),
        (lambda f: spki(rsa.generate_private_key(65537, 1024).public_key()), "the RSA modulus has 1024 bits"),
        (lambda f: spki(ec.generate_private_key(ec.SECP256K1()).public_key()), "this kind of key is not supported"),
        (lambda f: spki(ed448.Ed448PrivateKey.generate().public_key()), "this kind of key is not supported"),
        (lambda f: spki(dsa.generate_private_key(1024).public_key()), "this kind of key is not supported"),
    ],
)
def test_refused_pem(pem: Callable[[Any], bytes], message: str, forge: Any) -> None:
    with pytest.raises(BadKeys) as refused:
        keys_from_pem(pem(forge))
    assert message in str(refused.value)


def test_refused_algorithm_of_a_pem(forge: Any) -> None:
    for alg in ("HS256", "none", "ES256"):
        with pytest.raises(BadKeys, match="its algorithm does not fit"):
            keys_from_pem(forge.pem(), alg=alg)


def test_secret(forge: Any) -> None:
    assert kids(keys_from_secret(b"s" * 32), "HS256", "any") == [None]
    assert kids(keys_from_secret(b"s" * 64, alg="HS512", kid="k"), "HS512", "k") == ["k"]
    assert kids(keys_from_secret(b"s" * 64, alg="HS512", kid="k"), "HS256", "k") == []


def certificate(forge: Any) -> bytes:
    """A certificate in DER that the key signed itself."""
    name = x509.Name([])
    day = datetime(2030, 1, 1, tzinfo=UTC)
    unsigned = x509.CertificateBuilder(name, name, forge.ed.public_key(), 1, day, day)
    return unsigned.sign(forge.ed, None).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (lambda f: b"", "the secret has 0 bytes"),
        (lambda f: b"s" * 31, "the secret has 31 bytes"),
        (lambda f: f.pem(), "which is no secret"),
        (lambda f: b"\n\n" + f.pem(), "which is no secret"),
        (lambda f: f.private_pem()[:1000], "which is no secret"),
        (lambda f: b"ssh-ed25519 " + b"A" * 68, "which is no secret"),
        (lambda f: f.rsa.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "is no secret"),
        (lambda f: f.rsa.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1), "is no secret"),
        (certificate, "is no secret"),
        (lambda f: certificate(f).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"), "is no secret"),
    ],
)
def test_refused_secret(secret: Callable[[Any], bytes], message: str, forge: Any) -> None:
    with pytest.raises(BadKeys, match=message):
        keys_from_secret(secret(forge))


@given(data=st.data())
def test_any_secret_is_read_or_refused(data: st.DataObject, forge: Any) -> None:
    secret = bytearray(data.draw(st.binary(max_size=99) | st.just(certificate(forge))))
    for _ in range(data.draw(st.integers(0, min(4, len(secret))))):
        secret[data.draw(st.integers(0, len(secret) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadKeys):
        keys_from_secret(bytes(secret))


@given(data=st.data())
def test_a_broken_pem_is_read_or_refused(data: st.DataObject, forge: Any) -> None:
    pem = bytearray(spki(forge.ec["ES256"].public_key()))
    for _ in range(data.draw(st.integers(1, 4))):
        pem[data.draw(st.integers(0, len(pem) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadKeys):
        keys_from_pem(bytes(pem))
