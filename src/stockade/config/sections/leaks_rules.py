"""What `leaks:` becomes: by operation, which detectors are on and what each does."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from stockade.config.site import Site
from stockade.controls.leaks import LeakRule, Leaks
from stockade.detectors import DETECTORS, Action
from stockade.engine import Binding
from stockade.operations import OperationTable

if TYPE_CHECKING:
    from stockade.config.sections.leaks import LeaksSection


def make_with(site: Site, section: LeaksSection) -> list[Binding]:
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
        action = choices.get(name) or otherwise.get(name, "off")
        if action != "off":
            actions[name] = cast(Action, action)
    return actions
