"""`leaks:` data loss prevention on response bodies."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, WithJsonSchema

from stockade.config.base import Section
from stockade.config.errors import did_you_mean, written
from stockade.config.site import Site
from stockade.config.texts import Operation
from stockade.config.units import Size
from stockade.controls.leaks import LeakRule, Leaks
from stockade.detectors import DETECTORS, Action
from stockade.engine import Binding
from stockade.operations import OperationTable

_LARGEST_HELD = 512 << 10
_ACTIONS = ("report", "mask", "remove", "block", "off")
_ALL = "all"


def _choices(value: Any) -> Any:
    """By detector what is done about it; `all` is for those that are not named."""
    if value == "default":
        return {}
    if not isinstance(value, dict):
        raise ValueError(f'{written(value)} is neither "default" nor a list such as {{cards: mask}}')  # noqa: TRY004
    wrong = []
    for name, action in value.items():
        action = "off" if action is False else action  # YAML 1.1 reads a bare `off` so
        if name != _ALL and name not in DETECTORS:
            wrong.append(f"{written(name)} is no detector{did_you_mean(str(name), [*DETECTORS, _ALL])}")
        elif action not in _ACTIONS:
            wrong.append(f"{name}: {written(action)} is none of {', '.join(_ACTIONS)}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return {name: "off" if action is False else str(action) for name, action in value.items()}


_NAMES = [*DETECTORS, _ALL]
Choices = Annotated[
    dict[str, str],
    BeforeValidator(_choices),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "default"},
                {
                    "type": "object",
                    "properties": {name: {"enum": list(_ACTIONS)} for name in _NAMES},
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


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
    general = _actions(section.detectors, {name: one.action for name, one in DETECTORS.items()})
    rules = [
        LeakRule(_actions(choices, general), OperationTable([operation]))
        for operation, choices in section.operations.items()
    ]
    if not general and not any(rule.actions for rule in rules):
        site.problem("leaks looks for nothing: every detector is off", "leaks", "detectors")
        return []
    control = Leaks([*rules, LeakRule(general)], hold=section.hold, encoded=section.encoded)
    return [site.bind(control, section, "leaks")]


def _actions(choices: dict[str, str], otherwise: dict[str, Action]) -> dict[str, Action]:
    """By detector that is on, what is done; `choices` over what holds otherwise."""
    actions: dict[str, Action] = {}
    for name in DETECTORS:
        action = choices.get(name) or choices.get(_ALL) or otherwise.get(name, "off")
        if action != "off":
            actions[name] = cast(Action, action)
    return actions
