"""Amounts per period: what is drawn, what is late, and what another clock or policy wrote."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from stockade.quotas import Drawn, Period, Used, draw, period_around

AT = 1_763_766_422.0
HOUR = period_around("hour", AT)


def draws(times: Iterable[float], limit: int, unit: str = "hour", used: Used | None = None) -> list[Drawn]:
    """What is answered at each of the times."""
    answers = []
    used = used or Used()
    for at in times:
        drawn = draw(used, at, limit, period_around(unit, at))
        used = drawn.used
        answers.append(drawn)
    return answers


def test_so_many_in_a_period_and_as_many_in_the_next():
    answers = draws([AT] * 4 + [HOUR.end] * 4, 3)
    assert [drawn.allowed for drawn in answers] == [True, True, True, False] * 2
    assert [drawn.remaining for drawn in answers] == [2, 1, 0, 0] * 2
    assert (answers[3].reset, answers[4].reset) == (HOUR.end - AT, 3600)


def test_a_refused_draw_changes_nothing():
    used = draws([AT], 3)[-1].used
    refused = draw(used, AT, 3, HOUR, cost=3)
    assert (refused.allowed, refused.used, refused.remaining) == (False, used, 2)
    assert draw(used, AT, 3, HOUR, cost=2).allowed


def test_who_is_late_counts_in_the_period_that_has_begun():
    assert not draws([HOUR.end + 0.001] * 3 + [HOUR.end - 0.001], 3)[-1].allowed
    assert draws([HOUR.end + 0.001] * 3 + [HOUR.end - 61], 3)[-1].allowed  # that is another clock


def test_a_longer_period_goes_on_with_what_was_used_of_the_shorter():
    used = draws([AT] * 3, 3)[-1].used
    later = AT + 86400 * 2
    assert not draw(used, later, 3, period_around("month", later)).allowed
    assert draw(used, later, 3, period_around("day", later)).allowed


def test_a_lowered_limit_has_nothing_left_rather_than_less():
    used = draws([AT] * 3, 3)[-1].used
    assert draw(used, AT, 2, HOUR) == Drawn(False, used, 0, HOUR.end - AT)


@given(st.lists(st.floats(-60, 3600), max_size=60), st.integers(0, 9), st.sampled_from(["minute", "hour", "day"]))
def test_no_period_is_overdrawn(steps, limit, unit):
    """For requests that come a little out of order, too: what counts is the period that they were counted in."""
    at, answers = AT, []
    used = Used()
    for step in steps:
        at += step
        drawn = draw(used, at, limit, period_around(unit, at))
        used = drawn.used
        answers.append((used.period, drawn.allowed))
    for period in {period for period, _ in answers}:
        assert sum(allowed for counted, allowed in answers if counted == period) <= limit


def test_what_was_never_used_is_nothing():
    assert Used() == Used(Period(0, 0), 0)
    assert draw(Used(), AT, 1, HOUR).allowed
