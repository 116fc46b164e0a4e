"""What was sealed for us opens with our key alone, and nothing but what was sealed comes out."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwe import JWERegistry
from joserfc.jwk import ECKey, OctKey, RSAKey

from stockade.sealing import BadKey, BadSeal, Envelope, Keys, Locked, Opening, Seal, Signed, keys_of_jwks

EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})
BODY = b'{"amount":7}'


def keys(*found: Any, private: bool = True) -> Keys:
    return keys_of_jwks(json.dumps({"keys": [key.as_dict(private=private) for key in found]}).encode())


def sealed(body: bytes = BODY, key: Any = RSA, **header: Any) -> bytes:
    stated = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "json", "kid": "rsa", **header}
    registry = JWERegistry(algorithms=[stated["alg"], stated["enc"], "DEF"])
    return jwe.encrypt_compact(stated, body, key, registry=registry).encode()


LOCKED = Locked(keys(RSA), frozenset({"RSA-OAEP-256", "ECDH-ES"}), frozenset({"A256GCM"}))
SIGNED = Signed(keys(EC, private=False), frozenset({"ES256"}))
SIGNING = Envelope(signing=Seal(keys(EC), "ES256"))
OPEN, BOTH = Opening(LOCKED), Opening(LOCKED, SIGNED)


def test_what_is_sealed_for_us_opens():
    assert OPEN.open(sealed()) == BODY
    assert OPEN.open(b" " + sealed() + b"\r\n") == BODY
    assert OPEN.open(sealed(b"")) == b""
    assert Opening(None, SIGNED).open(SIGNING.seal(BODY)) == BODY
    both = Envelope(Seal(keys(EC), "ES256"), Seal(keys(RSA, private=False), "RSA-OAEP-256", "A256GCM"))
    assert BOTH.open(both.seal(BODY)) == BODY
    assert (
        Opening(Locked(keys(EC), LOCKED.algorithms, LOCKED.contents)).open(sealed(key=EC, alg="ECDH-ES", kid="ec"))
        == BODY
    )


def test_a_large_body_opens():
    """joserfc alone stops at 64 KB and 128 KB."""
    large = b'"' + b"x" * (1 << 20) + b'"'
    assert OPEN.open(sealed(large)) == large
    assert Opening(None, SIGNED).open(SIGNING.seal(large)) == large


def part(value: Any) -> bytes:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def replaced(token: bytes, index: int, value: bytes) -> bytes:
    parts = token.split(b".")
    parts[index] = value
    return b".".join(parts)


HEADER = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "rsa"}
BOMB = zlib.compress(b"0" * (64 << 20), 9)[2:-4]
ATTACKS: dict[str, tuple[bytes, str]] = {
    "for another": (sealed(key=OTHER), "sealed-otherwise"),
    "an unknown key": (sealed(kid="who"), "unknown-key"),
    "a zip bomb": (sealed(b"0" * (100 << 10), zip="DEF"), "compressed"),
    "a zip bomb that says so in its header alone": (
        replaced(sealed(BOMB), 0, part({**HEADER, "zip": "DEF"})),
        "compressed",
    ),
    "another wrapping": (sealed(alg="RSA-OAEP"), "algorithm"),
    "the password's wrapping": (
        replaced(sealed(), 0, part({**HEADER, "alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "AAAA"})),
        "algorithm",
    ),
    "wrapping of 1998": (replaced(sealed(), 0, part({**HEADER, "alg": "RSA1_5"})), "algorithm"),
    "another encryption": (sealed(enc="A128CBC-HS256"), "algorithm"),
    "another type within": (sealed(cty="xml"), "content-type"),
    "a type that is none": (replaced(sealed(), 0, part({**HEADER, "cty": ["json"]})), "content-type"),
    "a changed header": (replaced(sealed(), 0, part({**HEADER, "cty": "json", "typ": "x"})), "sealed-otherwise"),
    "another text": (replaced(sealed(), 3, part("x")), "sealed-otherwise"),
    "no tag": (replaced(sealed(), 4, b""), "sealed-otherwise"),
    "a short tag": (replaced(sealed(), 4, b"AAAA"), "sealed-otherwise"),
    "extensions": (replaced(sealed(), 0, part({**HEADER, "crit": ["exp"]})), "malformed"),
    "a key id of another kind": (replaced(sealed(), 0, part({**HEADER, "kid": 7})), "malformed"),
    "a header of another kind": (replaced(sealed(), 0, part([1])), "malformed"),
    "a header that is none": (replaced(sealed(), 0, b"e30x"), "sealed-otherwise"),
    "a long header": (replaced(sealed(), 0, part({**HEADER, "typ": "x" * 2000})), "malformed"),
    "deep JSON": (replaced(sealed(), 0, urlsafe_b64encode(b"[" * 700)), "sealed-otherwise"),
    "plain": (BODY, "malformed"),
    "signed only": (SIGNING.seal(BODY), "malformed"),
    "nothing": (b"....", "sealed-otherwise"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_else_opens(name):
    token, reason = ATTACKS[name]
    with pytest.raises(BadSeal) as caught:
        OPEN.open(token)
    assert caught.value.reason == reason


def test_what_must_be_both_is_neither_alone():
    for token, reason in ((sealed(), "content-type"), (SIGNING.seal(BODY), "malformed")):
        with pytest.raises(BadSeal) as caught:
            BOTH.open(token)
        assert caught.value.reason == reason
    forged = Envelope(Seal(keys(ECKey.generate_key("P-256", {"kid": "ec"})), "ES256"))
    with pytest.raises(BadSeal, match="bad-signature"):
        BOTH.open(sealed(forged.seal(BODY), cty="JOSE"))
    other = Envelope(signing=Seal(keys(EC), "ES256")).seal(BODY, "xml")
    with pytest.raises(BadSeal, match="content-type"):
        BOTH.open(sealed(other, cty="JOSE"))


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="ey.AJ-_=", max_size=60).map(str.encode)))
def test_garbage_is_refused_in_our_own_words(token):
    for opening in (OPEN, BOTH, Opening(None, SIGNED)):
        with pytest.raises(BadSeal):
            opening.open(token)


def test_a_public_key_opens_nothing():
    with pytest.raises(BadKey, match="private half"):
        keys(RSA, private=False).check("RSA-OAEP-256")
    keys(RSA, OTHER).check("RSA-OAEP-256")
    with pytest.raises(BadKey):
        keys(OctKey.generate_key(256)).check("RSA-OAEP-256")
