"""Keys that are not worth signing: short ones, of kinds that the gateway's TLS does not take, and broken ones."""

from __future__ import annotations

from math import gcd, isqrt, prod
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

_LEAST_RSA, _MOST_RSA = 2048, 4096  # bits: less is weak, more is slow to check at every handshake
_CURVES: Final = ("secp256r1", "secp384r1")
_SMALL: Final = prod(n for n in range(3, 2000, 2) if all(n % d for d in range(3, isqrt(n) + 1, 2)))
_FERMAT_STEPS: Final = 100


def weakness(key: Any) -> str:
    """What is wrong with a public key; empty when it will do."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.name in _CURVES else f"the curve {key.curve.name} is not P-256 or P-384"
    if isinstance(key, rsa.RSAPublicKey):
        return _rsa_weakness(key.public_numbers().n, key.public_numbers().e)
    return "the key is neither RSA nor on P-256 or P-384, which are the kinds that the gateway's TLS takes"


def _rsa_weakness(modulus: int, exponent: int) -> str:
    bits = modulus.bit_length()
    if bits < _LEAST_RSA:
        return f"the RSA key has {bits} bits; {_LEAST_RSA} are the least"
    if bits > _MOST_RSA:
        return f"the RSA key has {bits} bits; {_MOST_RSA} are the most"
    if not 65537 <= exponent < 1 << 256 or exponent % 2 == 0:  # NIST SP 800-56B, section 6.2
        return "the RSA key's public exponent is not an odd number from 65537 on"
    if modulus % 2 == 0 or gcd(modulus, _SMALL) != 1:
        return "the RSA key's modulus has a small factor"
    return "the RSA key's primes are so close that anybody can find them" if _close_primes(modulus) else ""


def _close_primes(modulus: int) -> bool:
    """Whether Fermat's method factors it within a few steps (CVE-2022-26320)."""
    middle = isqrt(modulus - 1) + 1
    for _ in range(_FERMAT_STEPS):
        rest = middle * middle - modulus
        if isqrt(rest) ** 2 == rest:
            return True
        middle += 1
    return False
