"""Metrics: counted per worker, merged, and read back from the text that Prometheus would fetch."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from stockade.journal import Metrics, Snapshot, exposition, merge
from stockade.journal.metrics import ENGINE_BUCKETS, UPSTREAM_BUCKETS
from stockade.vocabulary import Finding
from tests.journal.test_decision_log import record

Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


def count(metrics: Metrics, *, times: int = 1, engine: float = 0.0001, **fields: Any) -> None:
    for _ in range(times):
        metrics.count(record(1, **fields), engine)


def read(
    snapshot: Snapshot, *, workers: int = 2, restarts: int = 1, generation: int = 3, ok: bool = True
) -> dict[Key, float]:
    """The samples: (name, labels) → value."""
    text = exposition(snapshot, workers=workers, restarts=restarts, policy_generation=generation, policy_ok=ok)
    samples: dict[Key, float] = {}
    for family in text_string_to_metric_families(text.decode()):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples
            samples[key] = sample.value
    return samples


def of(name: str, **labels: str) -> Key:
    return (name, tuple(sorted(labels.items())))


REQUEST = {"api": "shop", "operation": "GET /orders/{id}"}


def test_requests_by_what_became_of_them():
    metrics = Metrics()
    count(metrics, times=3)
    count(metrics, times=2, action="deny", control="firewall")
    count(metrics, operation='GET /a"\\b')
    samples = read(metrics.snapshot())
    assert samples[of("stockade_requests_total", **REQUEST, action="allow", control="")] == 3
    assert samples[of("stockade_requests_total", **REQUEST, action="deny", control="firewall")] == 2
    odd = {**REQUEST, "operation": 'GET /a"\\b'}
    assert samples[of("stockade_requests_total", **odd, action="allow", control="")] == 1


def test_findings_of_those_who_watch_are_told_apart():
    metrics = Metrics()
    watched = Finding("method", control="firewall", monitor=True)
    count(metrics, times=2, findings=(watched, Finding("x", control="waf")))
    count(metrics, findings=(msgspec.structs.replace(watched, monitor=False),))
    samples = read(metrics.snapshot())
    at = {"api": "shop", "control": "firewall", "rule": "method"}
    assert samples[of("stockade_findings_total", **at, monitor="true")] == 2
    assert samples[of("stockade_findings_total", **at, monitor="false")] == 1
    assert samples[of("stockade_findings_total", api="shop", control="waf", rule="x", monitor="false")] == 2


def test_histograms():
    metrics = Metrics()
    count(metrics, engine=0.00002, upstream_ms=1.0)  # a bound belongs to its bucket
    count(metrics, engine=0.00003, upstream_ms=30_000.0)
    count(metrics, engine=5.0, upstream_ms=40_000.0)
    count(metrics, engine=0.0)
    samples = read(metrics.snapshot())

    def bucket(name: str, le: str) -> float:
        return samples[of(f"stockade_{name}_seconds_bucket", api="shop", le=le)]

    assert [bucket("engine", le) for le in ("2e-05", "5e-05", "1.0", "+Inf")] == [2, 3, 3, 4]
    assert [bucket("upstream", le) for le in ("0.001", "10.0", "30.0", "+Inf")] == [1, 1, 2, 3]
    assert samples[of("stockade_engine_seconds_count", api="shop")] == 4
    assert samples[of("stockade_engine_seconds_sum", api="shop")] == pytest.approx(5.00005)
    assert samples[of("stockade_upstream_seconds_count", api="shop")] == 3
    assert samples[of("stockade_upstream_seconds_sum", api="shop")] == pytest.approx(70.001)


def test_what_the_supervisor_knows():
    samples = read(Snapshot(dropped_log_lines=7, evicted_counters=8), workers=4, restarts=5, generation=6, ok=False)
    assert samples == {
        of("stockade_worker_restarts_total"): 5,
        of("stockade_log_dropped_lines_total"): 7,
        of("stockade_counters_evicted_total"): 8,
        of("stockade_workers"): 4,
        of("stockade_policy_generation"): 6,
        of("stockade_policy_valid"): 0,
    }
    assert read(Snapshot())[of("stockade_policy_valid")] == 1


def test_a_snapshot_holds_what_its_worker_lost():
    snapshot = Metrics().snapshot(dropped_log_lines=3, evicted_counters=4)
    assert (snapshot.dropped_log_lines, snapshot.evicted_counters) == (3, 4)


def test_a_snapshot_travels_as_json():
    metrics = Metrics()
    count(metrics, findings=(Finding("x", control="waf"),), upstream_ms=3.0)
    snapshot = metrics.snapshot(dropped_log_lines=1)
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot) == snapshot


counted = st.lists(
    st.tuples(
        st.sampled_from(["shop", "billing"]),
        st.sampled_from(["allow", "deny"]),
        st.floats(0, 2),
        st.none() | st.floats(0, 60_000),
        st.lists(st.sampled_from(["a", "b"]), max_size=2),
        st.integers(0, 2),  # the worker
    ),
    max_size=30,
)


@given(counted)
def test_merged_workers_show_what_one_would_have_counted(records):
    workers, alone = [Metrics() for _ in range(3)], Metrics()
    for api, action, engine, upstream, rules, worker in records:
        findings = tuple(Finding(rule, control="c") for rule in rules)
        for metrics in (workers[worker], alone):
            count(metrics, api=api, action=action, engine=engine, upstream_ms=upstream, findings=findings)
    merged, whole = read(merge(worker.snapshot() for worker in workers)), read(alone.snapshot())
    assert merged.keys() == whole.keys()
    assert all(merged[key] == pytest.approx(whole[key]) for key in whole)
    total = sum(value for (name, _), value in whole.items() if name == "stockade_requests_total")
    assert total == len(records)


def test_merging_changes_no_snapshot():
    """Else a worker's counts would grow with every scrape."""
    metrics = Metrics()
    count(metrics, findings=(Finding("x", control="waf"),), upstream_ms=3.0)
    snapshots = [metrics.snapshot(dropped_log_lines=1), metrics.snapshot(evicted_counters=2)]
    first = msgspec.json.encode(merge(snapshots))
    assert msgspec.json.encode(merge(snapshots)) == first
    merged = merge(snapshots)
    assert (merged.dropped_log_lines, merged.evicted_counters) == (1, 2)
    assert merge([]) == Snapshot()


def test_the_bounds_of_the_histograms_rise():
    for bounds in (ENGINE_BUCKETS, UPSTREAM_BUCKETS):
        assert list(bounds) == sorted(set(bounds))
