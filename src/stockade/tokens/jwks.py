"""Keys from what operators have: a JWKS document (RFC 7517), one PEM public key, or a shared secret.

Strict where leniency would be a hole (a published private key, two keys under one id, short keys), and quiet where
the RFC asks for it (section 5): keys for other uses or of unknown types are skipped, and `skipped` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from msgspec.structs import replace

from stockade.tokens.algorithms import ALGORITHMS
from stockade.tokens.keys import BadKeys, VerificationKey, VerificationKeys
from stockade.tokens.strict import decode_object

# `signatures` is imported where the first key is read: cryptography and joserfc take 70 ms to import, which
# `stockade --help` and a gateway without tokens need not pay.
if TYPE_CHECKING:
    from stockade.tokens.signatures import Material

Secrets: TypeAlias = Literal["refused", "alone", "mixed"]
MAX_JWKS: Final = 1024 * 1024  # bytes
MAX_KEYS: Final = 1000
MAX_PEM: Final = 64 * 1024  # bytes
_MAX_DEPTH: Final = 16

# RFC 7518, section 6, and RFC 8037, section 2. An oct key has no public half, so "k" is not among them.
_PRIVATE: Final = {
    "RSA": frozenset(("d", "p", "q", "dp", "dq", "qi", "oth")),
    "EC": frozenset("d"),
    "OKP": frozenset("d"),
    "oct": frozenset[str](),
}
_CURVES: Final = {
    "EC": frozenset(("P-256", "P-384", "P-521")),
    "OKP": frozenset(("Ed25519",)),
}


def parse_jwks(data: bytes, *, secrets: Secrets = "alone") -> VerificationKeys:
    """The usable keys of a JWKS document: JSON in UTF-8, at most 1 MiB and 1,000 keys.

    secrets: whether there may be shared secrets (`oct`): "refused" where the document is published, "mixed" where each
    key is another sender's, else not beside public keys, which invites to take one for the other. The result may be
    empty: an issuer that withdraws all its keys must be believed. Raises BadKeys.
    """
    from stockade.tokens.signatures import read_jwk

    keys: list[VerificationKey] = []
    skipped: list[str] = []
    for index, jwk in enumerate(_listed(data)):
        where = _where(index, jwk)
        try:
            reason = _unusable(jwk)
            if reason is None:
                keys.append(_key(read_jwk(jwk), jwk.get("kid"), jwk.get("alg")))
            else:
                skipped.append(f"{where}: {reason}")
        except ValueError as error:
            raise BadKeys(f"{where}: {error}") from None
    _check_distinct(keys)
    _check_secrets({key.kty for key in keys}, secrets)
    return VerificationKeys(tuple(keys), tuple(skipped))


def _check_secrets(kinds: set[str], secrets: Secrets) -> None:
    if "oct" not in kinds or secrets == "mixed":
        return
    if secrets == "refused":
        raise BadKeys('a secret (kty "oct") is published here, so it is none; replace it, and share secrets otherwise')
    if len(kinds) > 1:
        raise BadKeys("secrets and public keys stand in one set, which invites key confusion; keep them apart")


def keys_from_pem(data: bytes, alg: str | None = None, kid: str | None = None) -> VerificationKeys:
    """The one public key in a PEM file. Without `kid` it answers to every key id a token may state. Raises BadKeys."""
    from stockade.tokens.signatures import read_pem

    try:
        _check_pem(data)
        key = _key(read_pem(data), kid, alg)
    except ValueError as error:
        raise BadKeys(str(error)) from None
    return VerificationKeys((key,), any_kid=kid is None)


def keys_from_secret(secret: bytes, alg: str | None = None, kid: str | None = None) -> VerificationKeys:
    """A secret shared with the issuer, 32 bytes or more. Without `kid` it answers to every key id. Raises BadKeys."""
    from stockade.tokens.signatures import read_secret

    try:
        key = _key(read_secret(secret), kid, alg)
    except ValueError as error:
        raise BadKeys(str(error)) from None
    return VerificationKeys((key,), any_kid=kid is None)


def _listed(data: bytes) -> list[Any]:
    """The members of "keys", unread."""
    if len(data) > MAX_JWKS:
        raise BadKeys(f"the JWKS has {len(data)} bytes, more than {MAX_JWKS}; is this the right address?")
    try:
        document = decode_object(data, _MAX_DEPTH)
    except ValueError as error:
        raise BadKeys(f'the JWKS is {error}; it must read {{"keys": [...]}} (RFC 7517, section 5)') from None
    listed = document.get("keys")
    if not isinstance(listed, list):
        hint = "this is a single key, wrap it" if "kty" in document else "is this the right address?"
        raise BadKeys(f'the JWKS has no list "keys" (RFC 7517, section 5); {hint}: {{"keys": [...]}}')
    if len(listed) > MAX_KEYS:
        raise BadKeys(f"the JWKS has {len(listed)} keys, more than {MAX_KEYS}; remove those out of use")
    return listed


def _where(index: int, jwk: object) -> str:
    """The key's place in words. A key id is hostile text: escaped and cut."""
    kid = jwk.get("kid") if isinstance(jwk, dict) else None
    return f"keys[{index}] (kid {kid[:64]!r})" if isinstance(kid, str) else f"keys[{index}]"


def _unusable(jwk: object) -> str | None:
    """Why the key is to be skipped; None when it is to be used. Raises BadKeys when it should not be there."""
    if not isinstance(jwk, dict):
        raise BadKeys("not a JSON object; remove it")
    for member in ("kty", "use", "alg", "kid", "crv"):
        if not isinstance(jwk.get(member, ""), str):
            raise BadKeys(f'"{member}" must be text; correct it (RFC 7517, section 4)')
    kty, use, alg = jwk.get("kty"), jwk.get("use", "sig"), jwk.get("alg")
    if kty is None:
        raise BadKeys('"kty" is missing; state the key type (RFC 7517, section 4.1)')
    if kty not in _PRIVATE:
        return "this key type is unknown"
    if not _PRIVATE[kty].isdisjoint(jwk):
        raise BadKeys(
            "this is a private key; whoever reads it can sign. Publish the public members alone, and replace "
            "the key if the document was ever public"
        )
    if use != "sig" or not _may_verify(jwk.get("key_ops", ["verify"])):
        return "it is not for signatures"
    if kty in _CURVES and jwk.get("crv") not in _CURVES[kty]:
        return "its curve is not supported"
    return None if alg is None or alg in ALGORITHMS else "its algorithm is not supported"


def _may_verify(operations: object) -> bool:
    """Whether "key_ops" (RFC 7517, section 4.3) allows verifying."""
    if not isinstance(operations, list):
        raise BadKeys('"key_ops" must be a list; correct or remove it (RFC 7517, section 4.3)')
    return "verify" in operations


def _key(material: Material, kid: str | None, alg: str | None) -> VerificationKey:
    """The key with what its issuer says of it. Raises ValueError when the stated algorithm can never be served."""
    key = VerificationKey(material.kty, material.crv, material.bits, kid, None, material.check)
    if alg is None:
        return key
    fitting = [name for name in ALGORITHMS if key.fits(name)]
    if alg not in fitting:
        raise ValueError(f"its algorithm does not fit a key of this type and length; state one of {', '.join(fitting)}")
    return replace(key, alg=alg)


def _check_distinct(keys: list[VerificationKey]) -> None:
    seen: set[str | None] = {None}
    for key in keys:
        if key.kid is not None and key.kid in seen:
            raise BadKeys(f"two keys share the kid {key.kid[:64]!r}; give each its own (RFC 7517, section 4.5)")
        seen.add(key.kid)


def _check_pem(data: bytes) -> None:
    if len(data) > MAX_PEM:
        raise ValueError(f"the PEM file has {len(data)} bytes, more than {MAX_PEM}; keep the one public key")
    if b"PRIVATE KEY-----" in data:
        raise ValueError(
            "this is a private key; keep it secret and use its public half: openssl pkey -in key.pem -pubout"
        )
    if b"-----BEGIN CERTIFICATE-----" in data:
        raise ValueError("this is a certificate; take its key: openssl x509 -in cert.pem -pubkey -noout")
    if data.count(b"-----BEGIN ") != 1:
        raise ValueError('the file must hold exactly one PEM block, "-----BEGIN PUBLIC KEY-----"')
