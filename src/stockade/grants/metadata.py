"""What the authorization server says of itself (RFC 8414, section 2; OpenID Connect Discovery 1.0, section 3)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from stockade.grants.clients import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE, REFRESH_TOKEN

PATHS: Final = {
    "token_endpoint": "/oauth2/token",
    "introspection_endpoint": "/oauth2/introspect",
    "revocation_endpoint": "/oauth2/revoke",
    "jwks_uri": "/oauth2/jwks",
    "authorization_endpoint": "/oauth2/authorize",
    "device_authorization_endpoint": "/oauth2/device_authorization",
}
_OF_USERS: Final = frozenset({"authorization_endpoint", "device_authorization_endpoint"})
_CONFIDENTIAL: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"]


def metadata(
    issuer: str,
    *,
    users: bool,
    assertion_algorithms: Collection[str],
    dpop_algorithms: Collection[str],
    signing: str,
) -> dict[str, Any]:
    """users: whether there are any, so that somebody can log in and consent."""
    base = issuer.rstrip("/")
    document: dict[str, Any] = {
        "issuer": issuer,
        **{name: base + path for name, path in PATHS.items() if users or name not in _OF_USERS},
        "response_types_supported": ["code"] if users else [],
        "grant_types_supported": [CLIENT_CREDENTIALS]
        + ([AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE] if users else []),
        "token_endpoint_auth_methods_supported": [*_CONFIDENTIAL, *(["none"] if users else [])],
        "introspection_endpoint_auth_methods_supported": _CONFIDENTIAL,
        "revocation_endpoint_auth_methods_supported": [*_CONFIDENTIAL, "none"],
        "dpop_signing_alg_values_supported": sorted(dpop_algorithms),
        "tls_client_certificate_bound_access_tokens": True,
    }
    for endpoint in ("token", "introspection", "revocation"):
        document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = sorted(assertion_algorithms)
    if users:
        document |= {
            "scopes_supported": ["openid"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [signing],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr"],
        }
    return document
