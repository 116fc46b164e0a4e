"""`explain` and `replay` leave the policy's folder as it was: no key, no log, no database, no newer tables."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Stockade
from tests.stores.test_migrations import BEFORE

EVERYTHING = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
log: {path: decisions.log}
secrets: {}
identity: {issuer: "https://auth.example.com"}
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authentication:
      any_of:
        - api_key: {}
        - basic: {}
        - oauth2: {issuer: https://auth.example.com, audience: shop}
        - oidc: {issuer: http://127.0.0.1:1, client_id: shop, url: https://shop.example.com}
      anonymous: ["GET /health"]
    ownership:
      - {type: order, mode: monitor, id: path.order, operations: ["GET /orders/{order}"]}
"""
ASKED = [
    ["GET", "/health"],
    ["GET", "/orders/7", "-H", "X-API-Key: stk_T9vTjNA81K74_none"],
    ["GET", "/orders/7", "-H", "Authorization: Basic YWxpY2U6aHVudGVyMg=="],
    ["GET", "/orders/7", "-H", "Authorization: Bearer nothing"],
    ["GET", "https://auth.example.com/oauth2/jwks"],
]
RECORDED = {"time": "2026-01-01T00:00:00.000Z", "client": "192.0.2.1", "method": "GET", "path": "/health"}


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}


def run_all(folder: Path, stockade: Stockade) -> None:
    before = everything(folder)
    for arguments in ASKED:
        ended = stockade("explain", *arguments)
        assert (ended.status in (0, 1), ended.err) == (True, ""), ended
        assert everything(folder) == before
    assert stockade("explain", *ASKED[0]).status == 0
    assert stockade("replay", "recorded.jsonl").status in (0, 1)
    assert everything(folder) == before


@pytest.fixture
def all_of_it(shop: Path) -> Path:
    (shop / "stockade.yaml").write_text(EVERYTHING)
    record = {**RECORDED, "request_id": "r", "api": "shop", "action": "allow", "status": 200}
    (shop / "recorded.jsonl").write_text(json.dumps(record) + "\n")
    return shop


def test_where_nothing_was_made_yet(all_of_it: Path, stockade: Stockade) -> None:
    run_all(all_of_it, stockade)
    assert {path.name for path in all_of_it.iterdir()} == {"stockade.yaml", "recorded.jsonl"}


def test_where_everything_is_there(all_of_it: Path, stockade: Stockade) -> None:
    key = stockade("keys", "issue", "--owner", "alice", "--json").json()["key"]
    before = everything(all_of_it)
    assert {"stockade.db", "stockade.hash-key"} <= before.keys()
    assert stockade("explain", "GET", "/x", "-H", f"X-API-Key: {key}").status == 0
    assert everything(all_of_it) == before
    run_all(all_of_it, stockade)


def test_older_tables_stay_so(all_of_it: Path, stockade: Stockade) -> None:
    with closing(sqlite3.connect(all_of_it / "stockade.db")) as old:
        old.executescript(BEFORE)
    run_all(all_of_it, stockade)
