"""The Core Rule Set as Debian installs it (3.3.4), and its own 2,403 regression tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import yaml

from stockade.waf.ftw import ENGINE, Case, Outcome, parse, told, tuning

ROOT = Path(__file__).resolve().parents[3]
RULES = Path("/usr/share/modsecurity-crs/rules")
SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")
TESTS = ROOT.parent / "shared" / "crs-tests" / "v3.3.4"
CASES = 2403
EXCLUSIONS = Path(__file__).with_name("exclusions.yaml")
_GEOGRAPHY = "REQUEST-910-IP-REPUTATION.conf"  # wants a database of countries; no test is about it


def rule_files(folder: Path, rules: Path = RULES, setup: Path = SETUP) -> list[Path]:
    """All that an engine loads, in order. What is between and before Debian's files is written to `folder`."""
    before, between = folder / "engine.conf", folder / "tuning.conf"
    before.write_text(ENGINE)
    between.write_text(tuning(4))
    return [before, setup, between, *sorted(file for file in rules.glob("*.conf") if file.name != _GEOGRAPHY)]


def cases(tests: Path = TESTS) -> list[Case]:
    """Every test, in the order of the files. Fails on what cannot be read."""
    parsed = [parse(file.read_text(), str(file.relative_to(tests))) for file in sorted(tests.glob("*/*.y*ml"))]
    problems = [problem for one in parsed for problem in one.problems]
    assert not problems, "\n".join(map(str, problems))
    return [case for one in parsed for case in one.cases]


def exclusions(engine: str) -> dict[str, str]:
    """Which cases may fail with this engine, and why."""
    groups = yaml.safe_load(EXCLUSIONS.read_text())[engine]
    reasons = {case: group["reason"].strip() for group in groups for case in group["cases"]}
    assert len(reasons) == sum(len(group["cases"]) for group in groups), "a case is excluded twice"
    return reasons


def describe(outcome: Outcome) -> str:
    """One line on a case that did not go as it should."""
    return f"{outcome.case.name}: {told(outcome)}"


def by_folder(outcomes: Iterable[Outcome]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.case.file.partition("/")[0], Counter())[outcome.verdict] += 1
    return counts
