"""The generic cell rate algorithm (ITU-T I.371, annex A), in its virtual-scheduling form.

The whole state of a bucket is one number, the theoretical arrival time (TAT): when the bucket would be full again.
A bucket that was never used, or not for long, has a TAT in the past; both mean "full", so nothing need be kept.

Whole nanoseconds, because in fractions it goes wrong: seconds since the epoch have steps of a quarter microsecond, so
that sums round up past the depth of the bucket, and one of 50 tokens a minute would refuse its first.

A TAT further ahead than the bucket is deep was written under another limit or another clock: the bucket is then taken
to be empty, or else raising a limit, or a clock that was put back, would shut callers out for hours.

This is the reference for those who count in memory that processes share, in C: see `stores/table/measures.h`.
"""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000_000  # nanoseconds
_JUMP = 60 * SECOND  # by which requests of one clock may come out of order; what is more is another clock's
_DEEPEST = 1 << 61  # 73 years: no bucket is deeper, so that the state fits in 64 bits


class Taken(NamedTuple):
    """Times are seconds from the moment of asking, but `arrival`, the state to keep, is nanoseconds since the epoch.

    It is as it was when refused, unless another limit or another clock had made it.
    """

    allowed: bool
    arrival: int
    remaining: int
    reset: float
    retry_after: float


def nanoseconds(interval: float) -> int:
    """An interval of seconds as it is counted: whole, and not none."""
    return int(interval * SECOND + 0.5) or 1


def take(arrival: int, at: float, interval: float, burst: int, cost: int = 1) -> Taken:
    """Take `cost` tokens at time `at` from a bucket of `burst` tokens that regains one each `interval` seconds.

    >>> take(0, at=100.0, interval=0.5, burst=2).remaining
    1
    """
    now, step = int(at * SECOND), min(nanoseconds(interval), _DEEPEST)
    depth, charge = min(step * burst, _DEEPEST), min(step * cost, _DEEPEST)
    ahead = arrival - now
    if ahead < 0:
        ahead = 0
    elif ahead > depth + _JUMP:
        ahead = depth
        arrival = now + depth
    after = ahead + charge
    if after > depth:
        retry_after = (after - depth) / SECOND if charge <= depth else float("inf")
        return Taken(False, arrival, max(0, depth - ahead) // step, ahead / SECOND, retry_after)
    return Taken(True, now + after, (depth - after) // step, after / SECOND, 0.0)
