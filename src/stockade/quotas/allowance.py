"""Fixed amounts per period: so many in an hour, all at once or spread, and as many again in the next.

A request that is a little late counts in the period that has begun since: at midnight requests overtake each other,
and going back would begin the old period anew, with all of its amount. A period that lies further ahead than that was
written by another clock, and is forgotten. When a period is made longer (3 an hour become 3 a month) what was used of
the shorter one counts.

This is the reference for those who count in memory that processes share, in C: see `stores/table/measures.h`.
"""

from __future__ import annotations

from typing import NamedTuple

from stockade.quotas.calendar import Period

_JUMP = 60.0  # seconds by which requests of one clock may come out of order


class Used(NamedTuple):
    """What was used of a period, which is the state to keep."""

    period: Period = Period(0, 0)
    amount: int = 0


class Drawn(NamedTuple):
    """reset: seconds until the period that was asked for ends."""

    allowed: bool
    used: Used
    remaining: int
    reset: float


def draw(used: Used, at: float, limit: int, period: Period, cost: int = 1) -> Drawn:
    """Draw `cost` at time `at` from `limit` per `period`, the one that holds `at`.

    >>> draw(Used(), at=100.0, limit=5, period=Period(60, 120)).remaining
    4
    """
    if period.start <= used.period.start <= at + _JUMP:
        current = Used(Period(used.period.start, max(used.period.end, period.end)), used.amount)
    else:
        current = Used(period, 0)
    left, reset = max(0, limit - current.amount), period.end - at
    if cost > left:
        return Drawn(False, used, left, reset)
    return Drawn(True, Used(current.period, current.amount + cost), left - cost, reset)
