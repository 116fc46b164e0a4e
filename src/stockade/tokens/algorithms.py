"""The signature algorithms that exist here (RFC 7518, section 3; RFC 8037; RFC 9864), as one table.

What is not in the table is refused, so `none` cannot be asked for, neither by a token nor by a policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Algorithm(NamedTuple):
    """What a key must be to serve the algorithm. `crv` is empty where the key type has no curves."""

    kty: str
    crv: str
    bits: int  # least key length: RSA modulus, HMAC secret, order of the curve


# An HMAC secret must be at least as long as the hash (RFC 7518, section 3.2), an RSA modulus 2048 bits (section 3.3).
ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        "RS256": Algorithm("RSA", "", 2048),
        "RS384": Algorithm("RSA", "", 2048),
        "RS512": Algorithm("RSA", "", 2048),
        "PS256": Algorithm("RSA", "", 2048),
        "PS384": Algorithm("RSA", "", 2048),
        "PS512": Algorithm("RSA", "", 2048),
        "ES256": Algorithm("EC", "P-256", 256),
        "ES384": Algorithm("EC", "P-384", 384),
        "ES512": Algorithm("EC", "P-521", 521),
        "EdDSA": Algorithm("OKP", "Ed25519", 256),
        "Ed25519": Algorithm("OKP", "Ed25519", 256),
        "HS256": Algorithm("oct", "", 256),
        "HS384": Algorithm("oct", "", 384),
        "HS512": Algorithm("oct", "", 512),
    }
)
