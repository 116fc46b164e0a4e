"""`forge`: an issuer with one key of each kind, and the tokens it makes, honest and otherwise.

It signs with `cryptography` and `hmac` alone, so that what verifies is checked against something else.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from stockade.tokens import VerificationKeys, parse_jwks

AT = 1_700_000_000.0
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "sub": "user-1",
    "aud": "orders",
    "iat": AT - 10,
    "exp": AT + 300,
    "jti": "token-1",
    "scope": "orders:read orders:write",
}
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Forge:
    """kids: rsa, ec-ES256, ec-ES384, ec-ES512, ed, oct. `claims` is what an honest token says at `at`."""

    at = AT
    claims = CLAIMS
    b64 = staticmethod(b64)

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = {alg: ec.generate_private_key(curve) for alg, curve in _CURVES.items()}
        self.ed = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.secret = bytes(range(64))

    def pem(self) -> bytes:
        """The RSA public key, as an attacker finds it published."""
        return self.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def private_pem(self) -> bytes:
        return self.rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def jwk(self, kid: str, /, **members: object) -> dict[str, Any]:
        """The public key of that id, with members added or replaced."""
        return {**self._public(kid), "kid": kid, **members}

    def keys(self, *kids: str) -> VerificationKeys:
        return parse_jwks(self.jwks(*(self.jwk(kid) for kid in kids)), secrets="mixed")

    @staticmethod
    def jwks(*keys: object) -> bytes:
        return json.dumps({"keys": keys}).encode()

    def token(
        self,
        alg: str = "RS256",
        header: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        **changed: object,
    ) -> str:
        """A signed token: `header` adds to the header, `changed` to the honest claims, `claims` replaces them all."""
        head = {"alg": alg, **(header or {})}
        body = {**CLAIMS, **changed} if claims is None else claims
        return self.signed(json.dumps(head).encode(), json.dumps(body).encode(), alg)

    def signed(self, header: bytes, payload: bytes, alg: str = "RS256") -> str:
        """A token whose header and payload are any bytes, signed by `alg` whatever the header says."""
        return self.sealed(f"{b64(header)}.{b64(payload)}", alg)

    def sealed(self, message: str, alg: str = "RS256") -> str:
        """A token whose two first parts are any text."""
        return f"{message}.{b64(self.sign(alg, message.encode()))}"

    def sign(self, alg: str, message: bytes) -> bytes:
        digest = _HASHES.get(alg[2:], hashes.SHA256())
        match alg[:2]:
            case "HS":
                return hmac.digest(self.secret, message, digest.name)
            case "RS":
                return self.rsa.sign(message, padding.PKCS1v15(), digest)
            case "PS":
                return self.rsa.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
            case "ES":
                size = (self.ec[alg].key_size + 7) // 8
                r, s = decode_dss_signature(self.ec[alg].sign(message, ec.ECDSA(digest)))
                return r.to_bytes(size, "big") + s.to_bytes(size, "big")
            case _:
                return self.ed.sign(message)

    def _public(self, kid: str) -> dict[str, Any]:
        if kid.startswith("rsa"):
            numbers = self.rsa.public_key().public_numbers()
            return {"kty": "RSA", "n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
        if kid.startswith("ec-"):
            key = self.ec[kid[3:8]]
            size = (key.key_size + 7) // 8
            point = key.public_key().public_numbers()
            name = {256: "P-256", 384: "P-384", 521: "P-521"}[key.key_size]
            return {
                "kty": "EC",
                "crv": name,
                "x": b64(point.x.to_bytes(size, "big")),
                "y": b64(point.y.to_bytes(size, "big")),
            }
        if kid.startswith("ed"):
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(self.ed.public_key().public_bytes_raw())}
        return {"kty": "oct", "k": b64(self.secret)}


@pytest.fixture(scope="session")
def forge() -> Forge:
    return Forge()
