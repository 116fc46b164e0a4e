"""`oauth2:` an OAuth 2 resource server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import BeforeValidator, Field, model_validator

from stockade.config.base import Model, Secret
from stockade.config.errors import written
from stockade.config.sections.authentication.jwt import LOOPBACK, KeySet, source_name
from stockade.config.site import Site
from stockade.config.texts import HeaderName, check_url
from stockade.config.units import Duration, Flag, PositiveDuration
from stockade.controls.authentication import ClientCertificates, OAuth2, Scheme, SenderConstraint, peer_certificate
from stockade.networks import NetworkSet
from stockade.stores import OWN, Introspector, Source
from stockade.tokens import BadKeys, JwtRules, ProofRules, parse_jwks
from stockade.wire import Headers, Response

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_DEFAULT_ALGORITHMS: list[Algorithm] = ["RS256", "PS256", "ES256", "EdDSA"]
# RFC 9068, section 2.2. `jti` and `client_id` are asked for because what is revoked and limited is named by them.
_REQUIRED = frozenset({"iss", "exp", "aud", "sub", "client_id", "iat", "jti"})
_WELL_KNOWN = "/.well-known/oauth-protected-resource"


def _url(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = check_url(value, "https://issuer.example", written(value))
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{written(value)}: what is believed must come over https (http only from this machine)")
    if parts.query or parts.fragment:
        raise ValueError(f"{written(value)}: neither query nor fragment")
    return value


Url = Annotated[str, BeforeValidator(_url)]


class IntrospectionItem(Model):
    """Opaque tokens: the issuer is asked what they are worth (RFC 7662)."""

    url: Url | None = Field(None, description="The endpoint; default: as the issuer's metadata say.")
    client_id: str = Field(min_length=1, description="Who we are to the issuer.")
    client_secret: Secret
    cache: PositiveDuration = Field(60.0, description="How long an answer is believed, and a revocation unnoticed.")
    stale: Duration = Field(0.0, description="How much longer it stands in when the issuer does not answer.")
    only: Flag = Field(False, description="Ask about every token, whether or not it looks like a JWT.")


class DpopItem(Model):
    """DPoP (RFC 9449)."""

    nonce: Flag = Field(True, description="Whether proofs must hold a recent nonce of ours.")
    max_age: PositiveDuration = Field(60.0, description="How old a proof may be.")


class OAuth2Scheme(Model):
    """OAuth 2 access tokens of one issuer: JWT (RFC 9068), or opaque with `introspection`."""

    issuer: Url = Field(description="The issuer's URL, exactly as it says itself; its keys are found there.")
    audience: str = Field(min_length=1, description="What the claim aud must hold.")
    jwks: KeySet | None = Field(None, description="File or https URL of its keys; default: as its metadata say.")
    algorithms: list[Algorithm] = Field(_DEFAULT_ALGORITHMS, min_length=1)
    profile: Literal["rfc9068", "any"] = Field(
        "rfc9068", description="rfc9068: typ at+jwt and all its claims. any: any JWT, an ID token too."
    )
    leeway: Duration = Field(5.0, description="How much clocks may differ.")
    scopes: list[str] = Field([], description="Scopes that every token must have.")
    introspection: IntrospectionItem | None = None
    sender_constrained: Literal["optional", "any", "mtls", "dpop"] = Field(
        "optional", description="How tokens must be bound to their sender; a bound token is always checked."
    )
    forwarded_certificate: HeaderName | None = Field(
        None, description="Header in which trusted_proxies forward the client certificate, as for `certificate`."
    )
    dpop: DpopItem = DpopItem()
    resource: Url | None = Field(None, description="The API's own URL: then its metadata (RFC 9728) are served.")
    forward: Flag = Field(True, description="Whether the upstream gets to see the token.")

    @model_validator(mode="after")
    def _good_scopes(self) -> OAuth2Scheme:
        for scope in self.scopes:
            if not scope or not scope.isascii() or not scope.isprintable() or any(char in scope for char in ' "\\'):
                raise ValueError(f"{scope!r} is not a scope (RFC 6749, section 3.3)")
        return self


def make_oauth2(site: Site, item: OAuth2Scheme, *place: str | int) -> Scheme | None:
    if item.profile == "any":
        site.warn("profile any takes ID tokens for access tokens where their audience fits", *place, "profile")
    rules = _rules(item)
    own = site.is_own(item.issuer)
    source = ""
    if own:
        source, asked = OWN, _own(site, item, *place)
    elif item.introspection is None or not item.introspection.only:
        found = _source(site, item, *place)
        if found is None:
            return None
        site.sources.append(found)
        source = found.name
    if not own:
        asked = _introspection(site, item, *place)
    nonce_key = site.own_key("dpop nonce") if item.dpop.nonce else b""
    required = "" if item.sender_constrained == "optional" else item.sender_constrained
    certificate = peer_certificate
    if item.forwarded_certificate is not None:
        proxies = NetworkSet(site.api.firewall.trusted_proxies)
        certificate = ClientCertificates(header=item.forwarded_certificate.lower(), proxies=proxies).digest
    proofs = ProofRules(max_age=item.dpop.max_age, leeway=item.leeway)
    return OAuth2(
        source=source,
        rules=rules,
        introspection=asked,
        own=own,
        sender=SenderConstraint(required, proofs, nonce_key, certificate),
        scopes=frozenset(item.scopes),
        metadata=_metadata_url(item.resource) if item.resource is not None else "",
        forward=item.forward,
    )


def _rules(item: OAuth2Scheme) -> JwtRules:
    strict = item.profile == "rfc9068"
    return JwtRules(
        algorithms=frozenset(item.algorithms),
        issuer=item.issuer,
        audience=item.audience,
        leeway=item.leeway,
        typ=frozenset({"at+jwt"}) if strict else frozenset(),
        required=_REQUIRED if strict else frozenset(),
    )


def _source(site: Site, item: OAuth2Scheme, *place: str | int) -> Source | None:
    if item.jwks is None:
        return Source(f"issuer {item.issuer}", url=f"issuer {item.issuer}", issuer=item.issuer)
    if item.jwks.startswith(("https://", "http://")):
        return Source(item.jwks, url=item.jwks)
    data = site.read_path(item.jwks, "the key set", *place, "jwks")
    if data is None:
        return None
    try:
        return Source(source_name(site, *place), keys=parse_jwks(data))
    except BadKeys as error:
        site.problem(str(error), *place, "jwks")
        return None


def _introspection(site: Site, item: OAuth2Scheme, *place: str | int) -> str:
    asked = item.introspection
    if asked is None:
        return ""
    secret = site.secret(asked.client_secret, "the client secret", *place, "introspection", "client_secret")
    name = source_name(site, *place)
    # An answer need not have all that RFC 9068 asks of a JWT.
    rules = msgspec.structs.replace(_rules(item), required=frozenset())
    site.introspectors.append(
        Introspector(
            name=name,
            rules=rules,
            url=asked.url or "",
            issuer=item.issuer,
            client_id=asked.client_id,
            client_secret=secret or b"",
            cache=asked.cache,
            stale=asked.stale,
        )
    )
    return name


def _own(site: Site, item: OAuth2Scheme, *place: str | int) -> str:
    """Tokens of our own service are looked up where they are kept, whichever form they have."""
    if item.jwks is not None or item.introspection is not None:
        site.problem("these are our own tokens, whose keys are at hand: state neither jwks nor introspection", *place)
    site.hash_key()
    name = source_name(site, *place)
    # Opaque tokens have all that RFC 9068 asks for too.
    site.own_rules[name] = _rules(item)
    return name


# Metadata of the protected resource (RFC 9728).


def _metadata_url(resource: str) -> str:
    """Section 3.1: the well-known name goes between host and path."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path.rstrip('/')}"


def metadata_document(site: Site, item: OAuth2Scheme, all_items: Sequence[OAuth2Scheme]) -> tuple[str, Response] | None:
    """Path and response; None where the policy does not name the resource."""
    if item.resource is None:
        return None
    same = [each for each in all_items if each.resource in (None, item.resource)]
    document: dict[str, Any] = {
        "resource": item.resource,
        "authorization_servers": sorted({each.issuer for each in same}),
        "bearer_methods_supported": ["header"],
        "resource_name": site.api.name,
    }
    scopes = sorted({scope for each in same for scope in each.scopes})
    if scopes:
        document["scopes_supported"] = scopes
    if any(each.sender_constrained == "mtls" for each in same):
        document["tls_client_certificate_bound_access_tokens"] = True
    if any(each.sender_constrained == "dpop" for each in same):
        document["dpop_bound_access_tokens_required"] = True
    headers = Headers.of((("content-type", "application/json"), ("cache-control", "max-age=300")))
    path = urlsplit(_metadata_url(item.resource)).path
    return path, Response(200, headers, msgspec.json.encode(document))
