"""Key material and signature checks, by joserfc and cryptography. Heavy to import, hence imported late (`jwks`).

Each reader turns one form of key into `Material` or raises ValueError with a message that says what is wrong and
how to mend it, and never holds key material; the caller says which key it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from cryptography.x509 import InvalidVersion, load_der_x509_certificate
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from stockade.tokens.algorithms import ALGORITHMS
from stockade.tokens.roca import is_roca
from stockade.tokens.strict import decode_base64url

MIN_RSA_BITS: Final = 2048  # RFC 7518, section 3.3
MAX_RSA_BITS: Final = 8192  # checking takes time that grows with the square; nobody issues longer keys
MAX_EXPONENT_BITS: Final = 64  # likewise; OpenSSL's own limit for long moduli (OPENSSL_RSA_MAX_PUBEXP_BITS)
MIN_SECRET: Final = 32  # bytes; RFC 7518, section 3.2, for HS256
MAX_SECRET: Final = 1024  # bytes; HMAC hashes a longer one anew for every token


class _Curve(NamedTuple):
    size: int  # bytes of a coordinate, and of each half of a signature
    bits: int
    order: int


_CURVES: Final = {
    name: _Curve((curve.key_size + 7) // 8, curve.key_size, curve.group_order)
    for name, curve in (("P-256", SECP256R1()), ("P-384", SECP384R1()), ("P-521", SECP521R1()))
}
_CURVE_NAMES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_KEY_MARKERS: Final = (b"---- BEGIN ", b"-----BEGIN ", b"ssh-rsa ", b"ssh-dss ", b"ssh-ed25519 ", b"ecdsa-sha2-")
_MODELS: Final = {name: JWSRegistry.algorithms[name] for name in ALGORITHMS}


class Material(NamedTuple):
    """A usable key: type, curve, length in bits, and its check of (alg, message, signature)."""

    kty: str
    crv: str
    bits: int
    check: Callable[[str, bytes, bytes], bool]


def read_jwk(jwk: Mapping[str, Any]) -> Material:
    """The key in a JWK (RFC 7517) whose `kty` and `crv` are supported. Private members are not read."""
    return _READERS[jwk["kty"]](jwk)


def read_pem(data: bytes) -> Material:
    """The key in one PEM block of SubjectPublicKeyInfo ("PUBLIC KEY") or PKCS #1 ("RSA PUBLIC KEY")."""
    try:
        native = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the PEM block cannot be read; export the key anew: openssl pkey -pubin -in key.pem") from None
    if isinstance(native, RSAPublicKey):
        return _rsa(native)
    if isinstance(native, EllipticCurvePublicKey) and native.curve.name in _CURVE_NAMES:
        return _elliptic(ECKey.import_key(native), _CURVE_NAMES[native.curve.name])
    if isinstance(native, Ed25519PublicKey):
        return Material("OKP", "Ed25519", 256, partial(_check, OKPKey.import_key(native)))
    raise ValueError("this kind of key is not supported; use RSA, EC on P-256, P-384 or P-521, or Ed25519")


def read_secret(secret: bytes) -> Material:
    """A shared secret of 32 to 1,024 bytes."""
    if not MIN_SECRET <= len(secret) <= MAX_SECRET:
        raise ValueError(
            f"the secret has {len(secret)} bytes; use {MIN_SECRET} to {MAX_SECRET} random bytes "
            f"(64 serve every HS algorithm): openssl rand 64"
        )
    # A public key taken for a secret is what turns RS256 into a forger's HS256.
    if _is_public(secret):
        raise ValueError("the secret is a public key or certificate, which is no secret; configure it as PEM")
    return Material("oct", "", len(secret) * 8, partial(_check, OctKey.import_key(secret)))


def _is_public(secret: bytes) -> bool:
    """Whether the bytes are a public key or a certificate in PEM, SSH or DER."""
    if any(marker in secret for marker in _KEY_MARKERS):
        return True
    for load in (load_der_public_key, load_der_x509_certificate):
        try:
            load(secret)
        except (ValueError, UnsupportedAlgorithm):
            continue
        except (InvalidVersion, Warning):  # an odd certificate all the same; a warning may be set to raise
            return True
        return True
    return False


def _read_rsa(jwk: Mapping[str, Any]) -> Material:
    modulus, exponent = (int.from_bytes(_octets(jwk, name), "big") for name in ("n", "e"))
    check_rsa_numbers(modulus, exponent)
    try:
        return _rsa(RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}).public_key)
    except ValueError:
        raise ValueError('"n" and "e" are no RSA public key; issue a new key') from None


def _read_ec(jwk: Mapping[str, Any]) -> Material:
    name = jwk["crv"]
    for member in ("x", "y"):
        # RFC 7518, section 6.2.1.2: always the full length, leading zeros kept.
        if len(_octets(jwk, member)) != _CURVES[name].size:
            raise ValueError(f'"{member}" must hold {_CURVES[name].size} bytes on {name}; export the key anew')
    try:
        key = ECKey.import_key({"kty": "EC", "crv": name, "x": jwk["x"], "y": jwk["y"]})
    except ValueError:
        raise ValueError(f'"x" and "y" are no point on {name}; issue a new key') from None
    return _elliptic(key, name)


def _read_okp(jwk: Mapping[str, Any]) -> Material:
    if len(_octets(jwk, "x")) != 32:
        raise ValueError('"x" must hold 32 bytes on Ed25519; export the key anew')
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"]})
    return Material("OKP", "Ed25519", 256, partial(_check, key))


def _read_oct(jwk: Mapping[str, Any]) -> Material:
    return read_secret(_octets(jwk, "k"))


_READERS: Final = {"RSA": _read_rsa, "EC": _read_ec, "OKP": _read_okp, "oct": _read_oct}


def _octets(jwk: Mapping[str, Any], member: str) -> bytes:
    """The bytes in a base64url member, at least one."""
    text = jwk.get(member)
    if not isinstance(text, str) or not text:
        raise ValueError(f'"{member}" is missing or no text; export the key anew')
    try:
        return decode_base64url(text.encode())
    except ValueError:
        raise ValueError(f'"{member}" is not base64url without padding (RFC 7515, section 2); re-encode it') from None


def check_rsa_numbers(modulus: int, exponent: int) -> None:
    """Raises ValueError where a key of these cannot be trusted, or would take too long to use."""
    bits = modulus.bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise ValueError(f"the RSA modulus has {bits} bits; issue a key of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    # An exponent of 1 makes every message its own signature; an even modulus is no product of two odd primes.
    if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > MAX_EXPONENT_BITS or modulus % 2 == 0:
        raise ValueError("the RSA exponent or modulus is unsafe; issue a new key with exponent 65537")
    if is_roca(modulus):
        raise ValueError("the RSA key is of a broken generator (ROCA, CVE-2017-15361); issue a new one elsewhere")


def _rsa(native: RSAPublicKey) -> Material:
    numbers = native.public_numbers()
    check_rsa_numbers(numbers.n, numbers.e)
    return Material("RSA", "", native.key_size, partial(_check, RSAKey.import_key(native)))


def _elliptic(key: ECKey, name: str) -> Material:
    return Material("EC", name, _CURVES[name].bits, partial(_check_elliptic, _CURVES[name], key))


def _check(key: Key, alg: str, message: bytes, signature: bytes) -> bool:
    return _MODELS[alg].verify(message, signature, key)


def _check_elliptic(curve: _Curve, key: ECKey, alg: str, message: bytes, signature: bytes) -> bool:
    """ECDSA over r ‖ s of fixed width (RFC 7518, section 3.4).

    r and s of zero once verified everything in a JVM ("psychic signatures", CVE-2022-21449). OpenSSL refuses them
    too; the range is checked here so that no change of library can bring them back.
    """
    if len(signature) != 2 * curve.size:
        return False
    r = int.from_bytes(signature[: curve.size], "big")
    s = int.from_bytes(signature[curve.size :], "big")
    return 0 < r < curve.order and 0 < s < curve.order and _check(key, alg, message, signature)
