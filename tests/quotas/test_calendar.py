"""Calendar periods in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.quotas import PERIODS, period_around


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


TABLE = [
    ("second", "2026-03-01T12:30:45.999", "2026-03-01T12:30:45", "2026-03-01T12:30:46"),
    ("minute", "2026-03-01T12:30:45", "2026-03-01T12:30:00", "2026-03-01T12:31:00"),
    ("hour", "2026-03-01T12:30:45", "2026-03-01T12:00:00", "2026-03-01T13:00:00"),
    ("day", "2026-03-01T00:00:00", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
    ("day", "2026-03-01T23:59:59.999", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
    # ISO 8601 weeks begin on Monday
    ("week", "2026-11-16T00:00:00", "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
    ("week", "2026-11-22T23:59:59", "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
    ("week", "2027-01-01T12:00:00", "2026-12-28T00:00:00", "2027-01-04T00:00:00"),
    ("week", "2024-02-29T12:00:00", "2024-02-26T00:00:00", "2024-03-04T00:00:00"),
    ("month", "2026-01-31T23:59:59", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
    ("month", "2026-02-28T23:59:59", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
    ("month", "2024-02-29T23:59:59", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
    ("month", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
    ("month", "2026-04-01T00:00:00", "2026-04-01T00:00:00", "2026-05-01T00:00:00"),
    ("year", "2024-02-29T12:00:00", "2024-01-01T00:00:00", "2025-01-01T00:00:00"),
    ("year", "2026-12-31T23:59:59", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
    ("year", "2027-01-01T00:00:00", "2027-01-01T00:00:00", "2028-01-01T00:00:00"),
]


@pytest.mark.parametrize(("unit", "at", "start", "end"), TABLE)
def test_table(unit, at, start, end):
    assert period_around(unit, moment(at)) == (moment(start), moment(end))


def test_every_period_is_in_the_table():
    assert {unit for unit, *_ in TABLE} == set(PERIODS)


moments = st.floats(0, 4e9)


@pytest.mark.parametrize("unit", PERIODS)
@given(at=moments)
def test_periods_hold_their_moment_and_lie_end_to_end(unit, at):
    start, end = period_around(unit, at)
    assert start <= at < end
    assert period_around(unit, start) == (start, end)
    assert period_around(unit, end).start == end
    if start:
        assert period_around(unit, start - 0.5).end == start


@given(moments)
def test_irregular_periods_begin_where_the_calendar_says(at):
    day, week, month, year = (datetime.fromtimestamp(period_around(unit, at).start, UTC) for unit in PERIODS[3:])
    assert day.isoformat().endswith("T00:00:00+00:00")
    assert (week.isoweekday(), month.day, (year.month, year.day)) == (1, 1, (1, 1))


def test_an_unknown_unit_is_no_period():
    with pytest.raises(KeyError, match="fortnight"):
        period_around("fortnight", 0.0)
