"""`partners:` hold the callers who are partners (`stockade partners`) to their terms."""

from __future__ import annotations

from pydantic import Field

from stockade.config.base import Section
from stockade.config.site import Site
from stockade.config.units import Flag
from stockade.controls.partners import Partners
from stockade.engine import Binding


class PartnersSection(Section):
    """A partner's networks, expiry and quota, whichever of its credentials a request brings."""

    required: Flag = Field(False, description="Whether callers who are no partners are refused.")


def make(site: Site) -> list[Binding]:
    section = site.api.partners
    if section is None or section.mode == "off":
        return []
    authentication = site.api.authentication
    if authentication is None:
        site.problem("partners are known by their credentials: the API needs `authentication`", "partners")
        return []
    if authentication.mode == "off":
        return []
    site.uses_database = True
    return [site.bind(Partners(required=section.required), section, "partners")]
