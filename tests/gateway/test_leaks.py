"""Leaks of the sample shop, with and without Stockade, through both doors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from shop.app import create_app

from stockade.gateway.asgi import StockadeMiddleware
from tests.gateway.client import Client, Reply
from tests.gateway.doors import serving
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until

LEAKS: dict[str, dict[str, Any]] = {
    "open": {"mode": "off"},
    "masking": {"detectors": {"all": "mask"}},
    "blocking": {"detectors": {"all": "block"}},
    "removing": {"detectors": {"all": "remove"}, "operations": {"GET /users/{id}": {"emails": "off"}}},
    "watching": {"mode": "monitor", "detectors": {"all": "block"}},
}


def shop_policy(port: int) -> dict[str, Any]:
    exposure = {"hide_errors": False, "security_headers": False}
    apis = [api(port, name, hosts=[f"{name}.test"], leaks=leaks, exposure=exposure) for name, leaks in LEAKS.items()]
    return policy(*apis)


class Door(NamedTuple):
    name: str
    port: int
    log: Path

    def get(self, target: str, host: str, *headers: tuple[str, str]) -> Reply:
        with Client(self.port) as client:
            return client.ask("GET", target, {"host": f"{host}.test", **dict(headers)})

    def rules(self, tag: str) -> dict[str, str]:
        """By rule, the evidence of the findings of the request with that tag."""

        def record() -> dict[str, Any] | None:
            lines = self.log.read_text().splitlines() if self.log.exists() else []
            records = [json.loads(line) for line in lines]
            return next((one for one in records if one["headers"].get("x-tag") == tag), None)

        found = wait_until(record, "the record")
        return {finding["rule"]: finding["evidence"] for finding in found["findings"]}


@pytest.fixture(scope="module", params=[pytest.param("envoy", marks=pytest.mark.envoy), "asgi"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("leaks")
    if request.param == "envoy":
        port = request.getfixturevalue("shop")
        with running(Gateway(folder, shop_policy(port))) as gateway:
            yield Door("envoy", gateway.port, folder / "decisions.jsonl")
        return
    port = free_port()
    (folder / "stockade.yaml").write_text(json.dumps(shop_policy(9)))
    middleware = StockadeMiddleware(create_app(), folder / "stockade.yaml")
    with serving(middleware, port):
        yield Door("asgi", port, folder / "decisions.jsonl")
    middleware.close()



def test_a_user_with_a_password_hash(door: Door) -> None:
    plain = json.loads(door.get("/users/1", "open").body)
    assert len(plain["password_hash"]) == 64
    assert plain["email"] == "ada.lind@example.com"

    reply = door.get("/users/1", "masking", ("x-tag", f"{door.name}-hash"))
    masked = json.loads(reply.body)
    assert masked["password_hash"] == "*" * 64
    assert masked["email"] == "*" * len(plain["email"])
    assert masked["phone"] == "*" * len(plain["phone"])
    assert masked["name"] == plain["name"]
    rules = door.rules(f"{door.name}-hash")
    assert rules["password_hashes"] == "mask: 1 time, 64 bytes"
    assert "ada.lind" not in door.log.read_text()

    reply = door.get("/users/1", "blocking")
    assert reply.status == 502
    assert plain["password_hash"].encode() not in reply.body
    assert json.loads(reply.body)["status"] == 502

    removed = json.loads(door.get("/users/1", "removing").body)
    assert removed["password_hash"] == ""
    assert removed["email"] == plain["email"]

    assert json.loads(door.get("/users/1", "watching", ("x-tag", f"{door.name}-watch")).body) == plain
    assert door.rules(f"{door.name}-watch")["password_hashes"] == "block: 1 time, 64 bytes"


def test_a_stack_trace_in_an_error(door: Door) -> None:
    assert b"Traceback" in door.get("/error", "open").body
    reply = door.get("/error", "blocking")
    assert reply.status == 502
    assert b"Traceback" not in reply.body
    masked = door.get("/error", "masking")
    assert masked.status == 500
    assert b"Traceback" not in masked.body
    assert b"not-a-real-password" not in masked.body


def test_a_debug_page(door: Door) -> None:
    assert b"AKIAIOSFODNN7EXAMPLE" in door.get("/debug", "open").body
    body = door.get("/debug", "masking").body
    for secret in (b"AKIAIOSFODNN7EXAMPLE", b"wJalrXUtn", b"not-a-real", b"fake-fake", b"4111"):
        assert secret not in body
    assert body.startswith(b"SHOP_ENV=production\n")


def test_an_error_of_the_database(door: Door) -> None:
    assert b"unrecognized token" in door.get("/search?q='", "open").body
    assert b"unrecognized token" not in door.get("/search?q='", "masking").body


def test_what_may_leave_is_not_changed(door: Door) -> None:
    for target in ("/products?size=30", "/orders", "/health"):
        assert door.get(target, "masking").body == door.get(target, "open").body


def test_a_download_passes_whole(door: Door) -> None:
    reply = door.get("/download?size=3000000", "blocking")
    assert len(reply.body) == 3_000_000
    assert reply.body == (bytes(range(256)) * 11719)[:3_000_000]


def test_events_come_one_by_one(door: Door) -> None:
    reply = door.get("/events?n=4&delay=0.01", "blocking")
    assert reply.body.count(b"event: tick") == 4
