"""`stockade waf test`: rules in process, a running gateway, exclusions, reports."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Stockade
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.upstreams import Upstream, upstream

RULES = """\
SecRule ARGS "@rx evil" "id:100001,phase:2,deny,status:403,log,msg:'Evil',logdata:'%{MATCHED_VAR}',tag:'attack-test'"
SecRule REQUEST_METHOD "@streq PUT" "id:100002,phase:1,deny,status:405,log,msg:'No PUT'"
"""
TESTS = """\
rule_id: 100001
tests:
  - test_id: 1
    stages: [{input: {uri: /?q=evil, headers: {Host: localhost}}, output: {log: {expect_ids: [100001]}}}]
  - test_id: 2
    stages: [{input: {uri: /?q=good, headers: {Host: localhost}}, output: {log: {no_expect_ids: [100001]}}}]
  - test_id: 3
    stages:
      - input: {method: POST, data: "q=evil", headers: {Host: localhost}}
        output: {status: 200, log: {expect_ids: [100001], match_regex: 'msg "Evil"'}}
"""
FAILING = """\
rule_id: 100002
tests:
  - test_id: 1
    stages: [{input: {method: PUT, headers: {Host: localhost}}, output: {log: {expect_ids: [100001]}}}]
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.conf").write_text(RULES)
    (tmp_path / "tests" / "deep").mkdir(parents=True)
    (tmp_path / "tests" / "100001.yaml").write_text(TESTS)
    (tmp_path / "tests" / "deep" / "100002.yml").write_text(FAILING)
    return tmp_path


OWN = ("--rules", "rules/*.conf")


def test_all_is_well(suite: Path, stockade: Stockade) -> None:
    ended = stockade("waf", "test", "tests/100001.yaml", *OWN)
    assert (ended.status, ended.err) == (0, "")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["file", "tests", "passed", "failed", "excluded"],
        ["tests/100001.yaml", "3", "3", "-", "-"],
        ["total", "3", "3", "-", "-"],
    ]


def test_what_fails_is_named(suite: Path, stockade: Stockade) -> None:
    ended = stockade("waf", "test", "tests", *OWN)
    assert ended.status == 1
    failing = ended.out.partition("Failing\n")[2].splitlines()
    assert failing[0].split() == ["test", "where", "expected", "matched"]
    assert failing[1].split() == ["100002-1", "tests/deep/100002.yml:3", "100001", "to", "match", "100002"]
    assert "total                  4      3       1       -" in ended.out


def test_only_some(suite: Path, stockade: Stockade) -> None:
    assert stockade("waf", "test", "tests", *OWN, "--include", "^100001").status == 0
    assert stockade("waf", "test", "tests", *OWN, "--exclude", "100002-1$").status == 0
    assert stockade("waf", "test", "tests", *OWN, "--include", "100002").status == 1


def test_exclusions_have_reasons_and_must_be_needed(suite: Path, stockade: Stockade) -> None:
    (suite / "known.yaml").write_text("100002-1: our PUT is theirs\n")
    ended = stockade("waf", "test", "tests", *OWN, "--exclude", "known.yaml")
    assert ended.status == 0
    assert ended.out.splitlines()[-1].split() == ["total", "4", "3", "-", "1"]
    (suite / "known.yaml").write_text("100001-1: once it failed\n")
    ended = stockade("waf", "test", "tests/100001.yaml", *OWN, "--exclude", "known.yaml")
    assert ended.status == 1
    assert "to fail, being excluded: once it failed" in ended.out
    (suite / "known.yaml").write_text("100001-1: ''\n")
    ended = stockade("waf", "test", "tests", *OWN, "--exclude", "known.yaml")
    assert (ended.status, ended.err) == (2, "stockade: known.yaml:1: 100001-1 has no reason\n")


def test_for_machines(suite: Path, stockade: Stockade) -> None:
    ended = stockade("waf", "test", "tests", *OWN, "--json", "--junit", "out.xml")
    answer = ended.json()
    assert [answer[name] for name in ("tests", "passed", "failed", "excluded", "unused")] == [4, 3, 1, 0, 0]
    assert answer["cases"][-1] == {
        "name": "100002-1",
        "file": "tests/deep/100002.yml",
        "line": 3,
        "verdict": "failed",
        "expected": ["expected 100001 to match"],
        "matched": [100002],
        "ends": [],
        "reason": "",
    }
    root = ET.parse(suite / "out.xml").getroot()
    assert [suite.get("failures") for suite in root] == ["0", "1"]


def test_rules_only_detect_whatever_they_say(suite: Path, stockade: Stockade) -> None:
    (suite / "rules" / "a.conf").write_text("SecRuleEngine On\n" + RULES.replace("id:1", "id:2"))
    (suite / "both.yaml").write_text(TESTS.replace("expect_ids: [100001]}", "expect_ids: [100001, 200001]}", 1))
    assert stockade("waf", "test", "both.yaml", *OWN).status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.yaml",), "does not exist"),
        (("tests", "--rules", "none/*.conf"), "stockade: no rule file matches none/*.conf\n"),
        (("tests", *OWN, "--include", "nothing"), "stockade: none of 4 tests is left\n"),
        (("rules", *OWN), "stockade: there are no tests in these files\n"),
        (("tests", *OWN, "--include", "["), "'[' is not a regular expression"),
        (("tests", *OWN, "--junit", "no/such/place.xml"), "no/such/place.xml: cannot be written: "),
        (("bad.yaml", *OWN), "stockade: bad.yaml:1: `tests` is missing\n"),
        (("latin.yaml", *OWN), "stockade: latin.yaml: not UTF-8\n"),
        (("tests", "--rules", "bad.conf"), "stockade: bad.conf:1: "),
        (("tests", "--url", "ftp://x"), "stockade: ftp://x is not a URL such as http://127.0.0.1:8080\n"),
        (("tests", "--url", "http://127.0.0.1:1"), "stockade: 127.0.0.1:1 cannot be reached: "),
    ],
)
def test_what_is_wrong_is_told(suite: Path, stockade: Stockade, arguments: tuple[str, ...], said: str) -> None:
    (suite / "bad.yaml").write_text("a: b\n")
    (suite / "latin.yaml").write_bytes(b"a: \xe9\n")
    (suite / "bad.conf").write_text('SecRule ARGS "@nonsense x" "id:1,phase:2,pass"\n')
    ended = stockade("waf", "test", *arguments)
    assert ended.status == 2
    assert said in ended.err.replace("\n│", "").replace("│", "")
    assert "Traceback" not in ended.err


@pytest.fixture
def echoing() -> Iterator[Upstream]:
    with upstream(free_port()) as server:
        yield server


@pytest.mark.envoy
def test_a_running_gateway(suite: Path, stockade: Stockade, echoing: Upstream) -> None:
    """Raw bytes go through a real Envoy; what matched is read from the decision log."""
    rules = str(suite / "rules" / "own.conf")
    waf = {"mode": "monitor", "rules": [rules]}
    tests = TESTS + FAILING.partition("tests:\n")[2].replace("test_id: 1", "test_id: 4")
    tests += """\
  - test_id: 5
    desc: what Envoy refuses needs no rule
    stages: [{input: {method: " GET", headers: {Host: localhost}}, output: {log: {expect_ids: [100001]}}}]
"""
    (suite / "tests" / "100001.yaml").write_text(tests)
    with running(Gateway(suite, policy(api(echoing.port, waf=waf), log={"headers": ["x-crs-test"]}))) as gateway:
        url = f"http://127.0.0.1:{gateway.port}"
        ended = stockade("waf", "test", "tests/100001.yaml", "--url", url, "--json")
        elsewhere = stockade("waf", "test", "tests", "--url", url, "--log", "other.jsonl")
    assert {case["name"]: (case["verdict"], case["matched"]) for case in ended.json()["cases"]} == {
        "100001-1": ("passed", [100001]),
        "100001-2": ("passed", []),
        "100001-3": ("passed", [100001]),
        "100001-4": ("failed", [100002]),
        "100001-5": ("passed", []),
    }
    assert ended.status == 1
    assert elsewhere.status == 2
    assert "other.jsonl" in elsewhere.err
