"""What authorization costs a request, in process: scopes, and ownership at a million objects.

    python benchmarks/authorization.py [--objects 1000000] [--requests 20000]

`scopes` is the control's whole hook, with paths that repeat (`same`) and that never do (`new`). `ownership` is the
hook and its question to the table, for objects of one's own, for another's, and for one nobody was ever given. Each
figure is the best of forty rounds, less nothing.

Exit status: 0.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only

from benchmarks.hooks import AT, cost, order
from stockade.config import build, load_text
from stockade.engine import drive
from stockade.stores import Counters, KeySources, Owners, Stores
from stockade.vocabulary import Control, Exchange, Pass, Principal, Stop

POLICY = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authorization:
      rules:
        - {operations: ["GET /orders/{id}"], scopes: ["orders:read"]}
        - {operations: ["* /admin/*"], roles: [admin]}
    ownership:
      - type: order
        id: path.id
        operations: ["GET /orders/{id}"]
        learn: {from: "POST /orders"}
        learning: 0s
        walk: 1000000/s
"""
PRINCIPALS = 50_000


def controls() -> dict[str, Control]:
    (route,) = build(load_text(POLICY, Path("stockade.yaml"), {})).policy.routes
    return {binding.control.name: binding.control for binding in reversed(route.bindings)}


def fill(owners: Owners, objects: int) -> None:
    hold = owners.edges.hold
    for number in range(objects):
        hold("shop/order", str(number), f"principal:p{number % PRINCIPALS}", AT, 90 * 86400.0, False)


def main() -> int:
    parser = argparse.ArgumentParser(description="What authorization costs.")
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=20_000)
    arguments = parser.parse_args()
    found = controls()
    authorization, guard = found["authorization"], _guard()
    people = [Principal(f"p{number}", "jwt", scopes=frozenset({"orders:read"})) for number in range(1000)]
    owners = Owners(None, arguments.objects)
    started = time.perf_counter()
    fill(owners, arguments.objects)
    filled = time.perf_counter() - started
    stores = Stores(Counters(), None, KeySources(()), owners=owners)
    chance = random.Random(1)

    def numbers(offset: int) -> list[tuple[int, Principal]]:
        rows = []
        for _ in range(arguments.requests):
            who = chance.randrange(1000)
            rows.append(
                (who + offset + PRINCIPALS * chance.randrange(max(1, arguments.objects // PRINCIPALS)), people[who])
            )
        return rows

    own = [order(*row) for row in numbers(0)]
    anothers = [order(*row) for row in numbers(1000)]
    strange = [order(number + arguments.objects * 2, who) for number, who in numbers(0)]
    same = [order(7, people[7])] * arguments.requests

    def owned(each: Exchange) -> Any:
        said = guard.on_request(each)
        return said if isinstance(said, Pass | Stop) else drive(said, stores.answer)

    for each in own[:1000]:
        assert isinstance(owned(each), Pass), owned(each)
    assert isinstance(owned(anothers[0]), Stop)
    print(f"filled {arguments.objects} objects in {filled:.1f} s, {owners.edges.evicted} gave way")
    print(f"scopes, same path:       {cost(authorization.on_request, same):6.2f} µs")
    print(f"scopes, new paths:       {cost(authorization.on_request, own):6.2f} µs")
    print(f"ownership, own object:   {cost(owned, own):6.2f} µs")
    print(f"ownership, another's:    {cost(owned, anothers):6.2f} µs")
    print(f"ownership, never given:  {cost(owned, strange):6.2f} µs")
    return 0


def _guard() -> Control:
    (route,) = build(load_text(POLICY, Path("stockade.yaml"), {})).policy.routes
    return next(binding.control for binding in route.bindings if type(binding.control).__name__ == "Guard")


if __name__ == "__main__":
    sys.exit(main())
