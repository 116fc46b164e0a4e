"""Outcomes as JUnit XML, which every CI shows: a suite per file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from stockade.waf.ftw.running import Outcome

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(outcomes: Iterable[Outcome]) -> str:
    suites: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        suites.setdefault(outcome.case.file, []).append(outcome)
    body = "".join(_suite(file, found) for file, found in suites.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{body}</testsuites>\n'


def _suite(file: str, outcomes: list[Outcome]) -> str:
    failures = sum(outcome.verdict in ("failed", "unused") for outcome in outcomes)
    skipped = sum(outcome.verdict == "excluded" for outcome in outcomes)
    counts = f'tests="{len(outcomes)}" failures="{failures}" skipped="{skipped}" errors="0"'
    return f"<testsuite name={_quoted(file)} {counts}>\n{''.join(map(_case, outcomes))}</testsuite>\n"


def _case(outcome: Outcome) -> str:
    case = outcome.case
    file, name = _quoted(case.file), _quoted(case.name)
    head = f'<testcase classname={file} name={name} file={file} line="{case.line}"'
    if outcome.verdict == "passed":
        return f"{head}/>\n"
    if outcome.verdict == "excluded":
        return f"{head}><skipped message={_quoted(outcome.reason)}/></testcase>\n"
    return f"{head}><failure message={_quoted(told(outcome))}/></testcase>\n"


def told(outcome: Outcome) -> str:
    """In one line, what was expected of a case that did not go as it should, and what matched."""
    if outcome.verdict == "unused":
        return f"is excluded ({outcome.reason}), and passes"
    matched = ", ".join(map(str, outcome.matched)) or "nothing"
    ends = f" ({'; '.join(outcome.ends)})" if outcome.ends else ""
    return f"{'; '.join(outcome.shortcomings)}; matched: {matched}{ends}"


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("�", text))
