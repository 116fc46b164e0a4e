"""CRS's own tests against Debian's CRS 3.3.4 in process, at paranoia level 4, only detecting."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from stockade.waf.ftw import Outcome, in_process, run
from tests.absent import present
from tests.waf.conformance import crs
from tests.waf.conformance.engines import ENGINES

FOLDERS = {
    "REQUEST-911-METHOD-ENFORCEMENT": 8,
    "REQUEST-913-SCANNER-DETECTION": 9,
    "REQUEST-920-PROTOCOL-ENFORCEMENT": 229,
    "REQUEST-921-PROTOCOL-ATTACK": 67,
    "REQUEST-922-MULTIPART-ATTACK": 6,
    "REQUEST-930-APPLICATION-ATTACK-LFI": 11,
    "REQUEST-931-APPLICATION-ATTACK-RFI": 23,
    "REQUEST-932-APPLICATION-ATTACK-RCE": 163,
    "REQUEST-933-APPLICATION-ATTACK-PHP": 163,
    "REQUEST-934-APPLICATION-ATTACK-NODEJS": 8,
    "REQUEST-941-APPLICATION-ATTACK-XSS": 106,
    "REQUEST-942-APPLICATION-ATTACK-SQLI": 520,
    "REQUEST-943-APPLICATION-ATTACK-SESSION-FIXATION": 6,
    "REQUEST-944-APPLICATION-ATTACK-JAVA": 1084,
}
PEERS = 0.981  # what libmodsecurity 3.0.15 passes, and more than nginx with ModSecurity 3.0.9 does


@pytest.fixture(scope="module", params=ENGINES)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Outcome]]:
    """The engine, and how every case went with it."""
    present(crs.RULES, "the rules of Debian's package modsecurity-crs")
    present(crs.TESTS, "CRS's regression tests, which stand beside the repository")
    engine: str = request.param
    inspect = ENGINES[engine](crs.rule_files(tmp_path_factory.mktemp("rules")))
    return engine, list(run(crs.cases(), in_process(inspect), crs.exclusions(engine)))


Played = tuple[str, list[Outcome]]


def test_every_case_ran(played: Played) -> None:
    _, outcomes = played
    counts = {folder: sum(counter.values()) for folder, counter in crs.by_folder(outcomes).items()}
    assert counts == FOLDERS
    assert len(outcomes) == crs.CASES


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_pass_but_those_excluded(played: Played, folder: str) -> None:
    _, outcomes = played
    failed = [one for one in outcomes if one.verdict == "failed" and one.case.file.startswith(folder)]
    assert [crs.describe(one) for one in failed] == []


def test_no_exclusion_is_idle(played: Played) -> None:
    engine, outcomes = played
    unused = [one.case.name for one in outcomes if one.verdict == "unused"]
    unknown = crs.exclusions(engine).keys() - {one.case.name for one in outcomes}
    assert not unused
    assert not unknown


def test_more_pass_than_with_the_peers(played: Played) -> None:
    _, outcomes = played
    counts: Counter[Any] = Counter(one.verdict for one in outcomes)
    assert counts["passed"] / crs.CASES > PEERS
