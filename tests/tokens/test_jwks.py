"""Sets of keys: which are taken, skipped and refused, and which answer for a token."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.tokens import ALGORITHMS, BadKeys, VerificationKeys, parse_jwks
from stockade.tokens.roca import is_roca
from stockade.tokens.signatures import check_rsa_numbers


def kids(keys: VerificationKeys, alg: str, kid: str | None = None) -> list[str | None]:
    return [key.kid for key in keys.candidates(alg, kid)]


def rsa_jwk(forge: Any, bits: int, exponent: int = 65537) -> dict[str, Any]:
    """A JWK of that many bits; not a real key, which is not looked at."""
    modulus = (1 << bits) - 1
    size = (exponent.bit_length() + 7) // 8
    return {
        "kty": "RSA",
        "n": forge.b64(modulus.to_bytes((bits + 7) // 8, "big")),
        "e": forge.b64(exponent.to_bytes(size, "big")),
    }


def test_candidates_fit_by_type_curve_and_length(forge: Any) -> None:
    short = forge.jwk("short", kty="oct", k=forge.b64(bytes(32)))
    keys = parse_jwks(
        forge.jwks(*map(forge.jwk, ("rsa", "ec-ES256", "ec-ES384", "ec-ES512", "ed", "oct")), short), secrets="mixed"
    )
    fitting = {alg: kids(keys, alg) for alg in ALGORITHMS}
    assert fitting == {
        **{key: ["rsa"] for key in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
        "ES256": ["ec-ES256"],
        "ES384": ["ec-ES384"],
        "ES512": ["ec-ES512"],
        "EdDSA": ["ed"],
        "Ed25519": ["ed"],
        "HS256": ["oct", "short"],
        "HS384": ["oct"],  # RFC 7518, section 3.2: the secret is no shorter than the hash
        "HS512": ["oct"],
    }
    assert kids(keys, "none") == kids(keys, "") == kids(keys, "ES256K") == []


def test_a_key_never_serves_an_algorithm_that_does_not_fit(forge: Any) -> None:
    (key,) = forge.keys("oct")
    assert key.verifies("HS256", b"m", forge.sign("HS256", b"m"))
    for alg in set(ALGORITHMS) - {"HS256"} | {"none", ""}:
        assert not key.verifies(alg, b"m", forge.sign("HS256", b"m"))
        assert not key.verifies(alg, b"m", b"")


def test_a_stated_algorithm_is_the_only_one(forge: Any) -> None:
    keys = parse_jwks(forge.jwks(forge.jwk("rsa", alg="PS256"), forge.jwk("rsa-2", alg="RS256"), forge.jwk("rsa-3")))
    assert kids(keys, "PS256") == ["rsa", "rsa-3"]
    assert kids(keys, "RS256") == ["rsa-2", "rsa-3"]
    assert kids(keys, "RS256", "rsa") == []


def test_kid_admits_no_other_key(forge: Any) -> None:
    listed = forge.jwks(forge.jwk("rsa"), {**forge.jwk("ed"), "kid": ""}, forge._public("oct"))
    keys = parse_jwks(listed, secrets="mixed")
    assert kids(keys, "RS256", "rsa") == ["rsa"]
    assert keys.knows("rsa")
    assert kids(keys, "RS256", "gone") == []
    assert not keys.knows("gone")
    assert kids(keys, "HS256", "oct") == []
    assert kids(keys, "HS256") == [None]
    assert kids(keys, "EdDSA", "") == [""]
    assert keys.knows("")
    assert keys.knows(None)


def test_at_most_five_candidates(forge: Any) -> None:
    keys = parse_jwks(forge.jwks(*(forge.jwk(f"rsa-{n}") for n in range(9))))
    assert kids(keys, "RS256") == [f"rsa-{n}" for n in range(5)]
    assert kids(keys, "RS256", "rsa-8") == ["rsa-8"]
    assert len(keys) == len(list(keys)) == 9


def test_an_empty_set_is_believed(forge: Any) -> None:
    keys = parse_jwks(forge.jwks())
    assert len(keys) == 0
    assert not keys.knows("rsa")
    assert kids(keys, "RS256") == []


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        (lambda f: f.jwk("rsa", use="enc"), "it is not for signatures"),
        (lambda f: f.jwk("rsa", key_ops=["encrypt"]), "it is not for signatures"),
        (lambda f: f.jwk("rsa", key_ops=[]), "it is not for signatures"),
        (lambda f: f.jwk("rsa", alg="RSA-OAEP-256"), "its algorithm is not supported"),
        (lambda f: f.jwk("rsa", alg="none"), "its algorithm is not supported"),
        (lambda f: f.jwk("ec-ES256", crv="secp256k1"), "its curve is not supported"),
        (lambda f: {"kty": "OKP", "crv": "X25519", "x": "AAAA"}, "its curve is not supported"),
        (lambda f: {"kty": "OKP", "crv": "Ed448", "x": "AAAA"}, "its curve is not supported"),
        (lambda f: {"kty": "EC"}, "its curve is not supported"),
        (lambda f: {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}, "this key type is unknown"),
        (lambda f: {"kty": "rsa"}, "this key type is unknown"),
    ],
)
def test_skipped(jwk: Callable[[Any], dict[str, Any]], why: str, forge: Any) -> None:
    """RFC 7517, section 5: what is not understood is ignored, and does not spoil the rest."""
    keys = parse_jwks(forge.jwks(jwk(forge), forge.jwk("ed")))
    assert [key.kid for key in keys] == ["ed"]
    assert len(keys.skipped) == 1
    assert keys.skipped[0].startswith("keys[0]")
    assert keys.skipped[0].endswith(": " + why)


def test_a_key_that_is_skipped_does_not_use_up_its_kid(forge: Any) -> None:
    assert kids(parse_jwks(forge.jwks(forge.jwk("rsa", use="enc"), forge.jwk("rsa"))), "RS256") == ["rsa"]


@pytest.mark.parametrize(
    ("jwk", "message"),
    [
        (lambda f: f.jwk("rsa", d="AAAA"), "keys[1] (kid 'rsa'): this is a private key"),
        (lambda f: f.jwk("rsa", use="enc", qi="AAAA"), "keys[1] (kid 'rsa'): this is a private key"),
        (lambda f: f.jwk("rsa", oth=[]), "this is a private key"),
        (lambda f: f.jwk("ec-ES256", d="AAAA"), "this is a private key"),
        (lambda f: {"kty": "OKP", "crv": "X25519", "x": "AAAA", "d": "AAAA"}, "keys[1]: this is a private key"),
        (lambda f: rsa_jwk(f, 2047), "the RSA modulus has 2047 bits; issue a key of 2048 to 8192 bits"),
        (lambda f: rsa_jwk(f, 1024), "the RSA modulus has 1024 bits"),
        (lambda f: rsa_jwk(f, 8193), "the RSA modulus has 8193 bits"),
        (lambda f: rsa_jwk(f, 2048, 1), "the RSA exponent or modulus is unsafe"),
        (lambda f: rsa_jwk(f, 2048, 4), "the RSA exponent or modulus is unsafe"),
        (lambda f: rsa_jwk(f, 2048, (1 << 65) + 1), "the RSA exponent or modulus is unsafe"),
        (lambda f: f.jwk("rsa", n=f.b64(b"\xff" * 255 + b"\xfe")), "the RSA exponent or modulus is unsafe"),
        (lambda f: f.jwk("rsa", n=f.jwk("rsa")["n"] + "=="), '"n" is not base64url without padding'),
        (lambda f: f.jwk("rsa", n="é"), '"n" is not base64url without padding'),
        (lambda f: f.jwk("rsa", n=[1]), '"n" is missing or no text'),
        (lambda f: f.jwk("rsa", e=""), '"e" is missing or no text'),
        (
            lambda f: f.jwk("rsa", alg="ES256"),
            "its algorithm does not fit a key of this type and length; state one of RS256",
        ),
        (lambda f: f.jwk("ec-ES256", alg="ES384"), "state one of ES256"),
        (lambda f: f.jwk("ec-ES256", y=f.jwk("ec-ES256")["x"]), '"x" and "y" are no point on P-256; issue a new key'),
        (lambda f: f.jwk("ec-ES256", x=f.b64(bytes(32)), y=f.b64(bytes(32))), "are no point on P-256"),
        (lambda f: f.jwk("ec-ES256", x=f.b64(bytes(31))), '"x" must hold 32 bytes on P-256'),
        (lambda f: f.jwk("ec-ES256", crv="P-384"), '"x" must hold 48 bytes on P-384'),
        (lambda f: f.jwk("ed", x=f.b64(bytes(33))), '"x" must hold 32 bytes on Ed25519'),
        (lambda f: f.jwk("oct", k=f.b64(b"s" * 31)), "the secret has 31 bytes; use 32 to 1024"),
        (lambda f: f.jwk("oct", k=f.b64(b"s" * 1025)), "the secret has 1025 bytes"),
        (lambda f: f.jwk("oct", k=f.b64(b"s" * 32), alg="HS512"), "state one of HS256"),
        (lambda f: f.jwk("oct", k=f.b64(f.pem())), "the secret is a public key or certificate"),
        (lambda f: f.jwk("first"), "two keys share the kid 'first'; give each its own"),
        (lambda f: f.jwk("rsa", kid=7), '"kid" must be text'),
        (lambda f: f.jwk("rsa", use=None), '"use" must be text'),
        (lambda f: f.jwk("rsa", key_ops="verify"), '"key_ops" must be a list'),
        (lambda f: {"n": "AAAA"}, '"kty" is missing'),
        (lambda f: "rsa", "keys[1]: not a JSON object"),
        (lambda f: f.jwk("oct\n" + "x" * 99, k="AAAA"), "keys[1] (kid 'oct\\n" + "x" * 60 + "')"),
    ],
)
def test_refused(jwk: Callable[[Any], Any], message: str, forge: Any) -> None:
    first = {**forge.jwk("oct"), "kid": "first"}
    with pytest.raises(BadKeys) as refused:
        parse_jwks(forge.jwks(first, jwk(forge)))
    assert message in str(refused.value)
    assert str(refused.value).count(";") >= 1 or "private" in message, "says how to mend it"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the JWKS is not a valid JSON object; it must read"),
        (b"<!doctype html>", "the JWKS is not a valid JSON object"),
        (b"[]", "the JWKS is not a valid JSON object"),
        (b"{}", 'the JWKS has no list "keys"'),
        (b'{"keys":{}}', 'the JWKS has no list "keys"'),
        (b'{"kty":"RSA"}', "this is a single key, wrap it"),
        (b'{"keys":[],"keys":[]}', "the JWKS is a document with duplicate members"),
        (b'{"keys":[{"kty":"oct","kty":"RSA"}]}', "duplicate members"),
        (b'{"keys":' + b"[" * 20 + b"]" * 20 + b"}", "nested too deeply"),
        (b'{"keys":' + b"[" * 500_000, "not a valid JSON object"),
        (b'{"keys":[' + b",".join([b"{}"] * 1001) + b"]}", "the JWKS has 1001 keys, more than 1000"),
        (b" " * (1024 * 1024 + 1), "the JWKS has 1048577 bytes, more than 1048576"),
        (b'{"keys":[NaN]}', "not a valid JSON object"),
        (b'\xef\xbb\xbf{"keys":[]}', "not a valid JSON object"),
        (b'{"keys":["\xff"]}', "not a valid JSON object"),
    ],
)
def test_refused_document(data: bytes, message: str) -> None:
    with pytest.raises(BadKeys) as refused:
        parse_jwks(data)
    assert message in str(refused.value)


def test_a_thousand_keys_are_taken(forge: Any) -> None:
    keys = parse_jwks(forge.jwks(*(forge.jwk(f"rsa-{n}") for n in range(1000))))
    assert len(keys) == 1000
    assert kids(keys, "RS256", "rsa-999") == ["rsa-999"]


def test_nothing_secret_is_shown(forge: Any) -> None:
    keys = forge.keys("oct", "rsa")
    assert repr(keys) == (
        "VerificationKeys(<VerificationKey oct, 512 bits, kid 'oct'>, <VerificationKey RSA, 2048 bits, kid 'rsa'>)"
    )
    assert repr(forge.secret) not in str([key.__rich_repr__() for key in keys])
    secret = "c2VjcmV0LXNlY3JldA"
    for bad in (forge.jwk("oct", k=secret), forge.jwk("oct", k=secret + "="), forge.jwk("rsa", d=secret)):
        with pytest.raises(BadKeys) as refused:
            parse_jwks(forge.jwks(bad))
        assert secret not in str(refused.value)
        assert "secret-secret" not in str(refused.value)


MEMBERS = ("kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y", "k", "d")
VALUES = st.sampled_from(
    [
        "RSA",
        "EC",
        "OKP",
        "oct",
        "sig",
        "enc",
        "P-256",
        "Ed25519",
        "RS256",
        "HS256",
        "AQAB",
        "A" * 43,
        "A" * 342,
        "A" * 341 + "Q",
    ]
)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: json.dumps({"keys": text}).encode()))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(BadKeys):
        parse_jwks(data)


@given(
    st.lists(st.dictionaries(st.sampled_from(MEMBERS), VALUES | st.none() | st.lists(VALUES, max_size=2) | st.text()))
)
def test_a_bad_key_is_skipped_or_spoils_the_set(forge: Any, listed: list[dict[str, Any]]) -> None:
    """Never is a key lost without a word, least of all the good one among them."""
    try:
        keys = parse_jwks(forge.jwks(forge.jwk("ed"), *listed), secrets="mixed")
    except BadKeys:
        return
    assert kids(keys, "EdDSA", "ed") == ["ed"]
    assert len(keys) + len(keys.skipped) == 1 + len(listed)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"kty": st.text().filter(lambda kty: kty not in ("RSA", "EC", "OKP", "oct"))},
            optional={"use": st.text(), "alg": st.text(), "d": st.none() | st.text(), "pub": st.text()},
        )
    )
)
def test_keys_of_other_types_spoil_nothing(forge: Any, listed: list[dict[str, Any]]) -> None:
    """RFC 7517, section 5, whatever their members are."""
    keys = parse_jwks(forge.jwks(*listed, forge.jwk("ed")))
    assert [key.kid for key in keys] == ["ed"]
    assert [each.partition(": ")[2] for each in keys.skipped] == ["this key type is unknown"] * len(listed)


def test_secrets_are_no_public_keys(forge: Any) -> None:
    secret, public = forge.jwk("oct"), forge.jwk("rsa")
    assert len(parse_jwks(forge.jwks(secret))) == 1
    assert len(parse_jwks(forge.jwks(secret, public), secrets="mixed")) == 2
    with pytest.raises(BadKeys, match="key confusion"):
        parse_jwks(forge.jwks(secret, public))
    for listed in (forge.jwks(secret), forge.jwks(secret, public)):
        with pytest.raises(BadKeys, match="published"):
            parse_jwks(listed, secrets="refused")


def test_a_key_of_the_broken_generator() -> None:
    """ROCA: primes of the form k M + (65537^a mod M), found here as the generator found them."""
    marks = [prime for prime in range(2, 168) if all(prime % divisor for divisor in range(2, prime))]
    product = math.prod(marks)
    modulus = pow(65537, 12345, product) * pow(65537, 54321, product)  # of two such, with k left out
    assert is_roca(modulus)
    assert not is_roca(modulus + 2)
    with pytest.raises(ValueError, match="ROCA"):
        check_rsa_numbers(modulus + (product << 1830), 65537)


def test_no_other_key_bears_its_mark(forge: Any) -> None:
    assert not is_roca(forge.rsa.public_key().public_numbers().n)
    assert not any(map(is_roca, range(1 << 2047, (1 << 2047) + 20_000)))
