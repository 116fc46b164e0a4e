"""The options of `ctl:`, which change the engine for one request: `ctl:ruleRemoveTargetById=942100;ARGS:text`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from stockade.seclang.problems import Hints, shown
from stockade.seclang.targets import read_targets

Check = Callable[[str, Hints], str]
_IDS = re.compile(r"[0-9]{1,19}(?:-[0-9]{1,19})?\Z")


def _one_of(*choices: str) -> Check:
    lower = {choice.lower() for choice in choices}

    def wrong(text: str, _: Hints) -> str:
        if text.lower() in lower:
            return ""
        return f"takes {', '.join(choices[:-1])} or {choices[-1]}, not {shown(text)}"

    return wrong


def wrong_ids(text: str) -> str:
    """What is wrong with `942100`, or a range `942100-942199`."""
    if not _IDS.match(text):
        return f"{shown(text)} is neither an id nor a range of ids, as in 942100-942199"
    low, dash, high = text.partition("-")
    return f"the range {text} ends before it begins" if dash and int(high) < int(low) else ""


def _ids(text: str, _: Hints) -> str:
    return wrong_ids(text)


def _text(_: str, _hints: Hints) -> str:
    return ""


def _number(text: str, _: Hints) -> str:
    return "" if re.match(r"[0-9]{1,15}\Z", text) else f"takes a number of bytes, not {shown(text)}"


def _parts(text: str, _: Hints) -> str:
    return "" if re.match(r"[+-]?[A-Ka-kZz]++\Z", text) else f"takes letters from A to K and Z, not {shown(text)}"


def _targets_after(check: Check) -> Check:
    def wrong(text: str, hints: Hints) -> str:
        what, semicolon, targets = text.partition(";")
        if not semicolon or not what or not targets:
            return f"takes WHICH;VARIABLE, as in 942100;ARGS:text, not {shown(text)}"
        _, faults = read_targets(targets, hints)
        return check(what, hints) or (faults[0].text if faults else "")

    return wrong


OPTIONS: Mapping[str, Check] = {
    "auditEngine": _one_of("On", "Off", "RelevantOnly"),
    "auditLogParts": _parts,
    "debugLogLevel": _number,
    "forceRequestBodyVariable": _one_of("On", "Off"),
    "requestBodyAccess": _one_of("On", "Off"),
    "requestBodyLimit": _number,
    "requestBodyProcessor": _one_of("URLENCODED", "MULTIPART", "XML", "JSON"),
    "responseBodyAccess": _one_of("On", "Off"),
    "responseBodyLimit": _number,
    "ruleEngine": _one_of("On", "Off", "DetectionOnly"),
    "ruleRemoveById": _ids,
    "ruleRemoveByMsg": _text,
    "ruleRemoveByTag": _text,
    "ruleRemoveTargetById": _targets_after(_ids),
    "ruleRemoveTargetByMsg": _targets_after(_text),
    "ruleRemoveTargetByTag": _targets_after(_text),
}
_NAMES = tuple(OPTIONS)
_BY_LOWER = {name.lower(): name for name in OPTIONS}
_REFUSED = dict.fromkeys(("hashengine", "hashenforcement"), "link signing is not a part of ModSecurity 3")


def wrong_control(text: str, hints: Hints) -> str:
    """What is wrong with the argument of ctl, or ""."""
    option, equals, value = text.partition("=")
    name = _BY_LOWER.get(option.strip(" \t").lower())
    if name is None:
        if option.lower() in _REFUSED:
            return f"ctl:{option} is refused: {_REFUSED[option.lower()]}"
        return f"unknown option {shown(option)} of ctl{hints.did_you_mean(option, _NAMES)}"
    if not equals or not value:
        return f"ctl:{name} needs a value: ctl:{name}=…"
    wrong = OPTIONS[name](value, hints)
    colon = "" if wrong.startswith("takes ") else ":"
    return f"ctl:{name}{colon} {wrong}" if wrong else ""
