"""The section itself: which schemes, in which combination, and what some operations ask for beyond them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import Field, model_validator

from stockade.config.base import Model, Section
from stockade.config.sections.authentication.api_key import ApiKeyScheme, make_api_key
from stockade.config.sections.authentication.aws4 import Aws4Scheme, make_aws4
from stockade.config.sections.authentication.basic import BasicScheme, make_basic
from stockade.config.sections.authentication.certificate import CertificateScheme, make_certificate
from stockade.config.sections.authentication.jwt import JwtScheme, make_jwt
from stockade.config.sections.authentication.oauth2 import OAuth2Scheme, make_oauth2, metadata_document
from stockade.config.sections.authentication.oidc import OidcScheme, make_oidc
from stockade.config.sections.authentication.signature import SignatureScheme, make_signature
from stockade.config.sections.authentication.webhook import WebhookScheme, make_webhook
from stockade.config.site import Site
from stockade.config.texts import Operation
from stockade.config.units import PositiveDuration
from stockade.controls.authentication import Scheme, StepUp, all_of, authentication
from stockade.engine import Binding
from stockade.operations import OperationTable

_MAKERS: dict[str, Callable[..., Scheme | None]] = {
    "api_key": make_api_key,
    "jwt": make_jwt,
    "oauth2": make_oauth2,
    "oidc": make_oidc,
    "signature": make_signature,
    "webhook": make_webhook,
    "aws4": make_aws4,
    "certificate": make_certificate,
    "basic": make_basic,
}


class SchemeItem(Model):
    """One way to authenticate, or several that must all be good."""

    api_key: ApiKeyScheme | None = None
    jwt: JwtScheme | None = None
    oauth2: OAuth2Scheme | None = None
    oidc: OidcScheme | None = None
    signature: SignatureScheme | None = None
    webhook: WebhookScheme | None = None
    aws4: Aws4Scheme | None = None
    certificate: CertificateScheme | None = None
    basic: BasicScheme | None = None
    all_of: list[SchemeItem] | None = Field(None, min_length=1, description="Each of these; the first says who asks.")

    @model_validator(mode="after")
    def _exactly_one(self) -> SchemeItem:
        if len([name for name in type(self).model_fields if getattr(self, name) is not None]) != 1:
            raise ValueError(f"each entry has exactly one of {', '.join(type(self).model_fields)}")
        return self

    def leaves(self) -> Iterator[SchemeItem]:
        """The entries without further ones in them."""
        if self.all_of is None:
            yield self
        else:
            for item in self.all_of:
                yield from item.leaves()


class StepUpItem(Model):
    """What some operations ask for beyond a good credential (RFC 9470)."""

    operations: list[Operation] = Field(min_length=1, description='Which, as in ["POST /transfers"]')
    acr: str | list[str] | None = Field(
        None, description="Accepted authentication contexts (`acr`) or methods (`amr`)."
    )
    max_age: PositiveDuration | None = Field(None, description="How long ago the login itself may be, as in 5m.")

    @model_validator(mode="after")
    def _something(self) -> StepUpItem:
        for text in self.accepted:
            if not text or not text.isascii() or not text.isprintable() or any(char in text for char in ' "\\'):
                raise ValueError("an acr is a text without blanks, quotes and backslashes")
        if not self.accepted and self.max_age is None:
            raise ValueError("a step-up asks for acr, max_age or both")
        return self

    @property
    def accepted(self) -> tuple[str, ...]:
        return () if self.acr is None else (self.acr,) if isinstance(self.acr, str) else tuple(self.acr)


class AuthenticationSection(Section):
    """Any one of the schemes is enough, or all are needed. Operations under `anonymous` need none."""

    any_of: list[SchemeItem] = Field([], description="Accepted credentials, as in [{api_key: {header: X-API-Key}}]")
    all_of: list[SchemeItem] = Field([], description="Credentials that must all be good; the first says who asks.")
    anonymous: list[Operation] = Field([], description='Operations that need no credential, such as "GET /health".')
    step_up: list[StepUpItem] = Field([], description="Operations that need a stronger or more recent login.")

    @model_validator(mode="after")
    def _something(self) -> AuthenticationSection:
        if not self.any_of and not self.all_of and self.mode != "off":
            raise ValueError("any_of must say which credentials are good, as in [{api_key: {header: X-API-Key}}]")
        if self.any_of and self.all_of:
            raise ValueError("any_of and all_of stand side by side; write any_of: [{all_of: [...]}, ...]")
        return self

    @model_validator(mode="after")
    def _one_login(self) -> AuthenticationSection:
        alone = [item for item in self.any_of if item.oidc is not None]
        every = [item for item in self.leaves() if item.oidc is not None]
        if len(every) != len(alone) or len(alone) > 1:
            raise ValueError(
                "oidc stands once, and in any_of: it sends people away to log in, which others cannot join"
            )
        return self

    def leaves(self) -> Iterator[SchemeItem]:
        """Every single scheme in it."""
        for item in (*self.any_of, *self.all_of):
            yield from item.leaves()


def make(site: Site) -> list[Binding]:
    section = site.api.authentication
    if section is None or section.mode == "off":
        return []
    key = "any_of" if section.any_of else "all_of"
    found = [_scheme(site, item, "authentication", key, index) for index, item in enumerate(getattr(section, key))]
    schemes = [scheme for scheme in found if scheme is not None]
    site.carriers.update(carrier for scheme in schemes for carrier in scheme.carriers)
    if key == "all_of" and len(schemes) > 1:
        schemes = [all_of(schemes)]
    control = authentication(
        realm=site.api.name,
        any_of=schemes,
        anonymous=OperationTable(section.anonymous),
        step_up=[StepUp(OperationTable(item.operations), item.accepted, item.max_age) for item in section.step_up],
        documents=_documents(site, section),
    )
    return [site.bind(control, section, "authentication")]


def _scheme(site: Site, item: SchemeItem, *place: str | int) -> Scheme | None:
    if item.all_of is not None:
        found = [_scheme(site, each, *place, "all_of", index) for index, each in enumerate(item.all_of)]
        schemes = [scheme for scheme in found if scheme is not None]
        return all_of(schemes) if len(schemes) == len(found) else None
    name = next(name for name in _MAKERS if getattr(item, name) is not None)
    return _MAKERS[name](site, getattr(item, name), *place, name)


def _documents(site: Site, section: AuthenticationSection) -> dict[str, Any]:
    """The metadata of what the API is to its clients (RFC 9728), by path."""
    items = [item.oauth2 for item in section.leaves() if item.oauth2 is not None]
    return dict(filter(None, (metadata_document(site, item, items) for item in items)))


SchemeItem.model_rebuild()
