"""ctl: change the engine's ways for the rest of this transaction.

    ctl:ruleEngine=Off|On|DetectionOnly
    ctl:ruleRemoveById=942100  ctl:ruleRemoveById=942100-942999  ctl:ruleRemoveByTag=attack-sqli  ctl:ruleRemoveByMsg=…
    ctl:ruleRemoveTargetById=942100;ARGS:note   …ByTag=attack-sqli;ARGS:/^note/   …ByMsg=…;ARGS
    ctl:requestBodyProcessor=JSON|XML|URLENCODED|MULTIPART   ctl:forceRequestBodyVariable=On|Off
    ctl:requestBodyAccess=On|Off   ctl:requestBodyLimit=BYTES
    ctl:responseBodyAccess=On|Off   ctl:responseBodyLimit=BYTES
    ctl:auditEngine=…  ctl:auditLogParts=…  ctl:debugLogLevel=…   accepted; Stockade has its own log

Tags and messages are regular expressions, found anywhere. What is removed is removed from the rules that follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import re2
from msgspec import Struct

from stockade.seclang import parse_targets
from stockade.waf.targets import Exclusions

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

Run = Callable[["Transaction"], None]


class Selector(Struct, frozen=True):
    """Which rules: by id, by tag, by message. `matches` takes the id, the tags and the message of a rule."""

    first: int = 0
    last: int = 0
    tag: str = ""
    message: str = ""

    def matches(self, rule: int, tags: tuple[str, ...], message: str) -> bool:
        if self.tag:
            return any(self.tag == tag or _found(self.tag, tag) for tag in tags)
        if self.message:
            return self.message == message or _found(self.message, message)
        return self.first <= rule <= self.last


class Ctl(Struct, frozen=True):
    """`removed`: the rules that it takes away, or only `targets` of theirs."""

    name: str
    run: Run
    removed: Selector | None = None
    targets: Exclusions | None = None


def _found(pattern: str, text: str) -> bool:
    try:
        return re2.search(pattern, text) is not None
    except re2.error:
        return False


_RANGE = re.compile(r"\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?\Z")


def by_id(text: str) -> Selector:
    """`942100` or `942100-942999`. Raises ValueError."""
    found = _RANGE.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no rule id and no range of ids")
    return Selector(int(found[1]), int(found[2] or found[1]))


def _by_tag(text: str) -> Selector:
    return Selector(tag=text)


def _by_message(text: str) -> Selector:
    return Selector(message=text)


_SELECTORS: dict[str, Callable[[str], Selector]] = {"id": by_id, "tag": _by_tag, "msg": _by_message}
_MODES = {"on": "On", "off": "Off", "detectiononly": "DetectionOnly"}
_PROCESSORS = frozenset({"URLENCODED", "MULTIPART", "XML", "JSON"})


def parse_ctl(argument: str) -> Ctl:
    """Raises ValueError."""
    name, equals, value = argument.partition("=")
    name, value = name.strip(), value.strip()
    lowered = name.lower()
    if not equals:
        raise ValueError("ctl needs NAME=VALUE")
    if lowered.startswith("ruleremovetargetby"):
        return _remove_target(name, lowered[18:], value)
    if lowered.startswith("ruleremoveby"):
        return _remove_rule(name, lowered[12:], value)
    make = _SETTINGS.get(lowered)
    if make is None:
        raise ValueError(f"ctl:{name} is not known")
    return Ctl(name, make(value))


def _remove_rule(name: str, kind: str, value: str) -> Ctl:
    if kind not in _SELECTORS:
        raise ValueError(f"ctl:{name} is not known")
    selector = _SELECTORS[kind](value)

    def run(transaction: Transaction) -> None:
        transaction.removed_rules.append(selector)

    return Ctl(name, run, selector)


def _remove_target(name: str, kind: str, value: str) -> Ctl:
    which, semicolon, what = value.partition(";")
    if kind not in _SELECTORS or not semicolon:
        raise ValueError(f"ctl:{name} needs {kind.upper()};VARIABLE")
    selector = _SELECTORS[kind](which.strip())
    exclusions = Exclusions(parse_targets(what.strip()))

    def run(transaction: Transaction) -> None:
        transaction.removed_targets.append((selector, exclusions))

    return Ctl(name, run, selector, exclusions)


def _rule_engine(value: str) -> Run:
    mode = _MODES.get(value.lower())
    if mode is None:
        raise ValueError(f"ctl:ruleEngine is On, Off or DetectionOnly, not {value!r}")

    def run(transaction: Transaction) -> None:
        transaction.mode = mode

    return run


def _processor(value: str) -> Run:
    name = value.upper()
    if name not in _PROCESSORS:
        raise ValueError(f"ctl:requestBodyProcessor is one of {', '.join(sorted(_PROCESSORS))}, not {value!r}")

    def run(transaction: Transaction) -> None:
        transaction.processor = name
        transaction.values["REQBODY_PROCESSOR"] = [(b"", name.encode())]

    return run


def _switch(attribute: str) -> Callable[[str], Run]:
    def make(value: str) -> Run:
        if value.lower() not in ("on", "off"):
            raise ValueError(f"On or Off is needed, not {value!r}")
        on = value.lower() == "on"

        def run(transaction: Transaction) -> None:
            setattr(transaction, attribute, on)

        return run

    return make


def _limit(attribute: str) -> Callable[[str], Run]:
    def make(value: str) -> Run:
        if not (value.isascii() and value.isdigit()):
            raise ValueError(f"a number of bytes is needed, not {value!r}")
        size = int(value)

        def run(transaction: Transaction) -> None:
            setattr(transaction, attribute, size)

        return run

    return make


def _nothing(value: str) -> Run:  # noqa: ARG001 - accepted whatever it says
    return lambda transaction: None  # noqa: ARG005


_SETTINGS: dict[str, Callable[[str], Run]] = {
    "ruleengine": _rule_engine,
    "requestbodyprocessor": _processor,
    "forcerequestbodyvariable": _switch("force_body"),
    "requestbodyaccess": _switch("reads_body"),
    "responsebodyaccess": _switch("reads_response"),
    "requestbodylimit": _limit("body_limit"),
    "responsebodylimit": _limit("response_limit"),
    "auditengine": _nothing,
    "auditlogparts": _nothing,
    "debugloglevel": _nothing,
    "parsexmlintoargs": _nothing,
    "hashengine": _nothing,
    "hashenforcement": _nothing,
}
