"""GCRA: a table, and the promise that no window ever holds more than the limit says."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stockade.quotas import SECOND, Taken, take

NOW = 1_763_766_422.123  # seconds since the epoch, where a float has steps of a quarter microsecond


def takes(times: Iterable[float], interval: float, burst: int, cost: int = 1, arrival: int = 0) -> list[Taken]:
    """What is answered at each of the times."""
    answers = []
    for at in times:
        taken = take(arrival, at, interval, burst, cost)
        arrival = taken.arrival
        answers.append(taken)
    return answers


TABLE = [
    # interval, burst, times after NOW, who is let through
    (1.0, 1, [0, 0, 0.5, 1, 1, 2], "+--+-+"),
    (1.0, 3, [0, 0, 0, 0, 1, 1, 3, 3, 3], "+++-+-++-"),
    (0.5, 2, [0, 0, 0, 0.5, 0.5, 10, 10, 10], "++-+-++-"),
    (60.0, 1, [0, 59.9, 60, 61, 119.9, 120], "+-+--+"),
    (10.0, 2, [0, 5, 9, 11, 12, 21], "++-+-+"),
    (0.001, 5, [0] * 7, "+++++--"),
]


@pytest.mark.parametrize(("interval", "burst", "times", "expected"), TABLE)
def test_table(interval, burst, times, expected):
    answers = takes([NOW + time for time in times], interval, burst)
    assert "".join("-+"[taken.allowed] for taken in answers) == expected


def test_what_is_said_of_the_bucket():
    first, second, third = takes([NOW, NOW, NOW], 10.0, 2)
    assert (first.allowed, first.remaining, first.reset, first.retry_after) == (True, 1, 10.0, 0.0)
    assert (second.allowed, second.remaining, second.reset, second.retry_after) == (True, 0, 20.0, 0.0)
    assert (third.allowed, third.remaining, third.reset, third.retry_after) == (False, 0, 20.0, 10.0)


def test_a_cost_above_one():
    first, second, third = takes([NOW, NOW, NOW + 10], 10.0, 5, cost=3)
    assert (first.allowed, first.remaining) == (True, 2)
    assert (second.allowed, second.remaining, second.retry_after) == (False, 2, 10.0)
    assert (third.allowed, third.remaining) == (True, 0)


def test_a_cost_that_no_bucket_holds_is_never_allowed():
    taken = take(0, NOW, 1.0, 5, cost=6)
    assert (taken.allowed, taken.arrival, taken.remaining, taken.retry_after) == (False, 0, 5, inf)


def test_a_bucket_is_no_deeper_than_73_years():
    """A thousand million at one a day would be three million years, which no state of 64 bits can tell."""
    first, *_, last = takes([NOW] * 26_700, 86400.0, 10**9)
    assert (first.allowed, last.allowed) == (True, False)
    assert last.arrival < 1 << 63
    assert take(0, NOW, 1e30, 1).allowed
    assert take(0, NOW, 1.0, 10**9).remaining == 10**9 - 1


intervals = st.sampled_from(
    [1e-4, 1 / 1500, 1 / 3, 2 / 3, 0.15, 1.2, 60 / 90, 60 / 50, 3.6, 3600 / 7, 86400.0]
) | st.floats(1e-5, 1e5)
moments = st.floats(1.6e9, 4.2e9)


@given(moments, intervals, st.integers(1, 200))
@example(NOW, 1.2, 1)  # 50 a minute: in fractions of seconds even the first was refused
@example(NOW, 60 / 90, 2)
def test_a_full_bucket_gives_its_burst_and_not_one_more(at, interval, burst):
    answers = takes([at] * (burst + 1), interval, burst)
    assert [taken.allowed for taken in answers] == [True] * burst + [False]
    assert [taken.remaining for taken in answers[:-1]] == list(range(burst - 1, -1, -1))


journeys = st.lists(st.floats(-0.5, 3.0) | st.sampled_from([0.0, 0.0, 1.0]), min_size=1, max_size=40)


@given(journeys, st.integers(1, 5), st.sampled_from([0.25, 1.0, 2 / 3, 1.2]), st.integers(1, 3))
def test_no_window_holds_more_than_burst_and_elapsed_time_allow(steps, burst, interval, cost):
    """For clocks that stand still, too, and for requests that come a little out of order."""
    at, times = NOW, []
    for step in steps:
        at += step
        times.append(at)
    allowed = [time for time, taken in zip(times, takes(times, interval, burst, cost), strict=True) if taken.allowed]
    for first in range(len(allowed)):
        for last in range(first, len(allowed)):
            window = allowed[first : last + 1]
            elapsed = max(window) - min(window)
            assert len(window) * cost <= burst + elapsed / interval + 1e-6


@given(st.floats(-100, 200), intervals, st.integers(1, 50), st.integers(1, 60))
def test_a_refused_take_changes_nothing_and_an_allowed_one_costs_what_it_costs(ahead, interval, burst, cost):
    arrival = int((NOW + min(ahead, interval * burst)) * SECOND)
    taken = take(arrival, NOW, interval, burst, cost)
    if taken.allowed:
        step = (taken.arrival - max(arrival, int(NOW * SECOND))) / SECOND
        assert step == pytest.approx(interval * cost, rel=1e-4, abs=1e-8)
        assert taken.retry_after == 0
    else:
        assert taken.arrival == arrival
        assert taken.retry_after > 0
    assert 0 <= taken.remaining <= burst
    assert taken.reset >= 0


@given(st.floats(0, 50), st.sampled_from([0.25, 1.0, 2 / 3, 1.2, 30.0]), st.integers(1, 20), st.integers(1, 20))
def test_who_waits_as_told_is_let_through_and_who_comes_earlier_is_not(ahead, interval, burst, cost):
    taken = take(int((NOW + min(ahead, interval * burst)) * SECOND), NOW, interval, burst, cost)
    if taken.allowed or cost > burst:
        return
    microsecond = 1e-6  # what a float since the epoch can tell apart
    assert take(taken.arrival, NOW + taken.retry_after + microsecond, interval, burst, cost).allowed
    if taken.retry_after > 2 * microsecond:
        assert not take(taken.arrival, NOW + taken.retry_after - 2 * microsecond, interval, burst, cost).allowed


def test_a_clock_that_is_put_back_an_hour_shuts_nobody_out_for_an_hour():
    arrival = takes([NOW] * 3, 10.0, 3)[-1].arrival
    back = NOW - 3600
    refused = take(arrival, back, 10.0, 3)
    assert (refused.allowed, refused.remaining, refused.retry_after) == (False, 0, 10.0)
    assert not take(refused.arrival, back, 10.0, 3).allowed
    assert take(refused.arrival, back + 10.0, 10.0, 3).allowed


def test_a_clock_that_jitters_gives_nothing_away():
    """Were a step of a second enough to start anew, two requests out of order would be two bursts."""
    arrival = takes([NOW] * 3, 10.0, 3)[-1].arrival
    refused = take(arrival, NOW - 1.0, 10.0, 3)
    assert (refused.allowed, refused.remaining, refused.arrival, refused.retry_after) == (False, 0, arrival, 11.0)


def test_raising_a_limit_takes_effect_at_once():
    """The bucket was emptied under 10 an hour; now 10 a second are allowed."""
    arrival = takes([NOW] * 10, 360.0, 10)[-1].arrival
    refused = take(arrival, NOW, 0.1, 10)
    assert not refused.allowed
    assert refused.retry_after == 0.1
    assert take(refused.arrival, NOW + 0.1, 0.1, 10).allowed


@given(st.integers(0, int(5e9 * SECOND)), moments, intervals, st.integers(1, 50))
def test_whatever_the_state_waiting_is_bounded(arrival, at, interval, burst):
    assert take(arrival, at, interval, burst).retry_after <= interval * burst + 61
