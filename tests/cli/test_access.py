"""`stockade access report`: what is used, what is not, and a policy that leaves just what is used."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stockade.cedar import quoted, read_policies
from stockade.config import build, load_text
from stockade.journal import usage as usage_module
from stockade.journal.usage import Usage
from stockade.vocabulary import Pass, Principal
from tests.cli.conftest import Stockade
from tests.exchanges import judge, make_exchange, make_request

HEAD = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
keys: {hash_key: {file: hash.key}}
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    operations: ["GET /orders/{id}", "POST /orders", "DELETE /orders/{id}", "GET /health"]
    authentication: {any_of: [{api_key: {}}]}
"""
RULES = """\
    authorization:
      roles: {members: {support: [sue]}}
      rules:
        - {name: read, operations: ["GET /orders/{id}", "POST /orders"], scopes: ["orders"]}
        - {name: all, operations: ["DELETE /orders/{id}"], roles: [support]}
        - {name: open, operations: ["GET /health"], anyone: true}
"""
CEDAR = """\
    authorization: {roles: {members: {support: [sue]}}, cedar: {policies: [shop.cedar]}}
"""
POLICIES = """\
@id("read") permit(principal, action in [Action::"GET /orders/{id}", Action::"POST /orders"], resource)
when { principal.scopes.contains("orders") };
@id("all") permit(principal in Role::"support", action, resource);
"""
ODD = 'x", action, resource); permit(principal\n'


def line(principal: str | None, operation: str, rule: str, days: float = 1.0, **more: Any) -> str:
    time = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    decided = f"authorization:{rule}"
    record = {"time": time, "api": "shop", "operation": operation, "action": "allow", "principal": principal}
    return json.dumps({**record, "decided": decided, **more})


LOG = [
    line("ann", "GET /orders/{id}", "read"),
    line("ann", "HEAD /orders/{id}", "read"),
    line("bob", "GET /orders/{id}", "read"),
    line("bob", "POST /orders", "read", days=40),
    line("ann", "POST /orders", "read", action="deny"),
    line(ODD, "POST /orders", "read"),
    line(None, "GET /health", "open"),
    line("ann", "GET {other}", "read"),
    '{"dropped": 3}',
    "torn",
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stockade.yaml").write_text(HEAD + RULES)
    (tmp_path / "hash.key").write_text("0" * 64)
    (tmp_path / "shop.cedar").write_text(POLICIES)
    (tmp_path / "decisions.jsonl").write_text("\n".join(LOG) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_used_and_what_is_not(shop: Path, stockade: Stockade) -> None:
    ended = stockade("access", "report", "--days", "30", "--json")
    assert ended.status == 1
    said = ended.json()
    assert (said["lines"], said["unreadable"]) == (10, 2)
    (api,) = said["apis"]
    rows = {row["principal"]: row for row in api["principals"]}
    assert {name: [each["operation"] for each in row["used"]] for name, row in rows.items()} == {
        None: ["GET /health"],
        "ann": ["GET /orders/{id}", "GET {other}"],
        "bob": ["GET /orders/{id}"],
        ODD: ["POST /orders"],
        "sue": [],
    }
    assert rows["ann"]["unused"] == ["POST /orders", "GET /health"]
    assert rows["bob"]["unused"] == ["POST /orders", "GET /health"]
    assert rows["sue"]["unused"] == ["DELETE /orders/{id}", "GET /health"]
    assert api["notes"] == ["ann: no rule can name GET {other}"]


def test_keys_are_known(shop: Path, stockade: Stockade) -> None:
    stockade("keys", "issue", "--owner", "kay", "--scope", "orders")
    (api,) = stockade("access", "report", "--json").json()["apis"]
    rows = {row["principal"]: row["unused"] for row in api["principals"]}
    assert rows["kay"] == ["GET /orders/{id}", "POST /orders", "GET /health"]


def test_a_longer_look_back(shop: Path, stockade: Stockade) -> None:
    (shop / "old.jsonl.gz").write_bytes(gzip.compress(line("bob", "POST /orders", "read", days=60).encode()))
    ended = stockade("access", "report", "--days", "90", "decisions.jsonl", "old.jsonl.gz", "--json")
    (row,) = (row for row in ended.json()["apis"][0]["principals"] if row["principal"] == "bob")
    assert [(each["operation"], each["count"]) for each in row["used"]] == [
        ("GET /orders/{id}", 1),
        ("POST /orders", 2),
    ]


def allows(folder: Path, policy: str, method: str, path: str, who: str | None) -> bool:
    (route,) = build(load_text(policy, folder / "stockade.yaml", {})).policy.routes
    (binding,) = (each for each in route.bindings if each.control.name == "authorization")
    principal = Principal(who, "api_key", scopes=frozenset({"orders"})) if who is not None else None
    return isinstance(
        judge(binding.control.on_request, make_exchange(make_request(method, path), principal=principal)), Pass
    )


@pytest.mark.parametrize("cedar", [False, True])
def test_the_policy_that_is_printed_leaves_just_what_was_used(shop: Path, stockade: Stockade, cedar: bool) -> None:
    if cedar:
        (shop / "stockade.yaml").write_text(HEAD + CEDAR)
    text = stockade("access", "report", "--days", "30", "--json").json()["apis"][0]["text"]
    if cedar:
        (shop / "shop.cedar").write_text(text)
        policy = HEAD + CEDAR
    else:
        policy = HEAD + "".join(f"    {each}\n" for each in text.splitlines())
    for who in ("ann", "bob"):
        assert allows(shop, policy, "GET", "/orders/7", who)
        assert not allows(shop, policy, "POST", "/orders", who)
        assert not allows(shop, policy, "DELETE", "/orders/7", who)
    assert allows(shop, policy, "POST", "/orders", ODD)
    assert not allows(shop, policy, "GET", "/orders/7", ODD)
    assert not allows(shop, policy, "GET", "/orders/7", "x")
    assert not allows(shop, policy, "GET", "/orders/7", "eve")
    assert allows(shop, policy, "GET", "/health", None) is not cedar  # Cedar is not asked about them


def test_terminals_obey_no_name(shop: Path, stockade: Stockade) -> None:
    (shop / "decisions.jsonl").write_text(line("a\x1b[2J", "GET /orders/{id}", "read"))
    assert "\x1b" not in stockade("access", "report").out


def test_logs_that_cannot_be_read(shop: Path, stockade: Stockade) -> None:
    ended = stockade("access", "report", "none.jsonl")
    assert (ended.status, "none.jsonl cannot be read" in ended.err) == (2, True)
    (shop / "broken.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    ended = stockade("access", "report", "broken.gz")
    assert (ended.status, "broken.gz cannot be read" in ended.err) == (2, True)


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "_MOST_HELD", 50)
    file = tmp_path / "log.jsonl"
    with file.open("w") as log:
        for number in range(2000):
            log.write(line(f"p{number % 300}", f"GET /things{number % 7}", "read") + "\n")
        log.write("[" * 3_000_000 + "\n")
    with Usage() as usage:
        usage.read(file, "")
        assert sum(each.count for name in usage.principals("shop") for each in usage.of("shop", name)) == 2000
        assert usage.bad == 3  # pieces of the long one


def test_quoted_names_stay_names() -> None:
    for name in ('a"b', "a\\", "a\nb", "é\u2028", 'x"); permit(principal', "\x00", "{}", "\\u{61}"):
        (policy,) = read_policies(f"permit(principal == Principal::{quoted(name)}, action, resource);", "p")
        assert policy.principal.within[0].id == name
