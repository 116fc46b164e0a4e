"""Counters in memory: rates, quotas, and the bound on both."""

from __future__ import annotations

import sys
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.quotas import period_around
from stockade.stores import Counters
from stockade.vocabulary import TakeQuota, TakeTokens, Tokens

AT = 1_763_766_422.0
START, END = period_around("hour", AT)


def tokens(bucket: str = "a", at: float = AT, interval: float = 10.0, burst: int = 2, cost: int = 1) -> TakeTokens:
    return TakeTokens(bucket, interval, burst, at, cost)


def quota(bucket: str = "a", at: float = AT, limit: int = 3, cost: int = 1, unit: str = "hour") -> TakeQuota:
    return TakeQuota(bucket, limit, *period_around(unit, at), at, cost)


def test_a_rate():
    counters = Counters()
    assert counters.take_tokens(tokens()) == Tokens(True, 1, 10.0, 0.0)
    assert counters.take_tokens(tokens()) == Tokens(True, 0, 20.0, 0.0)
    assert counters.take_tokens(tokens()) == Tokens(False, 0, 20.0, 10.0)
    assert counters.take_tokens(tokens(at=AT + 4)) == Tokens(False, 0, 16.0, 6.0)
    assert counters.take_tokens(tokens("b")) == Tokens(True, 1, 10.0, 0.0)
    assert counters.take_tokens(tokens(at=AT + 10)) == Tokens(True, 0, 20.0, 0.0)


def test_a_quota():
    counters = Counters()
    left = END - AT
    assert [counters.take_quota(quota()) for _ in range(4)] == [
        Tokens(True, 2, left),
        Tokens(True, 1, left),
        Tokens(True, 0, left),
        Tokens(False, 0, left, left),
    ]
    assert counters.take_quota(quota("b")).allowed
    assert counters.take_quota(quota(at=END - 0.5)) == Tokens(False, 0, 0.5, 0.5)
    assert counters.take_quota(quota(at=END)) == Tokens(True, 2, 3600.0)


def test_a_quota_with_a_cost():
    counters = Counters()
    assert counters.take_quota(quota(cost=2)).remaining == 1
    refused = counters.take_quota(quota(cost=2))
    assert (refused.allowed, refused.remaining) == (False, 1)
    assert counters.take_quota(quota(cost=1)).allowed
    assert not counters.take_quota(quota("b", cost=4)).allowed
    assert counters.take_quota(quota("b", cost=3)).allowed


def test_a_request_that_is_late_does_not_begin_a_new_period():
    """At midnight requests overtake each other, and one may have waited for an issuer's keys."""
    counters = Counters()
    for _ in range(3):
        assert counters.take_quota(quota(at=END + 0.001)).allowed
    assert not counters.take_quota(quota(at=END - 0.001)).allowed
    assert not counters.take_quota(quota(at=END + 0.002)).allowed


def test_a_clock_that_is_put_back_by_a_year_shuts_nobody_out_for_a_year():
    counters = Counters()
    for _ in range(3):
        counters.take_quota(quota(unit="day"))
    assert counters.take_quota(quota(at=AT - 365 * 86400, unit="day")).allowed


def test_a_clock_that_is_put_back_an_hour_shuts_nobody_out_for_an_hour():
    counters = Counters()
    for _ in range(2):
        counters.take_tokens(tokens())
    refused = counters.take_tokens(tokens(at=AT - 3600))
    assert (refused.allowed, refused.retry_after) == (False, 10.0)
    assert counters.take_tokens(tokens(at=AT - 3590)).allowed


def test_a_longer_period_goes_on_with_what_was_used_of_the_shorter():
    """The policy was reloaded: what was 3 an hour is 3 a month now."""
    counters = Counters()
    for _ in range(3):
        counters.take_quota(quota())
    assert not counters.take_quota(quota(unit="month")).allowed
    assert counters.take_quota(quota(at=AT + 15 * 86400, unit="month")).allowed


def test_a_lowered_quota_has_nothing_left_rather_than_less():
    counters = Counters()
    counters.take_quota(quota(limit=10, cost=8))
    assert counters.take_quota(quota(limit=3)).remaining == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10), st.integers(1, 3)), max_size=60))
def test_no_quota_is_overdrawn(asked):
    counters, at = Counters(), START
    used: Counter[object] = Counter()
    for bucket, step, cost in asked:
        at += step * 60
        left = counters.take_quota(quota(bucket, at, limit=5, cost=cost))
        key = (bucket, period_around("hour", at))
        assert left.allowed == (used[key] + cost <= 5)
        used[key] += cost * left.allowed
        assert left.remaining == 5 - used[key]


# The bound.


def test_buckets_that_are_full_again_are_dropped_first_and_nobody_loses():
    counters = Counters(most=100)
    for number in range(100):
        counters.take_tokens(tokens(f"old-{number}"))
    later = AT + 1000
    for number in range(100):
        assert counters.take_tokens(tokens(f"new-{number}", at=later, burst=1)).allowed
    assert counters.evicted == 0
    assert not any(counters.take_tokens(tokens(f"new-{number}", at=later, burst=1)).allowed for number in range(100))


def test_of_live_buckets_the_soonest_over_go_and_are_counted():
    counters = Counters(most=100)
    for number in range(100):
        counters.take_tokens(tokens(f"{number}", interval=10.0 + number, burst=1))
    assert counters.evicted == 0
    counters.take_tokens(tokens("one more", burst=1, interval=1000.0))
    assert counters.evicted == 10
    forgotten = [n for n in range(100) if counters.take_tokens(tokens(f"{n}", interval=10.0 + n, burst=1)).allowed]
    assert forgotten[:10] == list(range(10))
    assert not counters.take_tokens(tokens("one more", burst=1, interval=1000.0)).allowed


def test_periods_that_are_over_are_dropped_first():
    counters = Counters(most=100)
    for number in range(100):
        counters.take_quota(quota(f"old-{number}", limit=1))
    for number in range(100):
        assert counters.take_quota(quota(f"new-{number}", at=END, limit=1)).allowed
    assert counters.evicted == 0
    assert not any(counters.take_quota(quota(f"new-{number}", at=END, limit=1)).allowed for number in range(100))


def test_of_live_quotas_the_soonest_over_go_and_are_counted():
    counters = Counters(most=100)
    for number in range(100):
        counters.take_quota(quota(f"{number}", limit=1, unit="minute" if number < 10 else "year"))
    counters.take_quota(quota("one more", limit=1, unit="year"))
    assert counters.evicted == 10
    assert not any(counters.take_quota(quota(f"{n}", limit=1, unit="year")).allowed for n in range(10, 100))
    assert counters.take_quota(quota("3", limit=1, unit="minute")).allowed


@pytest.mark.parametrize("table", ["_arrivals", "_used"])
def test_a_flood_of_callers_does_not_fill_the_memory(table):
    counters = Counters(most=50)
    for number in range(2000):
        counters.take_tokens(tokens(f"{number}", at=AT + number / 1000))
        counters.take_quota(quota(f"{number}", at=AT + number / 1000))
        assert len(getattr(counters, table)) <= 50
    assert counters.evicted > 3000


def test_a_known_bucket_needs_no_room():
    counters = Counters(most=2)
    for bucket in ("a", "b"):
        counters.take_tokens(tokens(bucket))
        counters.take_quota(quota(bucket))
    for bucket in ("a", "b"):
        counters.take_tokens(tokens(bucket))
        counters.take_quota(quota(bucket))
    assert counters.evicted == 0


def test_a_refused_stranger_takes_no_room():
    counters = Counters(most=10)
    for number in range(100):
        assert not counters.take_tokens(tokens(f"{number}", cost=3)).allowed
        assert not counters.take_quota(quota(f"{number}", cost=4)).allowed
    assert (len(counters._arrivals), len(counters._used)) == (0, 0)


def test_threads_take_no_token_twice():
    """A worker asks from two threads. Here they are switched between as often as the interpreter can."""
    counters = Counters(most=5000)
    allowed = []
    ready = threading.Barrier(4)

    def take(number):
        ready.wait()
        mine = 0
        for step in range(1500):
            mine += counters.take_tokens(tokens(burst=2000, interval=1e6)).allowed
            mine += counters.take_quota(quota(limit=2000)).allowed
            counters.take_tokens(tokens(f"{number} {step}"))  # makes room, too
        allowed.append(mine)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sum(allowed) == 4000
