"""What people have done with JOSE envelopes to get in: the same table for attached and detached signatures.

Every envelope is made with the right key, unless the attack is on the signature. It must be BadSeal and nothing else.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey

from stockade.sealing import BadKey, BadSeal, Keys, keys_of_jwks, keys_of_secret
from stockade.sealing.envelopes import Signing, verify
from stockade.sealing.strict import read_header

BODY = b'{"amount":7}'
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
PUBLIC: dict[str, dict[str, Any]] = {
    "ec": {**ECKey.import_key(EC).as_dict(private=False), "kid": "ec"},
    "rsa": {**RSAKey.import_key(RSA).as_dict(private=False), "kid": "rsa"},
}
ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def keys_of(*jwks: dict[str, Any]) -> Keys:
    return keys_of_jwks(json.dumps({"keys": jwks}).encode())


KEYS = keys_of(*PUBLIC.values())
ALL: frozenset[str] = frozenset(get_args(Signing))


def raw(message: bytes) -> bytes:
    r, s = decode_dss_signature(EC.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sealed(header: bytes, payload: str = b64(BODY), sign: Callable[[bytes], bytes] = raw) -> str:
    message = f"{b64(header)}.{payload}"
    return f"{message}.{b64(sign(message.encode()))}"


def stating(**members: object) -> str:
    return sealed(json.dumps({"alg": "ES256", "kid": "ec", **members}).encode())


def changed(change: Callable[[bytes], bytes]) -> str:
    return sealed(b'{"alg":"ES256","kid":"ec"}', sign=lambda message: change(raw(message)))


def by_hmac(secret: bytes, **members: object) -> str:
    header = json.dumps({"alg": "HS256", **members}).encode()
    return sealed(header, sign=lambda message: hmac.digest(secret, message, "sha256"))


GOOD = stating()
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
N = PUBLIC["rsa"]["n"].encode()
DER = EC.sign(f"{HEADER}.{PAYLOAD}".encode(), ec.ECDSA(SHA256()))
ATTACKS: dict[str, str] = {
    # No signature.
    "alg none": f"{b64(b'{}')}.{PAYLOAD}.",
    **{
        f"alg {alg!r}": f"{b64(json.dumps({'alg': alg}).encode())}.{PAYLOAD}."
        for alg in ("none", "None", "NONE", "", 0)
    },
    "the signature left out": f"{HEADER}.{PAYLOAD}.",
    # The key of one algorithm as the key of another.
    "public key as HMAC secret": by_hmac(json.dumps(PUBLIC["rsa"]).encode(), kid="rsa"),
    "modulus as HMAC secret": by_hmac(N, kid="rsa"),
    "modulus as HMAC secret, no kid": by_hmac(N),
    "empty HMAC secret": by_hmac(b""),
    "EC key as RSA key": stating(alg="RS256"),
    "P-256 key for ES512": stating(alg="ES512"),
    "PKCS #1 as PSS": sealed(
        b'{"alg":"PS256","kid":"rsa"}', sign=lambda message: RSA.sign(message, padding.PKCS1v15(), SHA256())
    ),
    # Key ids.
    "kid walks to a file": stating(kid="../../../../dev/null"),
    "kid is a query": stating(kid="' UNION SELECT 'key' --"),
    "kid of another kind": stating(kid=["ec"]),
    "kid null": stating(kid=None),
    "kid is another key's": stating(kid="rsa"),
    # Keys and programs that the sender brings.
    "jwk": stating(jwk=PUBLIC["ec"]),
    "jku": stating(jku="https://evil.example/keys"),
    "x5u": stating(x5u="https://evil.example/chain"),
    "crit": stating(crit=["exp"], exp=1),
    "crit empty": stating(crit=[]),
    "b64 false": sealed(b'{"alg":"ES256","kid":"ec","b64":false}', payload="plain"),
    "b64 false and critical": sealed(b'{"alg":"ES256","kid":"ec","b64":false,"crit":["b64"]}', payload="plain"),
    "zip": stating(zip="DEF"),
    "PBES2 parameters": stating(p2c=2_000_000_000, p2s="AAAA"),
    # Signatures that are none.
    "psychic": changed(lambda s: bytes(64)),
    "r zero": changed(lambda s: bytes(32) + s[32:]),
    "s zero": changed(lambda s: s[:32] + bytes(32)),
    "r the order": changed(lambda s: ORDER + s[32:]),
    "r and s the order": changed(lambda s: ORDER * 2),
    "all ones": changed(lambda s: b"\xff" * 64),
    "cut": changed(lambda s: s[:-1]),
    "longer": changed(lambda s: s + b"\0"),
    "DER": f"{HEADER}.{PAYLOAD}.{b64(DER)}",
    # Text that two readers take apart differently.
    "padding": GOOD + "==",
    "line end": GOOD + "\n",
    "a space": f"{HEADER}.{PAYLOAD} .{SIGNATURE}",
    "plain alphabet": f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-4]}+/+/",
    "not canonical": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "four parts": GOOD + ".",
    "five parts": GOOD + "..",
    "JSON serialisation": json.dumps(
        {"payload": PAYLOAD, "signatures": [{"protected": HEADER, "signature": SIGNATURE}]}
    ),
    "alg twice": sealed(b'{"alg":"none","alg":"ES256","kid":"ec"}'),
    "alg twice, once escaped": sealed(b'{"\\u0061lg":"none","alg":"ES256","kid":"ec"}'),
    "header in UTF-16": sealed('{"alg":"ES256"}'.encode("utf-16")),
    "header a list": sealed(b'["ES256"]'),
    "header without end": sealed(b'{"alg":"ES256","kid":"ec","x":"' + b"x" * 20_000 + b'"}'),
    "header nested": sealed(b'{"alg":"ES256","kid":"ec","x":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "header nested to break the stack": sealed(b'{"alg":"ES256","x":' + b"[" * 200_000),
    "a JWE": ".".join([HEADER, "", "AAAA", "AAAA", "AAAA"]),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused(name: str) -> None:
    with pytest.raises(BadSeal) as refused:
        verify(ATTACKS[name], KEYS, ALL)
    assert refused.value.__cause__ is None
    header, _, rest = ATTACKS[name].partition(".")
    with pytest.raises(BadSeal):
        verify(f"{header}..{rest.rpartition('.')[2]}", KEYS, ALL, b"something else")


def test_how_many() -> None:
    assert len(ATTACKS) == 53
    assert verify(GOOD, KEYS, ALL) == BODY


LISTS: dict[str, list[dict[str, Any]]] = {
    "a secret beside a public key": [PUBLIC["ec"], {"kty": "oct", "k": b64(b"s" * 32)}],
    "two of one name": [PUBLIC["ec"], {**PUBLIC["rsa"], "kid": "ec"}],
    "a point that is not on the curve": [{**PUBLIC["ec"], "y": b64(b"\x01" * 32)}],
    "a point of another curve": [{**PUBLIC["ec"], "crv": "P-384"}],
    "an exponent of one": [{**PUBLIC["rsa"], "e": "AQ"}],
    "an even exponent": [{**PUBLIC["rsa"], "e": "BA"}],
    "an exponent without end": [{**PUBLIC["rsa"], "e": b64(b"\xff" * 128)}],
    "1,024 bits": [{**PUBLIC["rsa"], "n": b64(b"\xc1" * 128)}],
    "16,384 bits": [{**PUBLIC["rsa"], "n": b64(b"\xc1" * 2048)}],
    "no curve": [{**PUBLIC["ec"], "crv": None}],
    "no kind": [{}],
    "no key": [{"kty": "oct", "k": ""}],
}


@pytest.mark.parametrize("name", LISTS)
def test_key_sets_that_invite_attacks(name: str) -> None:
    with pytest.raises(BadKey):
        keys_of(*LISTS[name])


@pytest.mark.parametrize(
    "told",
    [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES384"}, {"alg": "ECDH-ES"}, {"use": "enc", "alg": "ES256"}],
)
def test_a_key_is_used_for_what_it_says_alone(told: dict[str, Any]) -> None:
    with pytest.raises(BadSeal):
        verify(GOOD, keys_of({**PUBLIC["ec"], **told}), ALL)


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_as_long_as_the_hash(algorithm: str, least: int) -> None:
    for length in (least - 1, least):
        secret = b"k" * length
        header = json.dumps({"alg": algorithm}).encode()
        message = f"{b64(header)}.{b64(BODY)}"
        token = f"{message}.{b64(hmac.digest(secret, message.encode(), f'sha{algorithm[2:]}'))}"
        if length == least:
            assert verify(token, keys_of_secret(secret), ALL) == BODY
        else:
            with pytest.raises((BadSeal, BadKey)):
                verify(token, keys_of_secret(secret), ALL)


# The header of an encrypted body (RFC 7516): what is refused before any key is used or anything is inflated.


def encrypted(header: bytes, *rest: str) -> str:
    return ".".join([b64(header), *(rest or ("AAAA", "AAAA", "AAAA", "AAAA"))])


HEADERS: dict[str, str] = {
    "zip": encrypted(b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}'),
    "zip null": encrypted(b'{"alg":"dir","enc":"A256GCM","zip":null}'),
    "two thousand million rounds": encrypted(
        b'{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2s":"AAAA","p2c":2000000000}'
    ),
    "salt alone": encrypted(b'{"alg":"dir","enc":"A128GCM","p2s":"AAAA"}'),
    "jwk": encrypted(b'{"alg":"RSA-OAEP-256","enc":"A128GCM","jwk":{"kty":"RSA"}}'),
    "jku": encrypted(b'{"alg":"RSA-OAEP-256","enc":"A128GCM","jku":"https://evil.example"}'),
    "x5u": encrypted(b'{"alg":"RSA-OAEP-256","enc":"A128GCM","x5u":"https://evil.example"}'),
    "crit": encrypted(b'{"alg":"dir","enc":"A128GCM","crit":["exp"]}'),
    "enc twice": encrypted(b'{"alg":"dir","enc":"A128GCM","enc":"A256GCM"}'),
    "enc no text": encrypted(b'{"alg":"dir","enc":7}'),
    "kid no text": encrypted(b'{"alg":"dir","enc":"A128GCM","kid":{}}'),
    "four parts": encrypted(b'{"alg":"dir","enc":"A128GCM"}', "AAAA", "AAAA", "AAAA"),
    "six parts": encrypted(b'{"alg":"dir","enc":"A128GCM"}', *["AAAA"] * 5),
    "a tag that is not canonical": encrypted(b'{"alg":"dir","enc":"A128GCM"}', "", "AAAA", "AAAA", "AB"),
    "padding": encrypted(b'{"alg":"dir","enc":"A128GCM"}', "", "AAAA", "AAAA", "AA=="),
    "header no object": encrypted(b'["dir"]'),
    "header without end": encrypted(b'{"alg":"dir","x":"' + b"x" * 20_000 + b'"}'),
    "header nested": encrypted(b'{"alg":"dir","x":' + b"[" * 500 + b"]" * 500 + b"}"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_of_an_encrypted_body_that_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_header(HEADERS[name], 5)
    assert len(HEADERS) == 18


def test_a_header_of_an_encrypted_body() -> None:
    good = encrypted(b'{"alg":"dir","enc":"A128GCM","cty":"json"}', "", "AAAA", "AAAA", "AAAA")
    assert read_header(good, 5) == {"alg": "dir", "enc": "A128GCM", "cty": "json"}
