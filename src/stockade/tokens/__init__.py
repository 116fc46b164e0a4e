"""Credentials that come with a request, proven: API keys, and JSON Web Tokens with the keys that verify them.

Pure: time arrives as `at` (seconds since the epoch), random bytes as arguments. Cheap to import; cryptography and
joserfc come in when the first verification key is read.
"""

from stockade.tokens.algorithms import ALGORITHMS
from stockade.tokens.api_key import (
    ApiKeyRecord,
    ParsedApiKey,
    api_key_digester,
    digest_api_key,
    make_api_key,
    matches,
    parse_api_key,
)
from stockade.tokens.certificates import BadCertificate, Certificate, read_certificate, read_forwarded
from stockade.tokens.confirmation import UNBOUND, Confirmation, confirmation_of, thumbprint_of_digest
from stockade.tokens.dpop import ALGORITHMS as DPOP_ALGORITHMS
from stockade.tokens.dpop import BadProof, Proof, ProofRules, is_nonce, make_nonce, verify_proof
from stockade.tokens.introspection import (
    BadIntrospection,
    claims_of_introspection,
    is_opaque,
    read_introspection,
)
from stockade.tokens.jwks import keys_from_pem, keys_from_secret, parse_jwks
from stockade.tokens.jwt import BadToken, Claims, JwtHeader, JwtRules, read_header, verify_jwt
from stockade.tokens.keys import BadKeys, VerificationKey, VerificationKeys
from stockade.tokens.metadata import BadMetadata, IssuerMetadata, metadata_urls, read_metadata
from stockade.tokens.strict import decode_base64url, decode_object

__all__ = [
    "ALGORITHMS",
    "DPOP_ALGORITHMS",
    "UNBOUND",
    "ApiKeyRecord",
    "BadCertificate",
    "BadIntrospection",
    "BadKeys",
    "BadMetadata",
    "BadProof",
    "BadToken",
    "Certificate",
    "Claims",
    "Confirmation",
    "IssuerMetadata",
    "JwtHeader",
    "JwtRules",
    "ParsedApiKey",
    "Proof",
    "ProofRules",
    "VerificationKey",
    "VerificationKeys",
    "api_key_digester",
    "claims_of_introspection",
    "confirmation_of",
    "decode_base64url",
    "decode_object",
    "digest_api_key",
    "is_nonce",
    "is_opaque",
    "keys_from_pem",
    "keys_from_secret",
    "make_api_key",
    "make_nonce",
    "matches",
    "metadata_urls",
    "parse_api_key",
    "parse_jwks",
    "read_certificate",
    "read_forwarded",
    "read_header",
    "read_introspection",
    "read_metadata",
    "thumbprint_of_digest",
    "verify_jwt",
    "verify_proof",
]
