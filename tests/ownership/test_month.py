"""The simulated month, shortened: no honest request is refused, and nothing that is known is got at."""

from __future__ import annotations

import asyncio

from benchmarks.ownership import AT_ONCE, POLICY, World, imported, month


def test_no_honest_request_is_refused_while_it_learns():
    _, wrong = asyncio.run(month(World(POLICY), 3, 11))
    assert [asked for _, asked, _ in wrong if asked.honest] == []


def test_every_attack_is_refused_once_owners_are_imported():
    world = World(AT_ONCE)
    imported(world)
    tally, wrong = asyncio.run(month(world, 3, 11))
    assert wrong == []
    assert sum(number for (_, honest, _, _), number in tally.items() if not honest) > 50
