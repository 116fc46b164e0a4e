"""DPoP: proof that who sends a token holds the key to which it is bound (RFC 9449).

The proof is a JWT that brings its own public key, which elsewhere is refused: here the key proves nothing but that
the sender holds it, and the token says which key that must be.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from stockade.tokens.jwks import parse_jwks
from stockade.tokens.jwt import MAX_DEPTH, MAX_TIME
from stockade.tokens.keys import BadKeys, VerificationKeys
from stockade.tokens.strict import decode_base64url, decode_object

MAX_PROOF: Final = 4096  # characters
MAX_JTI: Final = 256
ALGORITHMS: Final = frozenset({"ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "EdDSA", "Ed25519"})
_THUMBED: Final = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


class BadProof(ValueError):
    """A proof that is refused; `reason` is stable and safe to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Proof(Struct, frozen=True, gc=False):
    """What a good proof says. jkt: thumbprint of its key (RFC 7638). issued: epoch seconds."""

    jkt: str
    jti: str
    issued: float
    nonce: str | None


class ProofRules(Struct, frozen=True, gc=False):
    """algorithms: names from `ALGORITHMS`. max_age, leeway: seconds that `iat` may lie behind and ahead of now."""

    algorithms: frozenset[str] = ALGORITHMS
    max_age: float = 60.0
    leeway: float = 5.0


def verify_proof(
    proof: str, *, method: str, is_own: Callable[[str], bool], token: str | None, rules: ProofRules, at: float
) -> Proof:
    """RFC 9449, section 4.3, without the replay of `jti` and the nonce's own value, which need a memory and a key.

    is_own: whether a URL is the request's. token: None where there is none yet (section 5). Raises BadProof and
    nothing else.
    """
    if len(proof) > MAX_PROOF:
        raise BadProof("too-long")
    parts = proof.encode("utf-8", "replace").split(b".")
    if len(parts) != 3:
        raise BadProof("malformed")
    header, keys, jkt = _read_header(parts[0])
    alg = header["alg"]
    if alg not in rules.algorithms:
        raise BadProof("algorithm-refused")
    candidates = keys.candidates(alg, None)
    if not candidates:
        raise BadProof("unknown-key")
    if not candidates[0].verifies(alg, parts[0] + b"." + parts[1], _bytes(parts[2])):
        raise BadProof("bad-signature")
    said = _object(parts[1])
    issued = _check_time(said, rules, at)
    if said.get("htm") != method:
        raise BadProof("wrong-method")
    htu = said.get("htu")
    if not isinstance(htu, str) or not is_own(htu):
        raise BadProof("wrong-url")
    if token is not None and said.get("ath") != _digest(token.encode("utf-8", "replace")):
        raise BadProof("wrong-token")
    jti, nonce = said.get("jti"), said.get("nonce")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise BadProof("missing-claim")
    return Proof(jkt, jti, issued, nonce if isinstance(nonce, str) else None)


@lru_cache(maxsize=1024)  # a client's proofs share a header, whose key takes long to read
def _read_header(part: bytes) -> tuple[dict[str, Any], VerificationKeys, str]:
    header = _object(part)
    if header.get("typ") != "dpop+jwt" or "crit" in header or "b64" in header or not isinstance(header.get("alg"), str):
        raise BadProof("header-refused")
    jwk = header.get("jwk")
    kind = jwk.get("kty") if isinstance(jwk, dict) else None
    names = _THUMBED.get(kind) if isinstance(kind, str) else None
    if names is None or not isinstance(jwk, dict):
        raise BadProof("header-refused")
    try:
        # A private key, a short one, a point that is on no curve: all are refused there.
        keys = parse_jwks(msgspec.json.encode({"keys": [jwk]}))
    except BadKeys:
        raise BadProof("bad-key") from None
    canonical = msgspec.json.encode({name: jwk[name] for name in names}) if len(keys) else b""
    return header, keys, _digest(canonical)


def _check_time(said: dict[str, Any], rules: ProofRules, at: float) -> float:
    issued: Any = said.get("iat")
    if type(issued) not in (int, float) or not -MAX_TIME <= issued <= MAX_TIME:
        raise BadProof("missing-claim")
    if not at - issued <= rules.max_age + rules.leeway:
        raise BadProof("expired")
    if not issued - at <= rules.leeway:
        raise BadProof("issued-in-future")
    return float(issued)


def _digest(data: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _bytes(part: bytes) -> bytes:
    try:
        return decode_base64url(part)
    except ValueError:
        raise BadProof("malformed") from None


def _object(part: bytes) -> dict[str, Any]:
    try:
        return decode_object(_bytes(part), MAX_DEPTH)
    except ValueError as error:
        raise error if isinstance(error, BadProof) else BadProof("malformed") from None


# Nonces (section 8): nothing is kept of them, they prove by a keyed hash when they were made.

_NONCE_STEP: Final = 60  # seconds for which the same one is handed out
_NONCE_GOOD: Final = 5  # steps for which it is taken


def make_nonce(key: bytes, at: float) -> str:
    step = int(at // _NONCE_STEP)
    tag = hmac.new(key, b"dpop nonce %d" % step, "sha256").digest()[:15]
    return urlsafe_b64encode(tag).decode()


def is_nonce(key: bytes, nonce: str, at: float) -> bool:
    """Whether it was made with this key not long ago."""
    given = nonce.encode("utf-8", "replace")
    return any(
        hmac.compare_digest(make_nonce(key, at - age * _NONCE_STEP).encode(), given) for age in range(_NONCE_GOOD)
    )
