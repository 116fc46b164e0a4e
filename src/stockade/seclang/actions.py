"""The table of actions: what may stand in the last argument of SecRule, SecAction and SecDefaultAction.

One line per action: its group, whether it takes an argument, and what checks that argument. A check returns what is
wrong, or "" when all is well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from stockade.seclang.control import wrong_control
from stockade.seclang.names import PERSISTENT, TRANSFORMATION_NAMES, TRANSFORMATIONS
from stockade.seclang.problems import Hints, shown

Group = Literal["disruptive", "flow", "metadata", "data", "logging", "other"]
Needs = Literal["never", "may", "must"]
Check = Callable[[str, Hints], str]


class Form(Struct, frozen=True):
    """One action. `refused` says why it cannot be honoured; `without_effect` why it may be ignored."""

    name: str  # as people write it
    group: Group
    argument: Needs = "never"
    check: Check | None = None
    macros: bool = False  # the argument may hold %{…}
    refused: str = ""
    without_effect: str = ""


SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
PHASES: Mapping[str, str] = {
    "request": "2",
    "response": "4",
    "logging": "5",
    **{number: number for number in ("1", "2", "3", "4", "5")},
}
LARGEST_ID = 2**63 - 1

_WRITABLE = ("TX", *sorted(PERSISTENT))
_NUMBER = re.compile(r"[0-9]{1,19}\Z")
_COLLECTION = re.compile(r"([A-Za-z]++)[.:](.++)\Z", re.DOTALL)


def _id(text: str, _: Hints) -> str:
    if _NUMBER.match(text) and 0 < int(text) <= LARGEST_ID:
        return ""
    comma = "; is a comma missing?" if " " in text else ""
    return f"the id must be a whole number from 1 to 2⁶³-1, not {shown(text)}{comma}"


def _phase(text: str, _: Hints) -> str:
    if text.lower() in PHASES:
        return ""
    return f"the phase must be 1, 2, 3, 4, 5, request, response or logging, not {shown(text)}"


def _severity(text: str, hints: Hints) -> str:
    if text.lower() in SEVERITIES or (len(text) == 1 and text in "01234567"):
        return ""
    known = hints.did_you_mean(text, SEVERITIES) or f"; there are 0 to 7 and {', '.join(SEVERITIES)}"
    return f"unknown severity {shown(text)}{known}"


def _status(text: str, _: Hints) -> str:
    good = len(text) == 3 and text.isascii() and text.isdigit() and "1" <= text[0] <= "5"
    return "" if good else f"the status must be a number from 100 to 599, not {shown(text)}"


def _grade(text: str, _: Hints) -> str:
    if _NUMBER.match(text) and int(text) <= 10:
        return ""
    return f"accuracy and maturity are numbers from 0 to 10, not {shown(text)}"


def _allow(text: str, _: Hints) -> str:
    return "" if text.lower() in ("phase", "request") else f"allow takes phase or request, not {shown(text)}"


def _skip(text: str, _: Hints) -> str:
    return "" if _NUMBER.match(text) and int(text) else f"skip takes a number of rules from 1, not {shown(text)}"


def _transformation(text: str, hints: Hints) -> str:
    if text.lower() in TRANSFORMATIONS:
        return ""
    return f"unknown transformation {shown(text)}{hints.did_you_mean(text, TRANSFORMATION_NAMES)}"


def _setvar(text: str, hints: Hints) -> str:
    name, equals, _value = text.removeprefix("!").partition("=")
    if equals and text.startswith("!"):
        return f"setvar takes !NAME to forget a variable, without a value, not {shown(text)}"
    return _variable("setvar", name, hints)


def _expirevar(text: str, hints: Hints) -> str:
    name, _, seconds = text.partition("=")
    if not seconds:
        return f"expirevar takes NAME=SECONDS, as in ip.block=600, not {shown(text)}"
    if "%{" not in seconds and not _NUMBER.match(seconds):
        return f"expirevar takes a number of seconds, not {shown(seconds)}"
    return _variable("expirevar", name, hints)


def _variable(action: str, name: str, hints: Hints) -> str:
    found = _COLLECTION.match(name.strip(" \t"))
    if found is None:
        return f"{action} takes COLLECTION.NAME, as in tx.score, not {shown(name)}"
    return _writable(found[1], hints)


def _writable(name: str, hints: Hints) -> str:
    if name.upper() in _WRITABLE:
        return ""
    hint = hints.did_you_mean(name, _WRITABLE) or f"; there are {', '.join(_WRITABLE)}"
    return f"unknown collection {shown(name)}{hint}"


def _initcol(text: str, hints: Hints) -> str:
    name, _, key = text.partition("=")
    if not key:
        return f"initcol takes COLLECTION=KEY, as in ip=%{{REMOTE_ADDR}}, not {shown(text)}"
    if name.upper() == "TX":
        return "tx needs no initcol: it lives as long as the request"
    return _writable(name, hints)


def _xmlns(text: str, _: Hints) -> str:
    prefix, equals, uri = text.partition("=")
    return "" if equals and prefix and uri else f"xmlns takes PREFIX=URI, not {shown(text)}"


_TABLE = (
    Form("accuracy", "metadata", "must", _grade),
    Form("allow", "disruptive", "may", _allow),
    Form("append", "other", "must", refused="Stockade does not write into responses (SecContentInjection)"),
    Form("auditlog", "logging"),
    Form("block", "disruptive"),
    Form("capture", "data"),
    Form("chain", "flow"),
    Form("ctl", "other", "must", wrong_control),
    Form("deny", "disruptive"),
    Form("deprecatevar", "data", "must", refused="ModSecurity 3 has none either; expirevar forgets a value in time"),
    Form("drop", "disruptive"),
    Form("exec", "other", "must", refused="Stockade runs no programs on behalf of rules"),
    Form("expirevar", "data", "must", _expirevar, macros=True),
    Form("id", "metadata", "must", _id),
    Form("initcol", "data", "must", _initcol, macros=True),
    Form("log", "logging"),
    Form("logdata", "metadata", "must", macros=True),
    Form("maturity", "metadata", "must", _grade),
    Form("msg", "metadata", "must", macros=True),
    Form("multiMatch", "other"),
    Form("noauditlog", "logging"),
    Form("nolog", "logging"),
    Form("pass", "disruptive"),
    Form("pause", "disruptive", "must", refused="a pause holds connections, which serves who floods; use a limit"),
    Form("phase", "metadata", "must", _phase),
    Form("prepend", "other", "must", refused="Stockade does not write into responses (SecContentInjection)"),
    Form("proxy", "disruptive", "must", refused="the policy of Stockade chooses the upstream, no rule does"),
    Form("redirect", "disruptive", "must", macros=True),
    Form("rev", "metadata", "must"),
    Form("sanitiseArg", "logging", "must", without_effect="all evidence is masked"),
    Form("sanitiseMatched", "logging", without_effect="all evidence is masked"),
    Form("sanitiseMatchedBytes", "logging", "may", without_effect="all evidence is masked"),
    Form("sanitiseRequestHeader", "logging", "must", without_effect="all evidence is masked"),
    Form("sanitiseResponseHeader", "logging", "must", without_effect="all evidence is masked"),
    Form("setenv", "data", "must", macros=True),
    Form("setrsc", "data", "must", macros=True),
    Form("setsid", "data", "must", macros=True),
    Form("setuid", "data", "must", macros=True),
    Form("setvar", "data", "must", _setvar, macros=True),
    Form("severity", "metadata", "must", _severity),
    Form("skip", "flow", "must", _skip),
    Form("skipAfter", "flow", "must"),
    Form("status", "disruptive", "must", _status),
    Form("t", "other", "must", _transformation),
    Form("tag", "metadata", "must", macros=True),
    Form("ver", "metadata", "must"),
    Form("xmlns", "data", "must", _xmlns),
)

ACTIONS: Mapping[str, Form] = {form.name.lower(): form for form in _TABLE} | {
    # American spelling, which ModSecurity 2 took too.
    form.name.lower().replace("sanitise", "sanitize"): form
    for form in _TABLE
    if form.name.startswith("sanitise")
}
"""By name in lower case; aliases lead to the form of the canonical name."""

ACTION_NAMES = tuple(form.name for form in _TABLE)
"""As people write them, for hints."""

DISRUPTIVE = frozenset(form.name for form in _TABLE if form.group == "disruptive" and form.name != "status")
"""What decides over the request. One per rule; the last one holds."""
