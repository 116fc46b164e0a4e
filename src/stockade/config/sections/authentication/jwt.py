"""`jwt:` JSON Web Tokens as bearer tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from stockade.config.base import Model, Secret
from stockade.config.errors import written
from stockade.config.site import Site
from stockade.config.texts import check_url
from stockade.config.units import Duration, Flag
from stockade.controls.authentication import Jwts, Scheme
from stockade.stores import Source
from stockade.tokens import BadKeys, JwtRules, VerificationKeys, keys_from_secret, parse_jwks

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"
]
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _jwks(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value:
        raise ValueError("names neither a file nor a URL")
    scheme, separator, rest = value.partition("://")
    if not separator:
        return value
    if scheme.lower() not in ("https", "http"):
        raise ValueError(f"{written(value)} is neither a file nor an https URL")
    url = f"{scheme.lower()}://{rest}"
    parts = check_url(url, "https://issuer.example/.well-known/jwks.json", written(value))
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("keys must come over https (http only from this machine)")
    return url


KeySet = Annotated[str, BeforeValidator(_jwks)]


class JwtScheme(Model):
    """JSON Web Tokens as bearer tokens: signed by an issuer's keys (`jwks`) or with a shared secret."""

    jwks: KeySet | None = Field(None, description="File or https URL of the issuer's JSON Web Key Set.")
    secret: Secret | None = Field(None, description="For HS256, HS384, HS512.")
    issuer: str = Field(min_length=1, description="What the claim iss must say.")
    audience: str = Field(min_length=1, description="What the claim aud must hold.")
    algorithms: list[Algorithm] = Field(min_length=1, description="The accepted ones, as in [RS256]")
    leeway: Duration = Field(60.0, description="How far clocks may differ.")
    forward: Flag = Field(True, description="Whether the upstream gets to see the token.")

    @model_validator(mode="after")
    def _one_source(self) -> JwtScheme:
        if (self.jwks is None) == (self.secret is None):
            raise ValueError("a jwt has either jwks or secret")
        symmetric = {name.startswith("HS") for name in self.algorithms}
        if len(symmetric) == 2:
            raise ValueError("symmetric (HS…) and asymmetric algorithms cannot be mixed: that invites key confusion")
        if self.secret is not None and symmetric != {True}:
            raise ValueError("with a secret the algorithms can only be HS256, HS384 and HS512")
        if self.jwks is not None and symmetric == {True}:
            raise ValueError(
                "HS256, HS384 and HS512 need a secret; with jwks the algorithms are RS…, PS…, ES… or EdDSA"
            )
        return self


def make_jwt(site: Site, item: JwtScheme, *place: str | int) -> Scheme | None:
    source = _source(site, item, *place)
    if source is None:
        return None
    site.sources.append(source)
    rules = JwtRules(
        algorithms=frozenset(item.algorithms), issuer=item.issuer, audience=item.audience, leeway=item.leeway
    )
    return Jwts(source=source.name, rules=rules, forward=item.forward)


def _source(site: Site, scheme: JwtScheme, *entry: str | int) -> Source | None:
    """Where the keys come from; None, and a problem, when they are no good."""
    place = (*entry, "secret" if scheme.jwks is None else "jwks")
    if scheme.jwks is not None and scheme.jwks.startswith(("https://", "http://")):
        return Source(scheme.jwks, url=scheme.jwks)
    try:
        keys = _keys(site, scheme, *place)
    except BadKeys as error:
        site.problem(str(error), *place)
        return None
    if keys is None:
        return None
    for skipped in keys.skipped:
        site.warn(f"a key of {scheme.jwks} is left out: {skipped}", *place)
    unserved = [name for name in scheme.algorithms if not keys.candidates(name, None)]
    if unserved:
        site.warn(f"no key here can serve {', '.join(unserved)}: such tokens will all be refused", *place)
    return Source(source_name(site, *entry), keys=keys)


def _keys(site: Site, scheme: JwtScheme, *place: str | int) -> VerificationKeys | None:
    if scheme.secret is not None:
        secret = site.secret(scheme.secret, "the secret", *place)
        return None if secret is None else keys_from_secret(secret)
    data = site.read_file(Path(scheme.jwks or ""), "the key set", *place)
    return None if data is None else parse_jwks(data)


def source_name(site: Site, *entry: str | int) -> str:
    """A name for what an entry of this API brings."""
    return ".".join(map(str, (site.api.name, *entry[1:])))
