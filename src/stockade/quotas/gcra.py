"""The generic cell rate algorithm (ITU-T I.371, annex A), in its virtual-scheduling form.

The whole state of a bucket is one number, the theoretical arrival time (TAT): when the bucket would be full again.
A bucket that was never used, or not for long, has a TAT in the past; both mean "full", so nothing need be kept.
"""

from __future__ import annotations

from typing import NamedTuple


class Taken(NamedTuple):
    """Times in seconds. `arrival` is the state to keep: unchanged when refused."""

    allowed: bool
    arrival: float
    remaining: int
    reset: float
    retry_after: float


def take(arrival: float, at: float, interval: float, burst: int, cost: int = 1) -> Taken:
    """Take `cost` tokens at time `at` from a bucket of `burst` tokens that regains one each `interval` seconds.

    >>> take(0.0, at=100.0, interval=0.5, burst=2).remaining
    1
    """
    full_at = arrival if arrival > at else at
    after = full_at + interval * cost
    excess = after - at - interval * burst
    # A nanosecond of slack: sums of binary fractions must not refuse the last token of a full bucket.
    if excess > 1e-9:
        retry_after = excess if cost <= burst else float("inf")
        return Taken(False, arrival, int((at + interval * burst - full_at) / interval + 1e-9), full_at - at, retry_after)
    return Taken(True, after, int((-excess + 1e-9) / interval), after - at, 0.0)
