"""`leaks:` data loss prevention on response bodies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from stockade.config.base import Section
from stockade.config.errors import did_you_mean, written
from stockade.config.site import Site
from stockade.config.texts import Operation
from stockade.config.units import Size
from stockade.engine import Binding

_LARGEST_HELD = 512 << 10
_ACTIONS = ("report", "mask", "remove", "block", "off")
_ALL = "all"


def _choices(value: Any) -> Any:
    """By detector what is done about it; `all` says it of those that are not named."""
    if value == "default":
        return {}
    if not isinstance(value, dict):
        raise ValueError(f'{written(value)} is neither "default" nor a list such as {{cards: mask}}')  # noqa: TRY004
    known = _names()
    wrong = []
    for name, action in value.items():
        action = "off" if action is False else action  # YAML 1.1 reads a bare `off` so
        if name not in known:
            wrong.append(f"{written(name)} is no detector{did_you_mean(str(name), known)}")
        elif action not in _ACTIONS:
            wrong.append(f"{name}: {written(action)} is none of {', '.join(_ACTIONS)}")
    if wrong:
        raise ValueError("; ".join(wrong))
    said = {name: "off" if action is False else str(action) for name, action in value.items()}
    rest = said.pop(_ALL, None)
    return said if rest is None else {name: said.get(name, rest) for name in known if name != _ALL}


def _names() -> list[str]:
    from stockade.detectors import DETECTORS  # RE2 and the rest of it are for those who look for leaks

    return [*DETECTORS, _ALL]


class _ChoicesSchema:
    """The JSON Schema of the choices, made when it is asked for."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        actions = {"enum": list(_ACTIONS)}
        properties = dict.fromkeys(_names(), actions)
        by_detector = {"type": "object", "properties": properties, "additionalProperties": False}
        return {"anyOf": [{"const": "default"}, by_detector]}


Choices = Annotated[dict[str, str], BeforeValidator(_choices), _ChoicesSchema()]


class LeaksSection(Section):
    """What response bodies must not carry out, and what is done about it."""

    detectors: Choices = Field(
        {}, description='"default", or by detector: report, mask, remove, block or off; "all" for those not named.'
    )
    operations: dict[Operation, Choices] = Field(
        {}, description='What differs for some operations, {"GET /me": {emails: report}}.'
    )
    hold: Size = Field(
        64 << 10,
        le=_LARGEST_HELD,
        description="How much of a response is kept back until it is let go, so that it can be refused whole.",
    )
    encoded: Literal["block", "pass"] = Field(
        "block", description="What becomes of a body in a coding that cannot be read (br, zstd)."
    )


def make(site: Site) -> list[Binding]:
    section = site.api.leaks
    if section is None or section.mode == "off":
        return []
    from stockade.config.sections.leaks_rules import make_with

    return make_with(site, section)
