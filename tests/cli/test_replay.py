"""`stockade replay`: what a policy would have done with recorded requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import POLICY, Stockade


def record(path: str = "/health", **changes: Any) -> dict[str, Any]:
    return {
        "time": "2026-01-01T00:00:00.000Z",
        "request_id": "r-1",
        "api": "shop",
        "operation": f"GET {path}",
        "client": "192.0.2.1",
        "principal": None,
        "method": "GET",
        "path": path,
        "status": 200,
        "action": "allow",
        "control": None,
        "findings": [],
        "headers": {},
        **changes,
    }


def entry(url: str, method: str = "GET", **changes: Any) -> dict[str, Any]:
    request = {"method": method, "url": url, "headers": [], "httpVersion": "HTTP/1.1", **changes}
    return {"startedDateTime": "2026-01-01T00:00:00.000+00:00", "request": request}


def log(folder: Path, *records: dict[str, Any]) -> str:
    (folder / "decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in records))
    return "decisions.jsonl"


def har(folder: Path, *entries: dict[str, Any]) -> str:
    (folder / "recorded.har").write_text(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}))
    return "recorded.har"


def test_a_log_that_would_be_decided_alike(shop: Path, stockade: Stockade) -> None:
    file = log(
        shop,
        record(),
        record("/orders", principal="alice"),
        record("/orders", action="deny", status=401, control="authentication"),
    )
    ended = stockade("replay", file)
    assert (ended.status, ended.err) == (0, "")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["was", "now", "control", "requests"],
        ["allow", "allow", "2"],
        ["deny", "deny", "authentication", "1"],
    ]


def test_a_log_whose_requests_would_be_refused(shop: Path, stockade: Stockade) -> None:
    file = log(shop, record(), record("/orders", client="203.0.113.1", principal="alice"), record("/orders"))
    ended = stockade("replay", file)
    assert ended.status == 1
    newly = ended.out.partition("Newly refused\n")[2].splitlines()[1:]
    assert [line.split() for line in newly] == [
        ["2", "GET", "/orders", "deny", "firewall", "address-denied"],
        ["3", "GET", "/orders", "deny", "authentication", "credential-missing"],
    ]


def test_another_policy(shop: Path, stockade: Stockade) -> None:
    (shop / "new.yaml").write_text(POLICY.replace("203.0.113.0/24", "192.0.2.0/24"))
    file = log(shop, record())
    assert stockade("replay", file).status == 0
    assert stockade("replay", file, "--policy", "new.yaml").status == 1


def test_limits_count_in_the_order_of_the_requests(shop: Path, stockade: Stockade) -> None:
    """A log is in the order of the responses, and what was a minute apart must stay so."""
    times = ("00:01:30", "00:00:00", "00:00:01", "00:00:02")
    records = [record("/login", method="POST", time=f"2026-01-01T{time}Z") for time in times]
    answer = stockade("replay", log(shop, *records), "--json").json()
    assert [(one["line"], one["action"]) for one in answer["decisions"]] == [
        *((2, "allow"), (3, "allow"), (4, "throttle"), (1, "allow"))
    ]


def test_for_machines(shop: Path, stockade: Stockade) -> None:
    answer = stockade("replay", log(shop, record("/orders", action="deny", principal="alice")), "--json").json()
    assert (answer["requests"], answer["newly_refused"]) == (1, 0)
    assert answer["decisions"] == [
        {
            "line": 1,
            "method": "GET",
            "path": "/orders",
            "api": "shop",
            "was": "deny",
            "action": "allow",
            "status": None,
            "control": None,
            "rules": [],
            "newly_refused": False,
            "newly_allowed": True,
        }
    ]


def test_an_api_that_is_gone(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text(POLICY.replace("name: shop", "name: other\n    prefix: /v2"))
    answer = stockade("replay", log(shop, record()), "--json").json()
    assert answer["decisions"][0]["control"] == "routing"


def test_a_har_file(shop: Path, stockade: Stockade) -> None:
    key = stockade("keys", "issue", "--owner", "alice").out.strip()
    file = har(
        shop,
        entry("https://shop.example/orders?page=2", headers=[{"name": "x-api-key", "value": key}]),
        entry("http://shop.example/health"),
    )
    ended = stockade("replay", file)
    assert ended.status == 0
    assert ended.out.split() == ["was", "now", "control", "requests", "-", "allow", "2"]
    assert key not in ended.out


def test_a_har_file_with_requests_that_would_be_refused(shop: Path, stockade: Stockade) -> None:
    file = har(
        shop,
        entry("https://shop.example/a%2Fb"),
        entry("https://shop.example/login", "POST", postData={"mimeType": "text/plain", "text": "x" * 2000}),
        entry("https://shop.example/health"),
    )
    ended = stockade("replay", file, "--json")
    assert ended.status == 1
    assert [(one["line"], one["control"], one["rules"]) for one in ended.json()["decisions"]] == [
        (1, "routing", ["bad-target"]),
        (2, "firewall", ["media-type"]),
        (3, None, []),
    ]


def test_the_address_of_a_har_file_is_given(shop: Path, stockade: Stockade) -> None:
    file = har(shop, entry("https://shop.example/health"))
    assert stockade("replay", file, "--client", "203.0.113.1").status == 1
    bad = stockade("replay", file, "--client", "somewhere")
    assert bad.status == 2
    assert "'somewhere' is not an address" in bad.err


def test_many_refused_requests_are_cut_short(shop: Path, stockade: Stockade) -> None:
    ended = stockade("replay", log(shop, *[record("/orders")] * 60))
    assert ended.status == 1
    assert ended.out.count("throttle  limits          logins") == 48
    assert ended.out.endswith("(+10 more; --json shows all)\n")


def test_malformed_recordings(shop: Path, stockade: Stockade) -> None:
    (shop / "log.jsonl").write_text(json.dumps(record()) + "\n{broken\n")
    ended = stockade("replay", "log.jsonl")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("stockade: log.jsonl:2: not a record of the decision log: ")
    (shop / "bad.har").write_text('{"log":\n{"entries": [\n{]}}')
    ended = stockade("replay", "bad.har")
    assert ended.status == 2
    assert ended.err.startswith("stockade: bad.har:3: not a HAR file: ")
    missing = stockade("replay", "nowhere.har")
    assert missing == (2, "", "stockade: nowhere.har cannot be read: No such file or directory\n")


def test_a_bad_policy_comes_before_a_bad_recording(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.yaml").write_text("version: 1\n")
    assert stockade("replay", "nowhere.har").err.startswith("stockade.yaml:1: ")
