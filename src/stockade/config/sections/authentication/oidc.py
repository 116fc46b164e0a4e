"""`oidc:` browsers log in at an OpenID provider."""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from stockade.browsers import CrossSite, OriginSet
from stockade.config.base import Model, Secret
from stockade.config.errors import written
from stockade.config.sections.authentication.oauth2 import Algorithm, Url
from stockade.config.sections.exposure_browsers import Origin
from stockade.config.site import Site
from stockade.config.texts import UrlPath
from stockade.config.units import Count, Duration, Flag, PositiveDuration
from stockade.controls.authentication import LoginPages, LoginPaths, LoginPlace, Oidc, Scheme
from stockade.logins import Attempts, ClaimNames, CookieNames, Sealer
from stockade.stores import RelyingParty, Source
from stockade.tokens import JwtRules

_ALGORITHMS: list[Algorithm] = ["RS256", "PS256", "ES256", "EdDSA"]
_LEAST_LIFETIME = 60.0  # seconds


def _origin(value: Any) -> Any:
    """An origin alone: what is put behind it is ours."""
    if isinstance(value, str) and value.count("/") > 2:
        raise ValueError(f"{written(value)} has a path; write the origin alone, as in https://shop.example")
    return value


class PathsItem(Model):
    """Where, under the API's prefix, browsers log in and out. The callback must be registered with the provider."""

    login: UrlPath = Field("/.stockade/login", description="A link begins a login here: ?return_to=/orders")
    callback: UrlPath = Field("/.stockade/callback", description="Where the provider sends the browser back to.")
    logout: UrlPath = "/.stockade/logout"
    backchannel_logout: UrlPath = Field(
        "/.stockade/backchannel-logout", description="Where the provider tells that someone has logged out."
    )

    @model_validator(mode="after")
    def _distinct(self) -> PathsItem:
        paths = [self.login, self.callback, self.logout, self.backchannel_logout]
        if len(set(paths)) != len(paths) or any(set(path) & set("?#%{}*") for path in paths):
            raise ValueError("the paths differ from each other and are plain: no query, no escapes, no braces")
        return self


class ClaimsItem(Model):
    """Which claims say who someone is; a dot leads into an object, as in realm_access.roles"""

    id: str = Field("sub", min_length=1, description="What the principal is called; email only where it is verified.")
    roles: str = Field("roles", min_length=1)
    scopes: str = Field("", description="Default: the scopes that the provider granted.")


class OidcScheme(Model):
    """Browsers that log in at an OpenID provider (authorization code with PKCE); a session cookie comes of it."""

    issuer: Url = Field(description="The provider's URL, exactly as it says itself; all else is found there.")
    client_id: str = Field(min_length=1, description="Who we are to the provider.")
    client_secret: Secret | None = Field(None, description="Without it we are a public client, PKCE alone.")
    url: Annotated[Url, BeforeValidator(_origin)] = Field(
        description="The API's origin as browsers see it, as in https://shop.example"
    )
    scopes: list[str] = Field([], description="Asked for besides openid, as in [profile, email, offline_access]")
    algorithms: list[Algorithm] = Field(_ALGORITHMS, min_length=1, description="Of ID tokens and logout tokens.")
    leeway: Duration = Field(5.0, description="How much clocks may differ.")
    claims: ClaimsItem = ClaimsItem()
    userinfo: Flag = Field(False, description="Whether the provider is asked for more claims than the ID token has.")
    idle: PositiveDuration = Field(1800.0, description="How long a session lasts without a request.")
    lifetime: PositiveDuration = Field(28800.0, description="How long it lasts at most.")
    sessions: Count = Field(20, ge=1, le=1000, description="Sessions of one person at most; the oldest ends.")
    forward: Literal["none", "access_token"] = Field(
        "none", description="Whether the upstream gets the access token, as a bearer token."
    )
    origins: list[Origin] = Field([], description="Other origins whose pages may send requests with the session.")
    after_logout: Url | None = Field(None, description="Where the provider sends the browser after logout.")
    paths: PathsItem = PathsItem()

    @field_validator("scopes")
    @classmethod
    def _good_scopes(cls, scopes: list[str]) -> list[str]:
        for scope in scopes:
            if not scope or not scope.isascii() or not scope.isprintable() or any(char in scope for char in ' "\\'):
                raise ValueError(f"{written(scope)} is not a scope (RFC 6749, section 3.3)")
        return scopes

    @model_validator(mode="after")
    def _times(self) -> OidcScheme:
        if not self.idle <= self.lifetime or self.lifetime < _LEAST_LIFETIME:
            raise ValueError("idle is at most as long as lifetime, which is a minute at least")
        return self


def make_oidc(site: Site, item: OidcScheme, *place: str | int) -> Scheme | None:
    secret = b""
    if item.client_secret is not None:
        read = site.secret(item.client_secret, "the client secret", *place, "client_secret")
        if not read:
            if read is not None:
                site.problem("the client secret is empty", *place, "client_secret")
            return None
        secret = read
    if item.url.startswith("http:"):
        site.warn("without TLS the session cookie can be read on its way", *place, "url")
    if site.api.authentication is not None and site.api.authentication.mode == "monitor":
        site.warn("while authentication only watches, nobody is sent to log in", "authentication", "mode")
    party = f"{site.api.name} at {item.issuer}"
    paths = _paths(site.api.prefix, item.paths)
    rules = JwtRules(frozenset(item.algorithms), item.issuer, item.client_id, item.leeway, required=frozenset({"iat"}))
    source = Source(f"issuer {item.issuer}", url=f"issuer {item.issuer}", issuer=item.issuer)
    site.sources.append(source)
    redirect_uri = f"{item.url.rstrip('/')}{paths.callback}"
    site.uses_database = True
    site.parties.append(_party(site, item, party, secret, redirect_uri, rules, source.name))
    oidc = Oidc(
        party=party,
        place=LoginPlace(item.url.rstrip("/"), site.api.prefix, paths.login),
        cookies=CookieNames.of(site.api.name, secure=item.url.startswith("https:")),
        sealer=Sealer(site.own_key(f"login cookies of {party}")),
        attempts=Attempts(
            site.own_key(f"login attempts of {party}"),
            party,
            client_id=item.client_id,
            redirect_uri=redirect_uri,
            scopes=tuple(item.scopes),
        ),
        cross_site=CrossSite(OriginSet(item.origins)),
        forward=item.forward == "access_token",
    )
    site.pages = LoginPages(
        oidc,
        paths=paths,
        source=source.name,
        rules=rules,
        client_id=item.client_id,
        lifetime=item.lifetime,
        after_logout=item.after_logout or "",
    )
    return oidc


def _party(
    site: Site, item: OidcScheme, name: str, secret: bytes, redirect_uri: str, rules: JwtRules, source: str
) -> RelyingParty:
    claims = item.claims
    return RelyingParty(
        name=name,
        issuer=item.issuer,
        client_id=item.client_id,
        client_secret=secret,
        redirect_uri=redirect_uri,
        scopes=tuple(item.scopes),
        rules=rules,
        source=source,
        key=hmac.digest(site.own_key("login sessions"), name.encode(), "sha256"),
        claims=ClaimNames(claims.id, claims.roles, claims.scopes),
        userinfo=item.userinfo,
        idle=item.idle,
        lifetime=item.lifetime,
        most=item.sessions,
        keeps_access=item.forward == "access_token",
    )


def _paths(prefix: str, item: PathsItem) -> LoginPaths:
    """They belong to the API: no other can have them."""
    root = prefix.rstrip("/")
    return LoginPaths(root + item.login, root + item.callback, root + item.logout, root + item.backchannel_logout)
