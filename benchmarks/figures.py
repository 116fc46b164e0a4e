"""What a run of the benchmark measured, and the medians and ratios that are drawn from it.

A list of samples has one place per round, None where that round's run failed, so that peers are compared round by
round: noise that lasts longer than a round then touches both sides of a ratio.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.load import Outcome
from benchmarks.processes import TICKS_PER_SECOND
from benchmarks.stalls import Stalls

SATURATED = "saturated"
# Stages at a fixed rate, by the share of Stockade's throughput that they send.
PACED = {"half": 0.5, "quarter": 0.25}


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one load on one peer; ticks are processor time of the peer, and of strangers on either core."""

    outcome: Outcome
    wall_seconds: float
    own_ticks: int
    others_on_proxy_core: int
    others_on_load_core: int

    @property
    def cpu_microseconds(self) -> float:
        """Processor time per request, which other processes on the core disturb far less than the rate."""
        return self.own_ticks / TICKS_PER_SECOND / max(1, self.outcome.requests) * 1e6

    @property
    def busy(self) -> float:
        """Share of the time in which the peer ran; well under 1 at full load, and something else was the limit."""
        return self.own_ticks / TICKS_PER_SECOND / self.wall_seconds

    @property
    def others(self) -> float:
        """Share of the time in which other processes held a core: the proxy's or the load's, whichever had more."""
        return max(self.others_on_proxy_core, self.others_on_load_core) / TICKS_PER_SECOND / self.wall_seconds


@dataclass(slots=True)
class Memory:
    """Resident KiB of the workers at three moments, and of the whole program (supervisor, store) at the last."""

    started: int = 0
    warm: int = 0
    ended: int = 0
    program_ended: int = 0


@dataclass(slots=True)
class Measured:
    """All that was measured of one peer. `samples` is by stage, then load, then round."""

    version: str
    workers: int = 1
    startup_seconds: list[float] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    samples: dict[str, dict[str, list[Sample | None]]] = field(default_factory=dict)
    million: list[tuple[int, int]] = field(default_factory=list)  # requests so far, resident KiB of the workers

    def add(self, stage: str, load: str, sample: Sample | None) -> None:
        """File the next round's sample."""
        self.samples.setdefault(stage, {}).setdefault(load, []).append(sample)

    def of(self, stage: str, load: str) -> list[Sample | None]:
        """The rounds of one load in one stage."""
        return self.samples.get(stage, {}).get(load, [])

    def median(self, stage: str, load: str, figure: Callable[[Sample], float]) -> float | None:
        """The median of a figure over the rounds that count."""
        return median_of([figure(sample) for sample in self.of(stage, load) if sample is not None])


@dataclass(slots=True)
class Results:
    """One run of the benchmark. `voids` are the runs that must not be quoted, each with its reason."""

    peers: dict[str, Measured] = field(default_factory=dict)
    not_started: dict[str, str] = field(default_factory=dict)
    voids: list[str] = field(default_factory=list)
    paced_rates: dict[str, dict[str, float]] = field(default_factory=dict)  # by stage, then load
    stalls: list[Stalls] = field(default_factory=list)  # of the proxies' core and the load's, before the first run

    @property
    def sound(self) -> bool:
        """Every peer started and every run counted."""
        return not self.not_started and not self.voids


def rate(sample: Sample) -> float:
    """Answers per second."""
    return sample.outcome.rate


def p50(sample: Sample) -> float:
    """Median latency in milliseconds."""
    return sample.outcome.p50


def p99(sample: Sample) -> float:
    """99th percentile of latency in milliseconds."""
    return sample.outcome.p99


def median_of(values: list[float]) -> float | None:
    """The median, or None of nothing."""
    return statistics.median(values) if values else None


def paired(
    peer: list[Sample | None],
    base: list[Sample | None],
    compare: Callable[[Sample, Sample], float],
) -> list[float]:
    """The peer compared with the base in each round that counts for both."""
    return [
        compare(mine, theirs)
        for mine, theirs in zip(peer, base, strict=False)
        if mine is not None and theirs is not None
    ]
