"""`schema:` what a valid request is, by the API's description or by schemas of the policy."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from stockade.config.base import Model, Section
from stockade.config.sections.graphql import place_of
from stockade.config.sections.soap import SoapSection
from stockade.config.site import Site
from stockade.config.texts import FilePath, HeaderName, MediaType, Operation
from stockade.config.units import Count, Flag, Size
from stockade.controls.structure import Structure
from stockade.engine import Binding
from stockade.operations import OVERRIDES
from stockade.payloads import Limits

_LIMITS = Limits()
# For an API of which nobody has said anything: what is honest somewhere must pass. The body's size bounds its texts.
_UNSTATED = Limits(string=1 << 30, integer=2**63 - 1)


class BodyLimits(Model):
    """Limits of the structure of a body, whoever describes it."""

    depth: Count = Field(_LIMITS.depth, ge=1, description="Objects, lists or elements within one another.")
    members: Count = Field(_LIMITS.members, description="Names in all JSON objects together.")
    items: Count = Field(_LIMITS.items, description="Items in all JSON arrays together.")
    name: Count = Field(_LIMITS.name, ge=1, description="Characters of a name.")
    string: Size = Field(_LIMITS.string, description="Characters of one text.")
    number: Count = Field(_LIMITS.number, ge=1, description="Characters of a JSON number.")
    integer: Count = Field(
        _LIMITS.integer, ge=1, description="The largest JSON integer; above 2^53-1 some readers lose digits."
    )
    fields: Count = Field(_LIMITS.fields, description="Fields of a form.")
    parts: Count = Field(_LIMITS.parts, description="Parts of a multipart body.")
    files: Count = Field(_LIMITS.files, description="Files in a multipart body.")
    file: Size = Field(_LIMITS.file, description="The size of one file.")
    file_types: list[MediaType] = Field([], description="Types that files may be of; empty: all that are known.")
    archive_ratio: Count = Field(_LIMITS.archive_ratio, ge=1, description="Unpacked over packed size of an archive.")
    archive_size: Size = Field(_LIMITS.archive_size, description="Unpacked size of an archive.")
    elements: Count = Field(_LIMITS.elements, ge=1, description="Elements of an XML body.")

    def limits(self) -> Limits:
        fields = self.model_dump()
        return Limits(**{**fields, "file_types": frozenset(fields["file_types"])})


class OperationSchema(Model):
    """What one operation takes."""

    request: dict[str, Any] | FilePath | None = Field(
        None, description="JSON Schema (2020-12) of the JSON body, or a file with it."
    )
    xml: list[FilePath] = Field([], description="XML Schemas of the XML body: files.")

    @model_validator(mode="after")
    def _says_something(self) -> OperationSchema:
        if self.request is None and not self.xml:
            raise ValueError("request or xml says what the body may be")
        return self


class SchemaSection(Section):
    """Requests are checked against the API's description (`openapi`), and bodies held to limits of structure."""

    undocumented: Literal["block", "monitor", "allow"] | None = Field(
        None, description="Paths and methods that are not described. Default: block with a description, else allow."
    )
    strict: Flag = Field(False, description="Refuse query parameters, bodies and properties that are not described.")
    refused_headers: list[HeaderName] = Field(
        list(OVERRIDES), description="Headers that, with strict, only operations that describe them may get."
    )
    status: Literal[400, 422] = Field(400, description="The status of the answer to an invalid request.")
    preflight: Flag = Field(False, description="Let CORS preflight requests pass on paths that are described.")
    limits: BodyLimits = BodyLimits()
    operations: dict[Operation, OperationSchema] = Field(
        {}, description='Schemas of bodies, as in {"POST /orders": {request: order.json}}'
    )
    soap: SoapSection | None = None


def make(site: Site) -> list[Binding]:
    stated = site.api.schema_
    section = stated or SchemaSection()
    if section.mode == "off":
        return []
    if site.api.openapi is None and not section.operations and section.soap is None:
        limits = section.limits.limits() if stated is not None else _UNSTATED
        graphql = place_of(site) if site.api.graphql is not None and site.api.graphql.mode == "block" else None
        structure = Structure(limits, files=stated is not None, elsewhere=graphql or (lambda _: False))
        return [site.bind(structure, section, "schema")]
    from stockade.config.sections.schema_contract import make_with  # validators are for those who have schemas

    return make_with(site, section)
