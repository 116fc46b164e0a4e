"""How long cores stand still though nobody here asked them to work: gaps in loops that do nothing but read the clock.

A virtual machine shares its cores with strangers, whom it cannot see. What they take is in every percentile: a request
that is due in a gap waits for its end, and then for all that gathered in front of it, which takes the longer the busier
the core is. So a tail no longer than the gaps says little of who was measured.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from time import perf_counter

GAP_SECONDS = 0.0005  # shorter ones are interrupts


@dataclass(frozen=True, slots=True)
class Stalls:
    """Of one core while all of them were busy: the share of the time that went in gaps, and the longest, in seconds."""

    share: float
    longest: float


def watch(core: int, seconds: float) -> Stalls:
    os.sched_setaffinity(0, {core})
    gaps = []
    last = perf_counter()
    end = last + seconds
    while last < end:
        now = perf_counter()
        if now - last > GAP_SECONDS:
            gaps.append(now - last)
        last = now
    return Stalls(sum(gaps) / seconds, max(gaps, default=0.0))


def watch_all(cores: Sequence[int], seconds: float) -> list[Stalls]:
    """All at the same time."""
    with ProcessPoolExecutor(len(cores)) as pool:
        return list(pool.map(watch, cores, [seconds] * len(cores)))
