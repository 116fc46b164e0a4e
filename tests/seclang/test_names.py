"""The tables: every name is understood in any case, aliases lead to one name, and what is refused says why."""

from __future__ import annotations

import pytest

from stockade.seclang import Directive, Rule, parse, parse_actions, parse_targets
from stockade.seclang.actions import ACTIONS, DISRUPTIVE
from stockade.seclang.control import OPTIONS
from stockade.seclang.directives import DIRECTIVES
from stockade.seclang.names import (
    COLLECTIONS,
    OPERATOR_NAMES,
    OPERATORS,
    PLAIN,
    REFUSED_OPERATORS,
    REFUSED_VARIABLES,
    TRANSFORMATION_NAMES,
    TRANSFORMATIONS,
    VARIABLE_ALIASES,
    WITHOUT_ARGUMENT,
)

ARGUMENTS = {
    "accuracy": "1",
    "allow": "phase",
    "ctl": "ruleEngine=On",
    "expirevar": "ip.x=1",
    "id": "7",
    "initcol": "ip=1",
    "maturity": "9",
    "phase": "2",
    "setvar": "tx.x=1",
    "severity": "2",
    "skip": "1",
    "status": "403",
    "t": "none",
    "xmlns": "a=b",
}
CONTROLS = {
    "auditEngine": "On",
    "auditLogParts": "+E",
    "forceRequestBodyVariable": "On",
    "requestBodyAccess": "Off",
    "requestBodyProcessor": "json",
    "responseBodyAccess": "On",
    "ruleEngine": "DetectionOnly",
    "ruleRemoveByMsg": "x",
    "ruleRemoveByTag": "x",
    "ruleRemoveTargetById": "1;ARGS",
    "ruleRemoveTargetByMsg": "x;ARGS:x",
    "ruleRemoveTargetByTag": "x;REQUEST_COOKIES:/^x/",
}
SETTINGS = {
    "SecArgumentSeparator": "&",
    "SecAuditEngine": "RelevantOnly",
    "SecAuditLogDirMode": "0700",
    "SecAuditLogFileMode": "default",
    "SecAuditLogFormat": "JSON",
    "SecAuditLogParts": "ABZ",
    "SecAuditLogType": "Serial",
    "SecCookieFormat": "0",
    "SecParseXmlIntoArgs": "OnlyArgs",
    "SecRequestBodyAccess": "On",
    "SecRequestBodyLimitAction": "Reject",
    "SecResponseBodyAccess": "Off",
    "SecResponseBodyLimitAction": "ProcessPartial",
    "SecResponseBodyMimeTypesClear": "",
    "SecRuleEngine": "Off",
    "SecStatusEngine": "On",
    "SecTmpSaveUploadedFiles": "Off",
    "SecUploadFileMode": "0600",
    "SecUploadKeepFiles": "Off",
}


@pytest.mark.parametrize("name", sorted(PLAIN | COLLECTIONS))
def test_variables(name: str) -> None:
    for written in (name, name.lower(), f"&{name}", f"!{name}"):
        (target,) = parse_targets(written)
        assert target.collection == name
    key = ".x" if name in COLLECTIONS else ""
    assert parse(f'SecRule {name} "x" "id:1,msg:%{{{name.lower()}{key}}}"').problems == ()


@pytest.mark.parametrize("name", sorted(COLLECTIONS))
def test_collections_have_keys(name: str) -> None:
    (target,) = parse_targets(f"{name}:x")
    assert (target.collection, target.key, target.pattern) == (name, "x", None)


def test_aliases_of_variables() -> None:
    for alias, name in VARIABLE_ALIASES.items():
        assert parse_targets(alias)[0].collection == name
        assert name in PLAIN | COLLECTIONS


@pytest.mark.parametrize("name", sorted(REFUSED_VARIABLES))
def test_refused_variables(name: str) -> None:
    (problem,) = parse(f'SecRule {name} "x" "id:1"').problems
    assert "is refused" in problem.text


@pytest.mark.parametrize("name", OPERATOR_NAMES)
def test_operators(name: str) -> None:
    canonical = OPERATORS[name.lower()]
    argument = "" if canonical in WITHOUT_ARGUMENT else " x"
    for written in (name, name.upper()):
        parsed = parse(f'SecRule ARGS "!@{written}{argument}" "id:1"')
        if canonical in REFUSED_OPERATORS:
            assert "is refused" in parsed.problems[0].text
            continue
        assert parsed.problems == ()
        (rule,) = parsed.statements
        assert isinstance(rule, Rule)
        assert rule.operator is not None
        assert (rule.operator.name, rule.operator.negated) == (canonical, True)


@pytest.mark.parametrize("name", TRANSFORMATION_NAMES)
def test_transformations(name: str) -> None:
    for written in (name, name.upper()):
        (action,) = parse_actions(f"t:{written}")
        assert action.argument == TRANSFORMATIONS[name.lower()]
    assert TRANSFORMATIONS["normalizepath"] == "normalisepath"


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_actions(name: str) -> None:
    form = ACTIONS[name]
    value = ARGUMENTS.get(form.name, "x")
    with_value, without = f"id:1,{name}:{value}", f"id:1,{name}"
    if form.name == "id":
        with_value, without = "id:7", "id"
    good = {"never": (without,), "may": (without, with_value), "must": (with_value,)}[form.argument]
    for actions in (without, with_value):
        problems = parse(f'SecAction "{actions}"\nSecAction "nolog"\nSecMarker x').problems
        assert (problems == ()) == (actions in good and not form.refused), actions
        if form.refused:
            assert "is refused" in problems[0].text


def test_what_is_disruptive() -> None:
    assert {"allow", "block", "deny", "drop", "pass", "pause", "proxy", "redirect"} == DISRUPTIVE


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_controls(option: str) -> None:
    value = CONTROLS.get(option, "1")
    assert parse(f'SecAction "id:1,ctl:{option.lower()}={value}"').problems == ()
    assert len(parse(f'SecAction "id:1,ctl:{option}="').problems) == 1


@pytest.mark.parametrize("form", [form for form in DIRECTIVES.values() if form.kind == "setting" and not form.refused])
def test_settings(form: object) -> None:
    name = getattr(form, "name")  # noqa: B009 pytest prints the name of the whole form otherwise
    argument = SETTINGS.get(name, "1")
    parsed = parse(f"{name.upper()} {argument}".rstrip())
    assert parsed.problems == ()
    (directive,) = parsed.statements
    assert isinstance(directive, Directive)
    assert (directive.name, directive.arguments) == (name, (argument,) if argument else ())


@pytest.mark.parametrize("form", [form for form in DIRECTIVES.values() if form.refused], ids=lambda form: form.name)
def test_refused_settings(form: object) -> None:
    name, harmless = getattr(form, "name"), getattr(form, "harmless")  # noqa: B009
    (problem,) = parse(f'{name} On "x"').problems
    assert problem.text.startswith(f"{name} is refused: ")
    if harmless:
        parsed = parse(f"{name} {harmless}")
        assert (parsed.statements, parsed.problems) == ((), ())


def test_all_of_the_reference_is_there() -> None:
    assert len(DIRECTIVES) >= 90
    for form in DIRECTIVES.values():
        assert not (form.refused and form.without_effect)
