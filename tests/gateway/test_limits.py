"""Limits are counted once for all workers, whatever becomes of one of them or of the policy."""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.client import Client
from tests.gateway.conftest import Start
from tests.gateway.harness import Gateway, Policy, api, policy, wait_until
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy

LIMIT = 20


def limited(upstream: Upstream, **measure: object) -> Policy:
    limit = {"name": "few", "key": "address", **(measure or {"rate": "1/hour", "burst": LIMIT})}
    return policy(api(upstream.port, limits=[limit]), workers=2)


def statuses(gateway: Gateway, count: int, tag: str = "") -> Counter[int]:
    """Of requests on as many connections as there are requests, several at once."""
    with ThreadPoolExecutor(8) as pool:
        return Counter(reply.status for reply in pool.map(lambda _: gateway.get("/", x_tag=tag), range(count)))


def workers_of(gateway: Gateway, tag: str, count: int) -> set[int]:
    return {record["worker"] for record in gateway.records(tag, count)}


@pytest.mark.parametrize("measure", [{"rate": "1/hour", "burst": LIMIT}, {"quota": f"{LIMIT}/year"}])
def test_a_limit_holds_over_all_workers(start: Start, echoing: Upstream, measure: dict[str, object]) -> None:
    gateway = start(limited(echoing, **measure))
    assert statuses(gateway, 100, "many") == {200: LIMIT, 429: 100 - LIMIT}
    assert workers_of(gateway, "many", 100) == {0, 1}  # else the test proves nothing
    with Client(gateway.port, source="127.0.0.2") as other:
        assert other.ask("GET", "/").status == 200


def test_it_is_not_forgotten_when_a_worker_ends(start: Start, echoing: Upstream) -> None:
    gateway = start(limited(echoing))
    assert statuses(gateway, LIMIT) == {200: LIMIT}
    for victim in gateway.workers():
        os.kill(victim, signal.SIGKILL)
    wait_until(lambda: gateway.metrics()["stockade_worker_restarts_total"] == 2)
    wait_until(lambda: gateway.ready()["workers"] == 2, "two workers")
    assert statuses(gateway, 20, "after") == {429: 20}
    assert workers_of(gateway, "after", 20) == {0, 1}


def test_it_is_not_forgotten_when_the_policy_is_reloaded(start: Start, echoing: Upstream) -> None:
    begin = limited(echoing)
    gateway = start(begin)
    assert statuses(gateway, LIMIT) == {200: LIMIT}
    gateway.reload({**begin, "drain": "1s"})
    assert statuses(gateway, 20) == {429: 20}


def test_the_counters_leave_nothing_behind(start: Start, echoing: Upstream) -> None:
    """They are in memory that has no name, and goes with the last who has it."""
    gateway = start(limited(echoing))
    assert statuses(gateway, 1) == {200: 1}
    assert all("stockade-counters" in Path(f"/proc/{pid}/maps").read_text() for pid in gateway.workers())
    assert gateway.stop() == 0
    assert not list(gateway.scratch.iterdir())
