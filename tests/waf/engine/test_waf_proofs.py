"""Arguments that are proved harmless are not looked at, and no others take their names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.waf import Proofs, RuleSet
from stockade.wire import Headers, Peer, Request

RULES = r"""
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" \
    "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS|ARGS_NAMES "@rx <script" "id:2,phase:2,deny"
"""
PROOFS = Proofs(query=["page"], json=["/id", "/items/*/sku", "/a/b", "/x.y", "/array_0"])
EVIL = "<script"


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return RuleSet.load(text=RULES)


def refuses(rules: RuleSet, query: str = "", body: bytes = b"", kind: str = "application/json") -> bool:
    headers = Headers.of([("content-type", kind)] if body else [])
    head = ("r-1", 0.0, "POST", "http", "api.example", "/", query, headers, Peer("192.0.2.1"))
    request = Request(*head, "HTTP/1.1", bool(body), f"/?{query}", body)
    transaction = rules.begin(request, proofs=PROOFS)
    rules.judge_head(transaction)
    rules.judge_body(transaction, body)
    return rules.end(transaction).action == "deny"


def in_json(rules: RuleSet, value: Any) -> bool:
    return refuses(rules, body=json.dumps(value).encode())


@pytest.mark.parametrize(
    "value",
    [{"id": EVIL}, {"items": [{"sku": "a"}, {"sku": EVIL}]}, {"a": {"b": EVIL}}],
    ids=["member", "item", "deep"],
)
def test_what_is_proved_is_not_looked_at(rules: RuleSet, value: Any) -> None:
    assert not in_json(rules, value)


def test_nor_is_a_parameter(rules: RuleSet) -> None:
    assert not refuses(rules, query=f"page={EVIL}")


@pytest.mark.parametrize(
    "value",
    [
        {"name": EVIL},
        {"items": [{"title": EVIL}]},
        {"id": {"sku": EVIL}},
        {"items": {"array_0": {"sku": EVIL}}},
        {"a.b": EVIL},
        {"items.array_0": {"sku": EVIL}},
        {"x.y": EVIL},
        {"array_0": EVIL},
        {"page": EVIL},
        {EVIL: 1},
        [{"id": EVIL}],
        EVIL,
    ],
    ids=str,
)
def test_everything_else_is(rules: RuleSet, value: Any) -> None:
    assert in_json(rules, value)


def test_a_key_that_is_escaped_is_no_disguise(rules: RuleSet) -> None:
    assert refuses(rules, body=rb'{"a\u002eb": "<script"}')


@pytest.mark.parametrize("query", ["json.id=", "id=", "page%5B%5D=", "Page=", "page.="])
def test_a_parameter_of_another_name_is(rules: RuleSet, query: str) -> None:
    assert refuses(rules, query=query + EVIL)


@pytest.mark.parametrize("name", ["json.id", "page", "json.a.b"])
def test_a_field_of_a_form_is(rules: RuleSet, name: str) -> None:
    assert refuses(rules, body=f"{name}={EVIL}".encode(), kind="application/x-www-form-urlencoded")
