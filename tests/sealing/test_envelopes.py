"""JOSE bodies: what is sealed opens with the right key alone, and a forged signature is none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from stockade.sealing import BadKey, BadSeal, Envelope, Keys, Seal, keys_of_jwks, keys_of_secret
from stockade.sealing.envelopes import verify

SECRET = b"s" * 32
EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
BODY = b'{"iban":"x"}'


def jwks(*keys: Any, private: bool = True) -> Keys:
    return keys_of_jwks(json.dumps({"keys": [key.as_dict(private=private) for key in keys]}).encode())


SEALS = {
    "ES256": Seal(jwks(EC, RSA), "ES256"),
    "PS256": Seal(jwks(EC, RSA), "PS256"),
    "HS256": Seal(keys_of_secret(SECRET), "HS256"),
}


@pytest.mark.parametrize("algorithm", SEALS)
def test_what_is_signed_is_verified(algorithm):
    seal = SEALS[algorithm]
    signed = Envelope(signing=seal).seal(BODY).decode()
    assert verify(signed, seal.keys, frozenset({algorithm})) == BODY
    detached = Envelope(signing=seal).signature(BODY)
    assert verify(detached, seal.keys, frozenset({algorithm}), BODY) == BODY
    for wrong in (BODY + b" ", b"", b"{}"):
        with pytest.raises(BadSeal):
            verify(detached, seal.keys, frozenset({algorithm}), wrong)


def test_what_is_encrypted_opens_with_the_private_key():
    public = jwks(RSA, private=False)
    sealed = Envelope(SEALS["ES256"], Seal(public, "RSA-OAEP-256", "A256GCM")).seal(BODY)
    assert b"iban" not in sealed
    opened = jwe.decrypt_compact(sealed, RSA, algorithms=["RSA-OAEP-256", "A256GCM"])
    assert opened.headers()["cty"] == "JOSE"
    assert opened.plaintext is not None
    assert jws.deserialize_compact(opened.plaintext, EC, algorithms=["ES256"]).payload == BODY
    sealed = Envelope(encrypting=Seal(keys_of_secret(SECRET), "dir", "A256GCM")).seal(BODY)
    assert jwe.decrypt_compact(sealed, OctKey.import_key(SECRET), algorithms=["dir", "A256GCM"]).plaintext == BODY


def part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged() -> dict[str, str]:
    good = Envelope(signing=SEALS["ES256"]).seal(BODY).decode()
    header, payload, signature = good.split(".")
    # Key confusion: the public key's text as the secret of an HMAC.
    text = json.dumps(EC.as_dict(private=False)).encode()
    confused = jws.serialize_compact({"alg": "HS256", "kid": "ec"}, BODY, OctKey.import_key(text))
    critical = jws.serialize_compact({"alg": "ES256", "kid": "ec"}, BODY, EC).split(".")
    return {
        "no algorithm": f"{part({'alg': 'none'})}.{payload}.",
        "none, shouted": f"{part({'alg': 'None', 'kid': 'ec'})}.{payload}.{signature}",
        "key confusion": confused,
        "another payload": f"{header}.{part({'iban': 'y'})}.{signature}",
        "no signature": f"{header}.{payload}.",
        "another algorithm": f"{part({'alg': 'ES384', 'kid': 'ec'})}.{payload}.{signature}",
        "unknown key": f"{part({'alg': 'ES256', 'kid': 'who'})}.{payload}.{signature}",
        "key id of another kind": f"{part({'alg': 'ES256', 'kid': 7})}.{payload}.{signature}",
        "a key of its own": f"{part({'alg': 'ES256', 'jwk': EC.as_dict(private=False)})}.{payload}.AAAA",
        "an extension": f"{part({'alg': 'ES256', 'crit': ['b64'], 'b64': False})}.{critical[1]}.{critical[2]}",
        "two parts": f"{header}.{payload}",
        "four parts": f"{good}.x",
        "nothing": "",
        "not ascii": f"{good}é",
        "header of another kind": f"{part([1])}.{payload}.{signature}",
        "no header": f".{payload}.{signature}",
    }


REASONS = {
    **dict.fromkeys(["no algorithm", "none, shouted", "key confusion", "another algorithm"], "algorithm"),
    **dict.fromkeys(["another payload", "no signature"], "bad-signature"),
    "unknown key": "unknown-key",
}


@pytest.mark.parametrize("name", forged())
def test_forgeries(name):
    with pytest.raises(BadSeal, match=f"^{REASONS.get(name, 'malformed')}$"):
        verify(forged()[name], jwks(EC, RSA), frozenset({"ES256", "RS256"}))


def test_a_detached_signature_has_nothing_of_its_own():
    whole = Envelope(signing=SEALS["ES256"]).seal(BODY).decode()
    with pytest.raises(BadSeal, match="not-detached"):
        verify(whole, SEALS["ES256"].keys, frozenset({"ES256"}), b"something else")


@given(st.text(max_size=60) | st.text(alphabet="eyJ.AB_-=", max_size=60))
def test_nothing_else_is_raised(token):
    with pytest.raises(BadSeal):
        verify(token, SEALS["ES256"].keys, frozenset({"ES256"}))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"{}", b'{"keys":[]}', b'{"keys":[1]}', b'{"keys":[{}]}', b'{"keys":[{"kty":"x"}]}'),
        *(b'{"keys":[{"kty":"oct","k":"AA"}]}', b'{"keys":[{"kty":"EC"}]}', b"\xff", b"[" * 100_000),
    ],
    ids=range(12),
)
def test_bad_key_sets(data):
    with pytest.raises(BadKey):
        keys_of_jwks(data)


def test_keys_for_what_they_are_not_for():
    with pytest.raises(BadKey):
        keys_of_secret(b"short")
    for seal in (
        Seal(jwks(EC, private=False), "ES256"),  # to sign takes the private half
        Seal(jwks(EC), "RS256"),
        Seal(jwks(EC, ECKey.generate_key("P-256", {"kid": "b"})), "ES256"),  # which of them?
        Seal(keys_of_secret(SECRET), "dir", "A128GCM"),
        Seal(jwks(EC), "ES384"),
    ):
        with pytest.raises(BadKey):
            seal.check()
    Seal(jwks(EC, ECKey.generate_key("P-256", {"kid": "b"})), "ES256", kid="b").check()
