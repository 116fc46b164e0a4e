"""What an issuer tells of itself: OpenID Connect Discovery 1.0, section 3, and RFC 8414, section 2."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from stockade.tokens.strict import decode_object

_MAX_DEPTH = 8
_ENDPOINTS = (
    "introspection_endpoint",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "end_session_endpoint",
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class BadMetadata(ValueError):
    """Metadata that cannot be believed; the message says why."""


class IssuerMetadata(Struct, frozen=True):
    """Where an issuer's keys are, and where it does what else it does (empty where it does not say).

    authentication: how clients may prove themselves at the token endpoint. tells_issuer: whether its answers to
    browsers have `iss` (RFC 9207, section 3).
    """

    issuer: str
    jwks_uri: str
    introspection_endpoint: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    authentication: tuple[str, ...] = ()
    tells_issuer: bool = False


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where to look, in order: the place of OpenID Connect, and that of RFC 8414 (section 3.1)."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
    )


def read_metadata(data: bytes, issuer: str) -> IssuerMetadata:
    """Raises BadMetadata. The document must say that it is this issuer's (RFC 8414, section 3.3)."""
    try:
        document = decode_object(data, _MAX_DEPTH)
    except ValueError as error:
        raise BadMetadata(f"the metadata is {error}") from None
    if document.get("issuer") != issuer:
        raise BadMetadata("the metadata is another issuer's: its `issuer` must be exactly what the policy says")
    methods = document.get("token_endpoint_auth_methods_supported")
    return IssuerMetadata(
        issuer,
        _url(document, "jwks_uri"),
        **{member: _url(document, member, needed=False) for member in _ENDPOINTS},
        authentication=tuple(filter(_is_text, methods)) if isinstance(methods, list) else (),
        tells_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _url(document: dict[str, Any], member: str, *, needed: bool = True) -> str:
    value = document.get(member, "")
    if not value and not needed:
        return ""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        good = parts is not None and (
            (parts.scheme == "https" and parts.hostname is not None)
            or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        )
    except ValueError:
        good = False
    if not good:
        raise BadMetadata(f"`{member}` is missing or no https URL")
    return str(value)
