"""`stockade explain`: what each control says, and which line of the policy makes it say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import POLICY, Stockade

HOSTS = POLICY.replace("    kind: open\n", "    kind: open\n    hosts: [shop.example]\n    prefix: /v1\n")


def key_of(stockade: Stockade, *options: str) -> str:
    return stockade("keys", "issue", "--owner", "alice", *options).out.strip()


def test_an_allowed_request(shop: Path, stockade: Stockade) -> None:
    ended = stockade("explain", "GET", "/orders/7", "-H", f"X-API-Key: {key_of(stockade)}")
    assert ended.status == 0
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0] == ["control", "phase", "verdict", "reason", "policy"]
    assert rows[1:4] == [
        ["firewall", "request", "pass", "stockade.yaml:7"],
        ["limits", "request", "pass", "stockade.yaml:16"],
        ["authentication", "request", "pass", "stockade.yaml:12"],
    ]
    assert ended.out.endswith("\nGET /orders/{id} of shop from 127.0.0.1 as alice: allow\n")


REFUSED = [
    # arguments, action and status, control, rule, line
    (["GET", "/", "--client", "203.0.113.9"], "deny", 403, "firewall", "address-denied", 8),
    (["GET", "/", "--client", "::ffff:203.0.113.9"], "deny", 403, "firewall", "address-denied", 8),
    (["DELETE", "/"], "deny", 405, "firewall", "method", 9),
    (["delete", "/"], "deny", 405, "firewall", "method", 9),
    (["POST", "/login", "-d", "x" * 1025], "deny", 413, "firewall", "too-large", 10),
    (["POST", "/login", "-H", "Content-Length: 1025"], "deny", 413, "firewall", "too-large", 10),
    (["POST", "/login", "-d", "x"], "deny", 415, "firewall", "media-type", 11),
    (["GET", "/orders"], "deny", 401, "authentication", "credential-missing", 12),
    (["GET", "/orders", "-H", "X-API-Key: nonsense"], "deny", 401, "authentication", "key-malformed", 12),
]


@pytest.mark.parametrize(("arguments", "action", "status", "control", "rule", "line"), REFUSED)
def test_refused_by_each_control(
    shop: Path,
    stockade: Stockade,
    arguments: list[str],
    action: str,
    status: int,
    control: str,
    rule: str,
    line: int,
) -> None:
    ended = stockade("explain", *arguments)
    assert ended.status == 1
    assert ended.out.splitlines()[-1].endswith(f": {action} {status} by {control}")
    (stop,) = (row.split() for row in ended.out.splitlines() if " stop " in row)
    assert (stop[0], stop[3], stop[-1]) == (control, rule, f"stockade.yaml:{line}")


def test_for_machines(shop: Path, stockade: Stockade) -> None:
    ended = stockade("explain", "GET", "/orders/7", "--client", "2001:db8::1", "--json")
    answer = ended.json()
    assert ended.status == 1
    assert (answer["action"], answer["status"], answer["control"]) == ("deny", 401, "authentication")
    assert (answer["api"], answer["operation"], answer["client"]) == ("shop", "GET /orders/{id}", "2001:db8::1")
    assert answer["principal"] is None
    assert answer["unheard"] == ["schema"]
    assert answer["said"][-1]["findings"][0]["rule"] == "credential-missing"
    assert answer["response"]["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["response"]["body"])["status"] == 401


def test_an_allowed_request_has_no_response_yet(shop: Path, stockade: Stockade) -> None:
    answer = stockade("explain", "GET", "/health", "--json").json()
    assert (answer["action"], answer["status"], answer["response"]) == ("allow", None, None)


def test_who_was_not_reached(shop: Path, stockade: Stockade) -> None:
    ended = stockade("explain", "GET", "/", "--client", "203.0.113.9")
    assert [row.split()[0] for row in ended.out.splitlines() if "not reached" in row] == [
        "limits",
        "authentication",
        "schema",
    ]


def test_a_control_that_only_watches(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text(POLICY.replace("firewall:\n", "firewall:\n      mode: monitor\n"))
    ended = stockade("explain", "GET", "/health", "--client", "203.0.113.9")
    assert ended.status == 0
    assert "would stop" in ended.out
    assert "stockade.yaml:9" in ended.out


def test_a_body_from_a_file(shop: Path, stockade: Stockade) -> None:
    (shop / "body.json").write_text("{}" + " " * 2000)
    ended = stockade("explain", "POST", "/login", "-d", "@body.json", "-H", "Content-Type: application/json")
    assert ended.status == 1
    assert "413 by firewall" in ended.out
    missing = stockade("explain", "POST", "/login", "-d", "@nowhere.json")
    assert missing.status == 2
    assert "nowhere.json cannot be read" in missing.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["GET", "/", "-H", "no colon"], "a header is written 'Name: value'"),
        (["GET", "/", "-H", ": value"], "a header is written 'Name: value'"),
        (["GET", "/", "-H", "a b: value"], "a header is written 'Name: value'"),
        (["GET", "/", "-H", "a: b\r\nc: d"], "a header is written 'Name: value'"),
        (["GET", "/", "--client", "localhost"], "'localhost' is not an address"),
        (["GET", "/", "--client", "192.0.2.0/24"], "'192.0.2.0/24' is not an address"),
        (["GE T", "/"], "'GE T' is not an HTTP method"),
        (["GET", "orders"], "'orders' is neither a path such as /orders/7 nor a URL"),
        (["GET", "ftp://shop.example/"], "is neither a path such as"),
        (["GET", "https:///orders"], "is neither a path such as"),
        (["GET", "http://[::1/"], "stockade: the host is missing, given twice, or holds characters"),
        (["GET", "/a%2Fb"], "stockade: the path holds an escaped slash or NUL"),
        (["GET", "/a%5cb"], "stockade: the path holds an escaped slash or NUL"),
        (["GET", "/a%zz"], "stockade: the path holds a broken percent escape"),
        (["GET", "/a b"], "stockade: the request target holds characters"),
        (["GET", "/a#b"], "stockade: the request target holds a fragment"),
        (["GET", "http://alice@shop.example/"], "stockade: the host is missing, given twice, or holds characters"),
        (["GET", "/", "-H", "Host: a", "-H", "Host: b"], "stockade: the host is missing, given twice"),
    ],
)
def test_what_is_no_request(shop: Path, stockade: Stockade, arguments: list[str], said: str) -> None:
    ended = stockade("explain", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in " ".join(ended.err.replace("│", " ").split())


def test_a_mistyped_header_is_not_repeated(shop: Path, stockade: Stockade) -> None:
    assert "hunter2" not in stockade("explain", "GET", "/", "-H", "Bearer hunter2").err


@pytest.mark.parametrize(
    ("arguments", "claimed"),
    [
        (["https://shop.example/v1/health"], True),
        (["HTTPS://SHOP.EXAMPLE:8443/v1/x?y=/v9#z"], True),
        (["/v1/x", "-H", "Host: shop.example"], True),
        (["https://other.example/v1/x", "-H", "Host: shop.example"], True),
        (["https://other.example/v1/x"], False),
        (["https://shop.example"], False),
        (["https://shop.example?x"], False),
        (["/v1/x"], False),
    ],
)
def test_hosts_and_prefixes(shop: Path, stockade: Stockade, arguments: list[str], claimed: bool) -> None:
    (shop / "stockade.yaml").write_text(HOSTS)
    ended = stockade("explain", "GET", *arguments)
    assert (" of shop from " in ended.out) == claimed
    if not claimed:
        assert ended.status == 1
        assert ended.out == (
            "GET of no API from 127.0.0.1: deny 404 by routing\n"
            "no API claims this host and path; the policy has shop.example/v1\n"
        )


def test_a_bad_policy(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text("version: 1\n")
    ended = stockade("explain", "GET", "/")
    assert ended.status == 2
    assert ended.err.startswith("stockade.yaml:1: apis is missing")


def test_a_store_that_cannot_be_opened(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.db").mkdir()
    ended = stockade("explain", "GET", "/")
    assert ended.status == 2
    assert "stockade.db" in ended.err
    assert "Traceback" not in ended.err
