"""`exposure:` what responses may reveal."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from stockade.config.base import Secret, Section
from stockade.config.sections.exposure_browsers import CookieSection, CorsSection, CsrfSection, crossing, destinations
from stockade.config.sections.exposure_envelopes import EnvelopesSection, requests, responses
from stockade.config.sections.exposure_fields import FieldAccess
from stockade.config.site import Site
from stockade.config.texts import HeaderName, Host
from stockade.config.units import Flag
from stockade.controls.exposure import Exposure
from stockade.controls.exposure.errors import Errors
from stockade.engine import Binding
from stockade.vocabulary import Control

REVEALING = ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-runtime", "x-generator", "via"]


class ExposureSection(Section):
    """Headers, errors, fields, redirects, cookies, and what other sites' pages may do."""

    security_headers: Flag = Field(True, description="Add the headers that tell browsers to be careful.")
    no_store: Flag = Field(True, description="Responses to a known principal are kept by no cache, unless they say so.")
    hide_errors: Flag = Field(True, description="Replace the body of upstream 5xx responses by problem details.")
    hide_traces: Flag = Field(False, description="Replace 4xx bodies that look like stack traces as well.")
    uniform_errors: Flag = Field(False, description="Replace all 4xx bodies that are no problem details.")
    remove_headers: list[HeaderName] = Field(REVEALING, description="Response headers that tell of the machinery.")
    responses: Literal["block", "monitor", "strip", "off"] = Field(
        "off",
        description="Hold responses to the description. strip: remove what is not declared; block: refuse such (502).",
    )
    fields: dict[str, FieldAccess] = Field(
        {}, description='Who may see what, as in {"User.email": {scopes: [pii:read], else: mask}} or "$.items[*].email"'
    )
    hash_key: Secret | None = Field(None, description="For `else: hash`: 16 bytes or more.")
    redirects: list[Host] | None = Field(
        None, description="Hosts that Location, Refresh and Link may name besides the API's own; unset: any."
    )
    cookies: CookieSection | None = None
    cors: CorsSection | None = None
    csrf: CsrfSection | None = None
    envelopes: EnvelopesSection | None = Field(None, description="Signed and encrypted bodies (JOSE).")

    @field_validator("remove_headers")
    @classmethod
    def _lower(cls, names: list[str]) -> list[str]:
        return [name.lower() for name in names]


def make_early(site: Site) -> list[Binding]:
    """What must come before authentication: preflight requests carry no credential."""
    section = site.api.exposure
    if section.mode == "off":
        return []
    control = crossing(site, section.cors, section.csrf)
    return [site.bind(control, section, "exposure")] if control is not None else []


def make_open(site: Site) -> list[Binding]:
    """What must come before all who read request bodies: nothing can be read in a sealed one."""
    section = site.api.exposure
    if section.mode == "off":
        return []
    control = requests(site, section.envelopes)
    if control is not None and control.opens and section.mode == "monitor":
        site.warn("bodies are not opened in mode monitor: who reads them sees them sealed", "exposure", "envelopes")
    return [site.bind(control, section, "exposure")] if control is not None else []


def make(site: Site) -> list[Binding]:
    """Bodies first, so that heads are finished when they leave."""
    section = site.api.exposure
    if section.mode == "off":
        return []
    authentication = site.api.authentication
    controls = [
        _bodies(site, section),
        destinations(site, section.redirects, section.cookies),
        Errors(traces=section.hide_traces, uniform=section.uniform_errors)
        if section.hide_traces or section.uniform_errors
        else None,
        Exposure(
            security_headers=section.security_headers,
            hide_errors=section.hide_errors,
            remove_headers=section.remove_headers,
            no_store=section.no_store and authentication is not None and authentication.mode != "off",
        ),
        responses(site, section.envelopes),  # nothing can be read in a sealed body
    ]
    return [site.bind(control, section, "exposure") for control in controls if control is not None]


def _bodies(site: Site, section: ExposureSection) -> Control | None:
    if section.responses == "off" and not section.fields:
        return None
    from stockade.config.sections.exposure_bodies import bodies  # the description's machinery is for those who need it

    return bodies(site, section.responses, section.fields, section.hash_key)
