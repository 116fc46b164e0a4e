"""`identity:` the token service: what it issues, and the API under which it stands behind our own engine."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from stockade.config.base import Model
from stockade.config.errors import written
from stockade.config.sections.authentication.jwt import LOOPBACK
from stockade.config.sections.firewall import FirewallSection
from stockade.config.sections.limits import LimitItem
from stockade.config.site import Site
from stockade.config.texts import check_url
from stockade.config.units import Flag, PositiveDuration
from stockade.controls.peer import PeerFacts
from stockade.engine import Binding

NAME: Final = "identity"  # of the API
UPSTREAM: Final = "http://identity.invalid"  # no host is called so (RFC 6761): it stands for the service's own socket
_LONGEST_ACCESS: Final = 86400.0
_DAY: Final = 86400.0
_WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
_OPERATIONS: Final = (
    "POST /oauth2/token",
    "POST /oauth2/introspect",
    "POST /oauth2/revoke",
    "POST /oauth2/device_authorization",
    "GET /oauth2/authorize",
    "GET /oauth2/device",
    "POST /oauth2/login",
    "POST /oauth2/factor",
    "POST /oauth2/passkey",
    "GET /oauth2/passkey.js",
    "GET /oauth2/passkeys",
    "POST /oauth2/passkeys",
    "POST /oauth2/consent",
    "POST /oauth2/device",
    "POST /oauth2/device/consent",
    "GET /oauth2/jwks",
    "GET /.well-known/openid-configuration",
)
_FIREWALL: Final[dict[str, Any]] = {
    "methods": ["GET", "POST"],
    "max_body": "16KiB",
    "media_types": ["application/x-www-form-urlencoded"],
}
_LIMITS: Final[list[dict[str, Any]]] = [
    {"name": "per-address", "key": "address", "rate": "20/s", "burst": 40},
    {"name": "guesses", "key": ["address", "operation"], "rate": "60/m", "burst": 60},
]


def _issuer(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = check_url(value, "https://auth.example.com", written(value))
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{written(value)}: tokens travel over https (http only on this machine)")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError(f"{written(value)}: neither query nor fragment (RFC 8414, section 2)")
    if parts.path != parts.path.rstrip("/") or "//" in parts.path or "%" in parts.path:
        raise ValueError(f"{written(value)}: write it without a slash at its end, doubled slashes and escapes")
    if ":" in (parts.hostname or ""):
        raise ValueError(f"{written(value)}: name the host, or an IPv4 address")
    return value


class SigningItem(Model):
    """The keys that sign: the next one is published ahead of its time, the last one stays as long as it is needed."""

    algorithm: Literal["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"] = "ES256"
    rotate: PositiveDuration = Field(30 * _DAY, ge=3600.0, description="How long each key signs, an hour at least.")
    lead: PositiveDuration = Field(
        _DAY, ge=600.0, description="How long it is published before, for those who remember the JWKS."
    )

    @model_validator(mode="after")
    def _lead_is_shorter(self) -> SigningItem:
        if self.lead > self.rotate:
            raise ValueError("lead is longer than rotate: at most one key is made ahead")
        return self


class IdentitySection(Model):
    """OAuth 2 and OpenID Connect tokens from Stockade itself, for those without an identity provider."""

    issuer: Annotated[str, BeforeValidator(_issuer)] = Field(
        description="Its URL, as in https://auth.example.com: where clients reach it, and the claim iss."
    )
    access_lifetime: PositiveDuration = Field(300.0, le=_LONGEST_ACCESS, description="Of access tokens, a day at most.")
    refresh_lifetime: PositiveDuration = Field(14 * _DAY, description="How long a refresh token may lie unused.")
    grant_lifetime: PositiveDuration = Field(90 * _DAY, description="How long a consent may be refreshed at all.")
    code_lifetime: PositiveDuration = Field(60.0, le=600.0, description="Of authorization codes.")
    device_lifetime: PositiveDuration = Field(600.0, le=3600.0, description="Of device and user codes.")
    login: Flag = Field(True, description="Whether our own users log in here: authorization code and device flow.")
    enrolment: Flag = Field(
        False, description="Whether users add passkeys themselves, at /oauth2/passkeys, with what they log in with now."
    )
    signing: SigningItem = SigningItem()
    firewall: FirewallSection | None = Field(
        None, description="Of its API: what is stated replaces the strict defaults."
    )
    limits: list[LimitItem] | None = Field(None, description="Of its API, in place of the strict defaults.")

    @model_validator(mode="after")
    def _passkeys_can_be_made(self) -> IdentitySection:
        if self.enrolment and not self.login:
            raise ValueError("enrolment is for people who log in: not with `login: false`")
        if self.enrolment and not takes_passkeys(self.issuer):
            raise ValueError(
                f"enrolment: browsers make no passkeys at {written(self.issuer)}, but at a name over https "
                "(http for localhost)"
            )
        return self


def takes_passkeys(issuer: str) -> bool:
    """Whether browsers make and show passkeys there: at a name, over https, or at localhost."""
    parts = urlsplit(issuer)
    host = (parts.hostname or "").lower()
    try:
        ip_address(host)
    except ValueError:
        return parts.scheme == "https" or host == "localhost"
    return False


def api_of(identity: Any) -> dict[str, Any] | None:
    """The API under which the service stands, as it would be written; None where the section is not good itself."""
    try:
        parts = urlsplit(IdentitySection.model_validate(identity).issuer)
    except ValidationError:
        return None
    firewall = identity.get("firewall")
    return {
        "name": NAME,
        "hosts": [parts.hostname],
        "prefix": parts.path or "/",
        "upstream": {"url": UPSTREAM},
        "operations": [f"{method} {parts.path}{path}" for method, path in map(str.split, _OPERATIONS)],
        "firewall": {**_FIREWALL, **firewall} if isinstance(firewall, dict) else _FIREWALL,
        "limits": identity.get("limits", _LIMITS),
    }


def documents(section: IdentitySection | None, name: str) -> tuple[str, ...]:
    """Paths outside the prefix that are the service's all the same (RFC 8414, section 3)."""
    path = urlsplit(section.issuer).path if section is not None else ""
    return (_WELL_KNOWN + path,) if name == NAME and path else ()


def own_paths(section: IdentitySection) -> frozenset[str]:
    """Every path that the service answers, as it is asked for."""
    path = urlsplit(section.issuer).path
    return frozenset((_WELL_KNOWN + path, *(path + each.split()[1] for each in _OPERATIONS)))


def make(site: Site) -> list[Binding]:
    """What the service believes of certificates comes from here."""
    if site.api.upstream.url != UPSTREAM:
        return []
    if site.api.name != NAME:
        site.problem(f"{UPSTREAM} stands for the token service: write `identity:` and leave this API out", "upstream")
    return [Binding(PeerFacts(), False, "closed", site.where(), {})]
