"""`schema.soap:` a SOAP endpoint."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stockade.config.base import Model
from stockade.config.site import Site
from stockade.config.texts import FilePath, UrlPath
from stockade.config.units import Flag
from stockade.graphql.paths import Place


class SoapSection(Model):
    """What may be called at one path, and with what: by a WSDL 1.1, or by XML Schemas and a list of operations."""

    path: UrlPath = Field("/soap", description="Where the endpoint is; nothing else under it is let through.")
    wsdl: FilePath | None = Field(None, description="The WSDL; what it imports is read from beside it.")
    xsd: list[FilePath] = Field([], description="In place of a WSDL: XML Schemas.")
    operations: list[str] = Field(
        [], description="Those that may be called, by name; default: all of the WSDL. With xsd, names of elements."
    )
    headers: list[str] = Field(
        [], description="Namespaces whose header blocks pass unchecked, such as that of WS-Security."
    )
    publish_wsdl: Flag = Field(False, description="Let clients fetch the WSDL (GET ?wsdl).")
    faults: Literal["soap", "problem"] = Field(
        "soap", description="How refusals are said: as SOAP faults, or as problem details."
    )

    @model_validator(mode="after")
    def _one_source(self) -> SoapSection:
        if (self.wsdl is None) == (not self.xsd):
            raise ValueError("either wsdl or xsd says what may be called")
        if self.xsd and not self.operations:
            raise ValueError("with xsd, operations must list the elements that may be called")
        return self


def place_of(site: Site) -> Place | None:
    """Which paths are those of a SOAP endpoint, whose operations have names of their own."""
    section = site.api.schema_
    if section is None or section.mode == "off" or section.soap is None:
        return None
    return Place(section.soap.path)
