"""`authentication:` the accepted credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stockade.config.base import Model, Secret, Section
from stockade.config.site import Site
from stockade.config.units import Duration
from stockade.controls.authentication import ApiKeys, Authentication, Jwts, Scheme
from stockade.engine import Binding
from stockade.operations import BadOperation, OperationTable, parse_operation
from stockade.stores import Source
from stockade.tokens import BadKeys, JwtRules, keys_from_secret, parse_jwks

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"
]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ApiKeyScheme(Model):
    """Keys issued by `stockade keys`."""

    header: str = "X-API-Key"
    forward: bool = Field(False, description="Whether the upstream gets to see the key.")


class JwtScheme(Model):
    """JSON Web Tokens as bearer tokens: signed by an issuer's keys (`jwks`) or with a shared secret."""

    jwks: str | None = Field(None, description="File or https URL of the issuer's JSON Web Key Set.")
    secret: Secret | None = Field(None, description="For HS256, HS384, HS512.")
    issuer: str
    audience: str
    algorithms: list[Algorithm] = Field(min_length=1)
    leeway: Duration = Field(60.0, description="How far clocks may differ.")
    forward: bool = Field(True, description="Whether the upstream gets to see the token.")

    @model_validator(mode="after")
    def _one_source(self) -> JwtScheme:
        if (self.jwks is None) == (self.secret is None):
            raise ValueError("a jwt has either jwks or secret")
        symmetric = {name.startswith("HS") for name in self.algorithms}
        if self.secret is not None and symmetric != {True}:
            raise ValueError("with a secret the algorithms can only be HS256, HS384 and HS512")
        if len(symmetric) == 2:
            raise ValueError("symmetric (HS…) and asymmetric algorithms cannot be mixed: that invites key confusion")
        return self

    @field_validator("jwks")
    @classmethod
    def _safe_url(cls, jwks: str | None) -> str | None:
        if jwks is not None and jwks.startswith("http://") and urlsplit(jwks).hostname not in _LOOPBACK:
            raise ValueError("keys must come over https (http only from this machine)")
        return jwks


class SchemeItem(Model):
    """One way to authenticate."""

    api_key: ApiKeyScheme | None = None
    jwt: JwtScheme | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> SchemeItem:
        if len(self.model_fields_set) != 1:
            raise ValueError("each entry has exactly one of api_key, jwt")
        return self


class AuthenticationSection(Section):
    """Any one of the schemes is enough. Operations under `anonymous` need none."""

    any_of: list[SchemeItem] = Field(min_length=1)
    anonymous: list[str] = Field([], description='Operations that need no credential, such as "GET /health".')

    @field_validator("anonymous")
    @classmethod
    def _operations(cls, operations: list[str]) -> list[str]:
        for operation in operations:
            try:
                parse_operation(operation)
            except BadOperation as error:
                raise ValueError(str(error)) from None
        return operations


def make(site: Site) -> list[Binding]:
    section = site.api.authentication
    if section is None or section.mode == "off":
        return []
    schemes = [scheme for index, item in enumerate(section.any_of) if (scheme := _scheme(site, item, index)) is not None]
    control = Authentication(realm=site.api.name, any_of=schemes, anonymous=OperationTable(section.anonymous))
    return [site.bind(control, section, "authentication")]


def _scheme(site: Site, item: SchemeItem, index: int) -> Scheme | None:
    if item.api_key is not None:
        return ApiKeys(header=item.api_key.header, hash_key=site.hash_key(), forward=item.api_key.forward)
    assert item.jwt is not None
    source = _source(site, item.jwt, index)
    if source is None:
        return None
    site.sources.append(source)
    rules = JwtRules(
        algorithms=frozenset(item.jwt.algorithms),
        issuer=item.jwt.issuer,
        audience=item.jwt.audience,
        leeway=item.jwt.leeway,
    )
    return Jwts(source=source.name, rules=rules, forward=item.jwt.forward)


def _source(site: Site, scheme: JwtScheme, index: int) -> Source | None:
    place = ("authentication", "any_of", index, "jwt", "secret" if scheme.jwks is None else "jwks")
    name = f"{site.api.name}.{index}"
    if scheme.jwks is not None and scheme.jwks.startswith(("https://", "http://")):
        return Source(scheme.jwks, url=scheme.jwks)
    try:
        if scheme.secret is not None:
            secret = site.secret(scheme.secret, "the secret", *place)
            return None if secret is None else Source(name, keys=keys_from_secret(secret))
        data = site.read_file(Path(scheme.jwks or ""), "the key set", *place)
        return None if data is None else Source(name, keys=parse_jwks(data))
    except BadKeys as error:
        site.problem(str(error), *place)
        return None
