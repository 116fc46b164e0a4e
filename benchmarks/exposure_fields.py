"""Field authorization of a 10 KB JSON response: what a projection costs. `benchmarks/exposure.py` may take `measure`.

python -m benchmarks.exposure_fields
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import msgspec

from stockade.projections import MASK, REMOVE, Planner, Rule, hasher, parse_path, project
from stockade.projections.projecting import Cut

AIM = 120.0  # µs for 10 KB
_ROUNDS, _CALLS = 7, 200


class Figure(NamedTuple):
    name: str
    microseconds: float  # the best round's mean
    size: int  # bytes


def body() -> bytes:
    """A page of 42 users, 10 KB."""
    users = [
        {
            "id": number,
            "name": "Ada Lovelace",
            "email": f"ada.{number}@example.com",
            "address": "1 Harbour Road, Exampleton",
            "phone": "+1-202-555-0101",
            "balance": 12.5,
            "role": "customer",
            "note": "x" * 72,
        }
        for number in range(42)
    ]
    return json.dumps({"items": users, "page": 1, "total": 420}, separators=(",", ":")).encode()


def cuts() -> dict[str, Cut]:
    """name: what is done to the body."""
    mask = Planner([Rule(parse_path("$.items[*].email")), Rule(parse_path("$.items[*].phone"))]).plan()
    deep = Planner([Rule(parse_path("$..email"))]).plan()
    made = {
        "two fields masked": mask.cut((MASK, MASK)),
        "two fields removed": mask.cut((REMOVE, REMOVE)),
        "one field hashed": mask.cut((hasher(b"k" * 32), None)),
        "one field at any depth": deep.cut((MASK,)),
    }
    return {name: cut for name, cut in made.items() if cut is not None}


def measure() -> list[Figure]:
    """Each cut, beside the least that any such work costs: decoding and encoding the body."""
    data = body()
    work: dict[str, Callable[[], object]] = {
        "decode and encode alone": lambda: msgspec.json.encode(msgspec.json.decode(data)),
        "json.loads and dumps": lambda: json.dumps(json.loads(data)).encode(),
    }
    for name, cut in cuts().items():
        work[name] = lambda cut=cut: project(data, cut)  # type: ignore[misc]
    return [Figure(name, _best(call), len(data)) for name, call in work.items()]


def _best(call: Callable[[], object]) -> float:
    rounds = []
    for _ in range(_ROUNDS):
        started = perf_counter()
        for _ in range(_CALLS):
            call()
        rounds.append((perf_counter() - started) / _CALLS * 1e6)
    return min(rounds)


def main() -> None:
    for figure in measure():
        print(f"{figure.name:28} {figure.microseconds:8.1f} µs for {figure.size} bytes (aim: {AIM:.0f})")


if __name__ == "__main__":
    main()
