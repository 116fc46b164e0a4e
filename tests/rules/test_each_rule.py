"""Every rule of ours by itself: the attacks beside it match it, wherever it looks, and the honest texts do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest

from stockade.config.rulesets import Chosen, choose
from stockade.seclang import Rule, Target, load
from stockade.waf import Inspection, RuleSet
from tests.rules.rule_texts import RULES, Item, files_of_texts, read_texts
from tests.rules.sending import Carry, Sent, carried, described, everywhere, for_honest, foremost, targets_of

LEAST = 3  # attacks of each rule, and honest texts

HOUSEKEEPING = {
    7000009: "asks for the raw body",
    7000010: "sets the paranoia level where nobody has",
    7000011: "sets the paranoia level where nobody has",
    7000012: "sets a threshold where nobody has",
    7000013: "sets a threshold where nobody has",
    7000014: "sets what a severity scores where nobody has",
    7000015: "sets what a severity scores where nobody has",
    7000016: "sets what a severity scores where nobody has",
    7000017: "sets what a severity scores where nobody has",
    7000018: "sets the scores to nothing",
    7000020: "says that a body is XML",
    7075010: "skips the rules of level 2",
    7090010: "adds up scores",
    7090011: "adds up scores",
    7090030: "adds up scores",
    7090031: "adds up scores",
    7100000: "says that a body is XML",
    7100001: "says that a body is JSON",
}

UNREADABLE = (7100002, 7100003)
TEXTS = read_texts()


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    chosen = Chosen("builtin", "open", 2, 2, 5, 4, (), 1 << 17)
    return choose(chosen, tmp_path_factory.mktemp("policy")).rules


@cache
def written() -> dict[int, Rule]:
    """The rules as they stand in the files, by id."""
    parsed = load(sorted(RULES.glob("*.conf")))
    return {statement.id: statement for statement in parsed.statements if isinstance(statement, Rule)}


def seen_by(rules: RuleSet, sent: Sent) -> Inspection:
    """All phases, those of the response as if SecResponseBodyAccess were on: the policy says so, not the rules."""
    if sent.response is None:
        return rules.inspect(sent.request)
    transaction = rules.begin(sent.request)
    transaction.reads_response = True
    rules.judge_head(transaction)
    rules.judge_body(transaction, sent.body)
    rules.judge_response(transaction, sent.response)
    rules.judge_response_body(transaction, sent.response.body)
    return rules.end(transaction)


def requests_of(item: Item, rule: int, places: Callable[[list[Target], str], list[Carry]]) -> list[Sent]:
    """The requests that carry an item to a rule, to those places."""
    texts = TEXTS[rule]
    if isinstance(item, dict):
        return [described(item)]
    carries = places(targets_of(written()[rule]), item)
    requests = list(carried(item, texts.field or "note", texts.encoded, carries))
    assert requests, f"{item!r} fits nowhere that rule {rule} looks at: describe a request"
    return requests


@pytest.mark.parametrize("rule", TEXTS)
def test_attacks_match(rules: RuleSet, rule: int) -> None:
    missed = [
        (item, sent)
        for item in TEXTS[rule].attacks
        for sent in requests_of(item, rule, foremost)
        if rule not in seen_by(rules, sent).rules
    ]
    assert not missed


@pytest.mark.parametrize("rule", TEXTS)
def test_honest_texts_do_not(rules: RuleSet, rule: int) -> None:
    caught = [
        (item, sent)
        for item in TEXTS[rule].honest
        for sent in requests_of(item, rule, for_honest)
        if rule in (seen := seen_by(rules, sent)).rules or stopped_early(seen, rule)
    ]
    assert not caught


def stopped_early(seen: Inspection, rule: int) -> bool:
    """Whether a body that cannot be read kept the request from the rule: that it did not match says nothing then."""
    return seen.decided_by in UNREADABLE and rule not in UNREADABLE


@pytest.mark.parametrize("rule", TEXTS)
def test_every_target_is_reached(rules: RuleSet, rule: int) -> None:
    """A target in which no attack is ever found costs time and promises what it does not keep."""
    targets = [target for target in targets_of(written()[rule]) if target in written()[rule].targets]
    wanted = {shown(target) for target in targets}
    reached: set[str] = set()
    for item in TEXTS[rule].attacks:
        for sent in requests_of(item, rule, everywhere):
            if wanted <= reached:
                break
            matches = [match.variable for match in seen_by(rules, sent).matches if match.rule == rule]
            reached |= {name for variable in matches for name in (variable, variable.partition(":")[0])}
    assert wanted - reached == TEXTS[rule].unreached.keys()


def shown(target: Target) -> str:
    """How a match names it; of arguments and the like the collection alone."""
    if target.counted:
        return f"&{target.collection}:{target.key}" if target.key else f"&{target.collection}"
    if target.collection == "XML":
        return f"XML:{target.key}"
    return f"REQUEST_HEADERS:{target.key.lower()}" if target.key else target.collection


def test_every_rule_has_texts() -> None:
    for rule in sorted(written().keys() - HOUSEKEEPING.keys()):
        texts = TEXTS.get(rule)
        assert texts is not None, f"rule {rule} has no texts beside it"
        assert min(len(texts.attacks), len(texts.honest)) >= LEAST, f"rule {rule} has too few"
        for items in (texts.attacks, texts.honest):
            assert len({str(item) for item in items}) == len(items), f"rule {rule}: a text stands there twice"


def test_texts_are_of_rules_that_exist() -> None:
    beside = {rule.id: rule.place.file.rpartition("/")[2].removesuffix(".conf") for rule in written().values()}
    assert TEXTS.keys() <= beside.keys()
    for path in files_of_texts():
        ids = [int(found) for found in re.findall(r"^(\d+):", path.read_text("utf-8"), re.MULTILINE)]
        assert ids, path
        assert {beside[rule] for rule in ids} == {path.name.removesuffix(".tests.yaml")}


def test_housekeeping_rules_neither_score_nor_deny() -> None:
    assert HOUSEKEEPING.keys() <= written().keys()
    for rule in HOUSEKEEPING:
        actions = {action.name for action in written()[rule].actions}
        assert {"pass", "nolog"} <= actions, f"rule {rule} is no housekeeping"


def test_raw_rules_are_those_that_they_name() -> None:
    """70-raw.conf says that its patterns are those of other rules, which `logdata` names."""
    raw = [rule for rule in written().values() if rule.place.file.endswith("70-raw.conf")]
    assert len(raw) == 47
    for rule in raw:
        (like,) = rule.all("logdata")
        lender = written()[int(like.removeprefix("like rule "))]
        copied = [(link.operator, link.all("t")) for link in rule.links]
        assert copied == [(link.operator, link.all("t")) for link in (lender, *lender.links)], rule.id
