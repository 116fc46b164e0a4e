"""The generic cell rate algorithm (ITU-T I.371, annex A), in its virtual-scheduling form.

The whole state of a bucket is one number, the theoretical arrival time (TAT): when the bucket would be full again.
A bucket that was never used, or not for long, has a TAT in the past; both mean "full", so nothing need be kept.

Whole nanoseconds, because in fractions it goes wrong: seconds since the epoch have steps of a quarter microsecond, so
that sums round up past the depth of the bucket, and one of 50 tokens a minute would refuse its first.

A TAT further ahead than the bucket is deep was written under another limit or another clock: the bucket is then taken
to be empty, or else raising a limit, or a clock that was put back, would shut callers out for hours.
"""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000_000  # nanoseconds
_JUMP = 60 * SECOND  # by which requests of one clock may come out of order; what is more is another clock's


class Taken(NamedTuple):
    """Times are seconds from the moment of asking, but `arrival`, the state to keep, is nanoseconds since the epoch.

    It is as it was when refused, unless another limit or another clock had made it.
    """

    allowed: bool
    arrival: int
    remaining: int
    reset: float
    retry_after: float


def take(arrival: int, at: float, interval: float, burst: int, cost: int = 1) -> Taken:
    """Take `cost` tokens at time `at` from a bucket of `burst` tokens that regains one each `interval` seconds.

    >>> take(0, at=100.0, interval=0.5, burst=2).remaining
    1
    """
    now, step = int(at * SECOND), int(interval * SECOND + 0.5) or 1
    depth = step * burst
    ahead = arrival - now
    if ahead < 0:
        ahead = 0
    elif ahead > depth + _JUMP:
        ahead = depth
        arrival = now + depth
    after = ahead + step * cost
    if after > depth:
        retry_after = (after - depth) / SECOND if cost <= burst else float("inf")
        return Taken(False, arrival, max(0, depth - ahead) // step, ahead / SECOND, retry_after)
    return Taken(True, now + after, (depth - after) // step, after / SECOND, 0.0)
