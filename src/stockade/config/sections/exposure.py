"""`exposure:` what responses may reveal."""

from __future__ import annotations

from pydantic import Field, field_validator

from stockade.config.base import Section
from stockade.config.site import Site
from stockade.config.texts import HeaderName
from stockade.config.units import Flag
from stockade.controls.exposure import Exposure
from stockade.engine import Binding

REVEALING = ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-runtime", "x-generator", "via"]


class ExposureSection(Section):
    """Security headers, revealing headers, error bodies."""

    security_headers: Flag = Field(True, description="Add the headers that tell browsers to be careful.")
    hide_errors: Flag = Field(True, description="Replace the body of upstream 5xx responses by problem details.")
    remove_headers: list[HeaderName] = Field(REVEALING, description="Response headers that tell of the machinery.")

    @field_validator("remove_headers")
    @classmethod
    def _lower(cls, names: list[str]) -> list[str]:
        return [name.lower() for name in names]


def make(site: Site) -> list[Binding]:
    section = site.api.exposure
    if section.mode == "off":
        return []
    control = Exposure(
        security_headers=section.security_headers,
        hide_errors=section.hide_errors,
        remove_headers=section.remove_headers,
    )
    return [site.bind(control, section, "exposure")]
