"""Ownership before the sample shop, in the ASGI door: what is learned is enforced, and streams still stream."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
from shop.app import create_app

from stockade.config import load
from stockade.config.hash_key import read_hash_key
from stockade.gateway.asgi import StockadeMiddleware
from stockade.identity import ApiKeys
from stockade.stores import KeyStore

POLICY = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
owners: {objects: 1000}
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authentication: {any_of: [{api_key: {}}]}
    authorization: {default: allow, rules: [{name: admin, operations: ["* /admin/*"], roles: [admin]}]}
    ownership:
      - type: document
        id: path.id
        operations: ["* /documents/{id}", "* /documents/{id}/*"]
        learn: {from: "POST /documents"}
        lists: {"GET /documents": "response[*].id"}
        share: {from: "POST /documents/{id}/shares", id: path.id, to: body.user_id}
        learning: 0s
"""
FIRST = POLICY.splitlines().index("      - type: document") + 1
LINES = {str(line) for line in range(FIRST, FIRST + 8)}


def keys(folder: Path) -> dict[str, str]:
    loaded = load(folder / "stockade.yaml")
    store = KeyStore(loaded.folder / loaded.config.keys.path)
    issued = {name: ApiKeys(store, read_hash_key(loaded)).issue(name, 0.0).text for name in ("1", "2")}
    store.close()
    return issued


def test_what_is_learned_is_enforced_and_outlives_the_process(tmp_path: Path) -> None:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    issued = keys(tmp_path)
    shop = create_app()

    async def talk(calls: list[tuple[str, str, str, Any]]) -> list[int]:
        door = StockadeMiddleware(shop, tmp_path / "stockade.yaml")
        said = []
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://shop") as client:
            for who, method, path, body in calls:
                reply = await client.request(method, path, json=body, headers={"x-api-key": issued[who]})
                said.append(reply.status_code)
        door.close()
        return said

    before = [
        ("1", "POST", "/documents", {"title": "mine"}),
        ("1", "GET", "/documents/1", None),
        ("2", "GET", "/documents/1", None),
        ("2", "PUT", "/documents/1.0", {"title": "his"}),
        ("2", "GET", "/admin/orders", None),
        ("1", "GET", "/events?n=2&delay=0", None),
        ("1", "GET", "/documents", None),
    ]
    assert asyncio.run(talk(before)) == [201, 200, 404, 404, 403, 200, 200]
    after = [
        ("2", "GET", "/documents/1", None),
        ("1", "POST", "/documents/1/shares", {"user_id": 2}),
        ("2", "GET", "/documents/1", None),
        ("2", "GET", "/documents", None),
    ]
    assert asyncio.run(talk(after)) == [404, 200, 200, 200]
    records = [json.loads(line) for line in (tmp_path / "decisions.jsonl").read_text().splitlines()]
    refused = [record["findings"][-1] for record in records if record["control"] == "ownership"]
    assert [finding["rule"] for finding in refused] == ["not-owner"] * 3
    assert all(finding["policy"].rpartition(":")[2] in LINES for finding in refused)
