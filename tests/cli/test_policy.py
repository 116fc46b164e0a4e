"""`stockade policy`: cases are run and told apart, and what is said of dead policies is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockade.cedar import read_policies
from stockade.cedar.analysis import contradiction, covers
from tests.cli.conftest import Stockade

POLICY = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
keys: {hash_key: {file: hash.key}}
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    operations: ["GET /orders/{id}", "POST /orders", "DELETE /orders/{id}", "GET /reports"]
    authentication: {any_of: [{api_key: {}}]}
    authorization:
      roles: {members: {support: [sue]}}
      cedar: {policies: [shop.cedar]}
"""
CEDAR = """\
@id("read") permit(principal, action == Action::"GET /orders/{id}", resource)
when { principal.scopes.contains("orders:read") };
@id("support") permit(principal in Role::"support", action in Action::"read", resource);
@id("small") permit(principal, action == Action::"POST /orders", resource) when { context.body.amount < 100 };
"""
CASES = """\
cases:
  - {name: reads, request: GET /orders/7, principal: {id: ann, scopes: ["orders:read"]}, expect: allow, policy: read}
  - {name: nobody, request: GET /orders/7, expect: deny}
  - {name: member, request: GET /reports, principal: {id: sue}, expect: allow, policy: support}
  - {name: small, request: POST /orders, principal: {id: ann}, body: {amount: 5}, expect: allow}
  - name: large
    request: POST /orders
    principal: {id: ann}
    body: '{"amount": 500}'
    expect: deny
    policy: cedar-default
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    (tmp_path / "hash.key").write_text("0" * 64)
    (tmp_path / "shop.cedar").write_text(CEDAR)
    (tmp_path / "cases.yaml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_cases_pass(shop: Path, stockade: Stockade) -> None:
    ended = stockade("policy", "test", "cases.yaml")
    assert (ended.status, ended.out) == (0, "5 passed, 0 failed\n")


def test_cases_fail(shop: Path, stockade: Stockade) -> None:
    text = CASES.replace("policy: read}", "policy: support}").replace("amount: 5}", "amount: 500}")
    (shop / "cases.yaml").write_text(text)
    ended = stockade("policy", "test", "cases.yaml", "--json")
    assert ended.status == 1
    said = ended.json()
    assert (said["cases"], said["failed"]) == (5, 2)
    failed = [(each["where"], each["decided"], each["reason"]) for each in said["outcomes"] if not each["passed"]]
    assert failed == [
        ("cases.yaml:2", "allow by read", "another policy"),
        ("cases.yaml:5", "deny by cedar-default", "another decision"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cases.yaml"),
        ("cases: []", "cases.yaml:1: a file of cases"),
        ("cases:\n  - {request: GET /, expect: maybe}", "cases.yaml:2: "),
        (
            "cases:\n  - {request: GET /, expect: deny}\n  - {request: orders, expect: deny}",
            "cases.yaml:3: 'orders' is not",
        ),
        ("cases:\n  - {request: GET /, expect: deny, princpal: {id: a}}", "unknown field `princpal`"),
        ("cases:\n  - {request: GET /%zz, expect: deny}", "is refused before"),
    ],
)
def test_bad_cases(shop: Path, stockade: Stockade, text: str, told: str) -> None:
    (shop / "cases.yaml").write_text(text)
    ended = stockade("policy", "test", "cases.yaml")
    assert ended.status == 2
    assert told in ended.err


def test_a_broken_policy_is_told_with_its_line(shop: Path, stockade: Stockade) -> None:
    (shop / "shop.cedar").write_text(CEDAR + "permit(principal, action, resource) when { principal.rolse };\n")
    ended = stockade("policy", "test", "cases.yaml")
    assert ended.status == 2
    assert ended.err.startswith("shop.cedar:5: ")


def test_analyse(shop: Path, stockade: Stockade) -> None:
    (shop / "shop.cedar").write_text(
        CEDAR + '@id("never") permit(principal, action in Action::"write", resource)'
        "when { context.risk > 5 && context.risk < 3 };\n"
        '@id("reports") forbid(principal, action == Action::"GET /reports", resource);\n'
        '@id("auditors") permit(principal in Role::"auditor", action == Action::"GET /orders/{id}", resource);\n'
        '@id("again") permit(principal in Role::"support", action in Action::"read", resource)'
        "when { context.risk < 9 };\n"
    )
    ended = stockade("policy", "analyse", "--json")
    assert ended.status == 1
    found = {(each["certainty"], each["what"], each["subject"]) for each in ended.json()["findings"]}
    assert found == {
        ("proved", "never decides", "never"),
        ("proved", "redundant", "again"),
        ("likely", "never decides", "auditors"),
        ("proved", "nobody may call", "GET /reports"),
        ("proved", "nobody may call", "DELETE /orders/{id}"),
    }
    assert stockade("policy", "analyse").status == 1


def test_nothing_is_found_where_nothing_is_wrong(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text(POLICY.replace(', "DELETE /orders/{id}"', ""))
    ended = stockade("policy", "analyse")
    assert (ended.status, ended.out) == (0, "nothing was found\n")


DEAD = [
    "when { false }",
    "unless { true }",
    "when { true && 1 }",
    "when { context.risk > 5 } unless { context.risk >= 3 }",
    'when { principal.id == "a" } when { principal.id == "b" }',
    'when { principal.id == "a" && principal.id != "a" }',
    "when { context.secure && !context.secure }",
    "when { context.hour == 3 && 4 < context.hour }",
    "when { context.hour == 3 && context.hour == true }",
]
ALIVE = [
    "",
    "when { true }",
    "unless { false }",
    "when { context.risk > 5 && context.risk <= 6 }",
    "when { context.risk > 5 || context.risk < 3 }",
    'when { principal.id == "a" && principal.id != "b" }',
    'unless { principal.id == "a" || principal.id == "b" }',
    "unless { context.secure && !context.secure }",
    'when { principal.id == "a" && principal.kind == "b" }',
]


@pytest.mark.parametrize(("condition", "dead"), [*((text, True) for text in DEAD), *((text, False) for text in ALIVE)])
def test_contradictions(condition: str, dead: bool) -> None:
    (policy,) = read_policies(f"permit(principal, action, resource) {condition};", "p")
    assert bool(contradiction(policy)) is dead


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("(principal, action, resource)", '(principal in Role::"a", action, resource) when { context.secure }', True),
        ('(principal in Role::"a", action, resource)', "(principal, action, resource)", False),
        ("(principal, action, resource) when { context.secure }", "(principal, action, resource)", False),
        (
            "(principal, action, resource) when { context.secure }",
            "(principal, action, resource) when { context.risk < 3 } when { context.secure }",
            True,
        ),
        ("(principal is Principal, action, resource)", '(principal == Principal::"a", action, resource)', True),
        ("(principal is Anonymous, action, resource)", '(principal == Principal::"a", action, resource)', False),
        ("(principal is Principal, action, resource)", '(principal in Role::"a", action, resource)', False),
        ('(principal in Role::"a", action, resource)', '(principal == Principal::"a", action, resource)', False),
    ],
    ids=map(str, range(8)),
)
def test_covering(wide: str, narrow: str, covered: bool) -> None:
    one, other = read_policies(f"permit{wide}; permit{narrow};", "p")
    assert covers(one, other, {}) is covered


def test_explain_names_the_policy_and_its_line(shop: Path, stockade: Stockade) -> None:
    key = stockade("keys", "issue", "--owner", "ann", "--scope", "orders:read").out.strip()
    ended = stockade("explain", "GET", "/orders/7", "-H", f"X-API-Key: {key}")
    assert ended.status == 0
    row = next(line.split() for line in ended.out.splitlines() if line.startswith("authorization"))
    assert row == ["authorization", "request", "pass", "read", "shop.cedar:1"]
    ended = stockade("explain", "GET", "/reports", "-H", f"X-API-Key: {key}", "--json")
    assert ended.status == 1
    (said,) = (each for each in ended.json()["said"] if each["control"] == "authorization")
    assert (said["findings"][0]["rule"], said["policy"]) == ("cedar-default", "stockade.yaml:11")
    (shop / "shop.cedar").write_text(
        CEDAR + '\n@id("shut") forbid(principal, action, resource in Resource::"/orders");\n'
    )
    ended = stockade("explain", "GET", "/orders/7", "-H", f"X-API-Key: {key}")
    assert ended.status == 1
    (text,) = (line for line in ended.out.splitlines() if line.startswith("authorization"))
    assert "shut" in text
    assert text.endswith("shop.cedar:6")


def test_check_shows_them(shop: Path, stockade: Stockade) -> None:
    assert "3 Cedar policies" in stockade("check").out
