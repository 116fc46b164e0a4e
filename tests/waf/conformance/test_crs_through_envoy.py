"""CRS's own tests through `stockade up`: raw bytes to a real Envoy, the rules that matched from the decision log."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from stockade.cli.waf_live import Live
from stockade.waf.ftw import Outcome, judge
from tests.absent import present
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.upstreams import Connection, Seen, plain, upstream
from tests.waf.conformance import crs

pytestmark = pytest.mark.envoy

MARKER = "x-crs-test"
NGINX = 0.978  # what nginx with ModSecurity 3.0.9 passes without exclusions
LIMITS = {
    "crs_validate_utf8_encoding": 1,
    "arg_name_length": 100,
    "arg_length": 400,
    "total_arg_length": 64000,
    "max_num_args": 255,
    "max_file_size": 64100,
    "combined_file_sizes": 65535,
}


def strictness() -> dict[str, str]:
    """What CRS allows by itself: the tests are about that, and not about what Stockade allows APIs."""
    text = (crs.RULES / "REQUEST-901-INITIALIZATION.conf").read_text()
    found = re.findall(r"setvar:'tx\.(allowed_[a-z_]+)=([^']*)'", text)
    assert {name for name, _ in found} >= {"allowed_methods", "allowed_request_content_type", "allowed_http_versions"}
    return dict(found)


def answer(connection: Connection, seen: Seen) -> bool:
    connection.socket.sendall(plain(200, b"" if seen.method == "HEAD" else b"ok"))
    return True


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    present(crs.RULES, "the rules of Debian's package modsecurity-crs")
    present(crs.TESTS, "CRS's regression tests, which stand beside the repository")
    folder, port = tmp_path_factory.mktemp("crs"), free_port()
    waf = {"mode": "monitor", "rules": "crs", "paranoia": 4, "setup": strictness() | LIMITS}
    rules = policy(api(port, waf=waf, schema={"mode": "off"}), log={"headers": [MARKER]})  # the rules alone
    excluded = crs.exclusions("envoy")
    with upstream(port, answer), running(Gateway(folder, rules)) as gateway:
        live = Live(f"http://127.0.0.1:{gateway.port}", folder / "decisions.jsonl", MARKER, timeout=5.0)
        cases = crs.cases()
        return [judge(case, seen, excluded, refusal_protects=True) for case, seen in live.play(cases, lambda: None)]


def test_every_case_ran(played: list[Outcome]) -> None:
    assert len(played) == crs.CASES


def test_nearly_all_reach_the_rules(played: list[Outcome]) -> None:
    """A gateway that refused everything would protect in every test, and prove nothing."""
    refused = [one for one in played if one.ends]
    assert len(refused) < 60


def test_all_pass_but_those_excluded(played: list[Outcome]) -> None:
    assert [crs.describe(one) for one in played if one.verdict == "failed"] == []


def test_no_exclusion_is_idle(played: list[Outcome]) -> None:
    assert not [one.case.name for one in played if one.verdict == "unused"]
    assert not crs.exclusions("envoy").keys() - {one.case.name for one in played}


def test_more_pass_than_with_nginx(played: list[Outcome]) -> None:
    counts: Counter[Any] = Counter(one.verdict for one in played)
    assert counts["passed"] / crs.CASES > NGINX
