"""Our own rules against the corpus: how many attacks they stop, how many honest requests they let pass."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from stockade.config.rulesets import Chosen, choose
from stockade.waf import RuleSet
from stockade.wire import Headers, Peer, Request
from tests.corpus.cases import Case, load

CORPUS = Path(__file__).parents[1] / "corpus"
LEAST_STOPPED = 0.92
MOST_REFUSED = 0.01


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    chosen = Chosen("builtin", "open", 1, 1, 5, 4, (), 1 << 17)
    return choose(chosen, tmp_path_factory.mktemp("policy")).rules


def request_of(case: Case) -> Request:
    path, _, query = case.target.partition("?")
    fields = (case.id, 0.0, case.method, "https", "api.example.com", path, query, Headers.of(case.headers))
    return Request(*fields, Peer("192.0.2.1"), "HTTP/1.1", bool(case.body), case.target, case.body)


def refused(rules: RuleSet, cases: list[Case]) -> tuple[float, dict[str, str]]:
    """The share that is refused, of all and by kind."""
    seen, stopped = Counter[str](), Counter[str]()
    for case in cases:
        seen[case.kind] += 1
        stopped[case.kind] += rules.inspect(request_of(case)).action != "allow"
    return stopped.total() / seen.total(), {kind: f"{stopped[kind]}/{seen[kind]}" for kind in sorted(seen)}


@pytest.mark.parametrize("held", [False, True], ids=["tuned", "held out"])
def test_attacks_are_stopped(rules: RuleSet, held: bool) -> None:
    share, kinds = refused(rules, [case for case in load(CORPUS / "attacks.jsonl") if case.held is held])
    print(f"TPR {share:.2%} {kinds}")  # noqa: T201 - the figures are the result
    assert share >= LEAST_STOPPED


@pytest.mark.parametrize("held", [False, True], ids=["tuned", "held out"])
def test_honest_requests_pass(rules: RuleSet, held: bool) -> None:
    share, kinds = refused(rules, [case for case in load(CORPUS / "honest.jsonl") if case.held is held])
    print(f"FPR {share:.2%} {kinds}")  # noqa: T201
    assert share <= MOST_REFUSED
