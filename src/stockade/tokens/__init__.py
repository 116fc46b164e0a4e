"""Credentials that come with a request, proven: API keys, and JSON Web Tokens with the keys that verify them.

Pure: time arrives as `at` (seconds since the epoch), random bytes as arguments. Cheap to import; cryptography and
joserfc come in when the first verification key is read.
"""

from stockade.tokens.algorithms import ALGORITHMS
from stockade.tokens.api_key import (
    API_KEY_PATTERN,
    ApiKeyRecord,
    ParsedApiKey,
    api_key_digester,
    digest_api_key,
    make_api_key,
    matches,
    parse_api_key,
)
from stockade.tokens.jwks import keys_from_pem, keys_from_secret, parse_jwks
from stockade.tokens.jwt import BadToken, Claims, JwtHeader, JwtRules, read_header, verify_jwt
from stockade.tokens.keys import BadKeys, VerificationKey, VerificationKeys

__all__ = [
    "ALGORITHMS",
    "API_KEY_PATTERN",
    "ApiKeyRecord",
    "BadKeys",
    "BadToken",
    "Claims",
    "JwtHeader",
    "JwtRules",
    "ParsedApiKey",
    "VerificationKey",
    "VerificationKeys",
    "api_key_digester",
    "digest_api_key",
    "keys_from_pem",
    "keys_from_secret",
    "make_api_key",
    "matches",
    "parse_api_key",
    "parse_jwks",
    "read_header",
    "verify_jwt",
]
