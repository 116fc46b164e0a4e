"""Metrics: counters and histograms of one worker, merged over workers and shown in the Prometheus text format.

A worker keeps plain dictionaries, for they cost least; `prometheus_client` renders what was merged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from stockade.vocabulary import Record

ENGINE_BUCKETS = (0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1, 1.0)
UPSTREAM_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Histogram(Struct):
    """Observations in seconds; `counts` has one more entry than there are bounds."""

    counts: list[int]
    total: float = 0.0

    def observe(self, bounds: tuple[float, ...], seconds: float) -> None:
        self.counts[bisect_left(bounds, seconds)] += 1
        self.total += seconds

    def add(self, other: Histogram) -> None:
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


def _empty(bounds: tuple[float, ...]) -> Histogram:
    return Histogram([0] * (len(bounds) + 1))


class Snapshot(Struct):
    """All that one worker counted. Keys are joined by newline: they travel as JSON."""

    requests: dict[str, int] = field(default_factory=dict)  # api, operation, action, control
    findings: dict[str, int] = field(default_factory=dict)  # api, control, rule, monitor
    engine: dict[str, Histogram] = field(default_factory=dict)  # api
    upstream: dict[str, Histogram] = field(default_factory=dict)  # api
    dropped_log_lines: int = 0
    evicted_counters: int = 0


class Metrics:
    """Counts Records. Label values are bounded: APIs, operations and rules are few by construction."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, str, str | None], int] = {}
        self._findings: dict[tuple[str, str, str, bool], int] = {}
        self._engine: dict[str, Histogram] = {}
        self._upstream: dict[str, Histogram] = {}

    def count(self, record: Record, engine_seconds: float) -> None:
        api = record.api
        key = (api, record.operation, record.action, record.control)
        self._requests[key] = self._requests.get(key, 0) + 1
        for finding in record.findings:
            where = (api, finding.control, finding.rule, finding.monitor)
            self._findings[where] = self._findings.get(where, 0) + 1
        histogram = self._engine.get(api)
        if histogram is None:
            histogram = self._engine[api] = _empty(ENGINE_BUCKETS)
            self._upstream[api] = _empty(UPSTREAM_BUCKETS)
        histogram.observe(ENGINE_BUCKETS, engine_seconds)
        if record.upstream_ms is not None:
            self._upstream[api].observe(UPSTREAM_BUCKETS, record.upstream_ms / 1000)

    def snapshot(self, *, dropped_log_lines: int = 0, evicted_counters: int = 0) -> Snapshot:
        return Snapshot(
            {"\n".join(part or "" for part in key): count for key, count in self._requests.copy().items()},
            {"\n".join((*key[:3], str(key[3]).lower())): count for key, count in self._findings.copy().items()},
            self._engine.copy(),
            self._upstream.copy(),
            dropped_log_lines,
            evicted_counters,
        )


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sum over workers."""
    total = Snapshot()
    for snapshot in snapshots:
        _sum_counts(total.requests, snapshot.requests)
        _sum_counts(total.findings, snapshot.findings)
        _sum_histograms(total.engine, snapshot.engine, ENGINE_BUCKETS)
        _sum_histograms(total.upstream, snapshot.upstream, UPSTREAM_BUCKETS)
        total.dropped_log_lines += snapshot.dropped_log_lines
        total.evicted_counters += snapshot.evicted_counters
    return total


def _sum_counts(total: dict[str, int], more: dict[str, int]) -> None:
    for key, count in more.items():
        total[key] = total.get(key, 0) + count


def _sum_histograms(total: dict[str, Histogram], more: dict[str, Histogram], bounds: tuple[float, ...]) -> None:
    for key, histogram in more.items():
        total.setdefault(key, _empty(bounds)).add(histogram)


def exposition(total: Snapshot, *, workers: int, restarts: int, policy_generation: int, policy_ok: bool) -> bytes:
    """The Prometheus text format (version 0.0.4)."""
    from prometheus_client import CollectorRegistry, generate_latest

    class Collector:
        def collect(self) -> Iterator[Any]:
            yield from _families(total, workers, restarts, policy_generation, policy_ok)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return generate_latest(registry)


def _families(total: Snapshot, workers: int, restarts: int, generation: int, policy_ok: bool) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    labels = ["api", "operation", "action", "control"]
    requests = CounterMetricFamily("stockade_requests", "Requests decided.", labels=labels)
    for key, count in total.requests.items():
        requests.add_metric(key.split("\n"), count)
    yield requests
    findings = CounterMetricFamily(
        "stockade_findings", "Findings of the controls.", labels=["api", "control", "rule", "monitor"]
    )
    for key, count in total.findings.items():
        findings.add_metric(key.split("\n"), count)
    yield findings
    yield _histogram("stockade_engine_seconds", "Time spent deciding.", total.engine, ENGINE_BUCKETS)
    yield _histogram("stockade_upstream_seconds", "Time the upstream took.", total.upstream, UPSTREAM_BUCKETS)
    yield CounterMetricFamily("stockade_worker_restarts", "Workers that ended and were started again.", restarts)
    yield CounterMetricFamily(
        "stockade_log_dropped_lines", "Decision-log lines lost under pressure.", total.dropped_log_lines
    )
    yield CounterMetricFamily(
        "stockade_counters_evicted", "Rate and quota buckets dropped because memory was full.", total.evicted_counters
    )
    yield GaugeMetricFamily("stockade_workers", "Workers that run.", workers)
    yield GaugeMetricFamily("stockade_policy_generation", "How often the policy was loaded.", generation)
    yield GaugeMetricFamily("stockade_policy_valid", "0 when the policy file on disk was refused.", int(policy_ok))


def _histogram(name: str, text: str, by_api: dict[str, Histogram], bounds: tuple[float, ...]) -> Any:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, text, labels=["api"])
    for api, histogram in by_api.items():
        running, buckets = 0, []
        for bound, count in zip((*map(str, bounds), "+Inf"), histogram.counts, strict=True):
            running += count
            buckets.append((bound, running))
        family.add_metric([api], buckets, sum_value=histogram.total)
    return family
