"""`waf:` rules over the content of requests."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from stockade.config.base import Model, Section
from stockade.config.site import Site
from stockade.config.texts import FilePath, Operation
from stockade.config.units import Flag, Size
from stockade.engine import Binding

_LEVELS = Literal[1, 2, 3, 4]


class ExclusionSection(Model):
    """What lets honest requests pass that a rule takes for an attack. The narrower, the better."""

    rules: list[int | str] = Field([], description='Ids, 942100, or ranges, "942100-942199".')
    tags: list[str] = Field([], description="Tags of rules, attack-sqli.")
    operations: list[Operation] = Field([], description='"POST /notes"; empty: all.')
    targets: list[str] = Field(
        [], description='What the rules shall not look at: "ARGS:body", "$.items[*].note"; empty: they are off.'
    )
    reason: str = Field("", description="Why this is right, for whoever comes after you.")


class WafSection(Section):
    """OWASP CRS, our own rules, or yours."""

    rules: Literal["builtin", "crs"] | list[FilePath] = Field(
        "builtin", description="builtin: Stockade's own. crs: the OWASP Core Rule Set that is installed. Or rule files."
    )
    paranoia: _LEVELS = Field(1, description="The paranoia level whose rules block.")
    detection_paranoia: _LEVELS | None = Field(None, description="The level whose rules report; default: the same.")
    undescribed_paranoia: _LEVELS = Field(
        4, description="The level for arguments that the API's description does not name, where it is not strict."
    )
    inbound_threshold: int = Field(5, ge=1, description="The anomaly score at which a request is refused.")
    outbound_threshold: int = Field(4, ge=1, description="The anomaly score at which a response is withheld.")
    setup: dict[str, str | int] = Field({}, description="Other variables of the rule set, without the leading tx.")
    exclusions: list[ExclusionSection] = Field([], description="What rules shall not look at, and where.")
    body_limit: Size = Field(1 << 17, description="How much of a body is inspected; structured ones may not be longer.")
    responses: Flag = Field(False, description="Inspect responses as well; they are then held until complete.")

    streams: Flag = Field(
        False, description="Inspect the client's messages in WebSockets and gRPC calls, body_limit each at most."
    )

    @field_validator("rules", mode="before")
    @classmethod
    def _one_file(cls, value: object) -> object:
        return [value] if isinstance(value, str) and value not in ("builtin", "crs") else value


def make(site: Site) -> list[Binding]:
    section = site.api.waf
    if section is None or section.mode == "off":
        return []
    from stockade.config.sections.waf_rules import make_with  # Hyperscan and RE2 are for those who have a WAF

    return make_with(site, section)
