"""Calendar periods in UTC: a daily quota begins anew at midnight, a monthly one on the first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple


class Period(NamedTuple):
    """[start, end) in epoch seconds."""

    start: float
    end: float


_FIXED = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
PERIODS = (*_FIXED, "week", "month", "year")


def period_around(unit: str, at: float) -> Period:
    """The period of that unit which holds `at`. Weeks begin on Monday (ISO 8601). Raises KeyError on another unit."""
    seconds = _FIXED.get(unit)
    if seconds is not None:
        start = at // seconds * seconds
        return Period(start, start + seconds)
    if unit not in PERIODS:
        raise KeyError(unit)
    return _irregular(unit, int(at // 86400))


@lru_cache(maxsize=16)
def _irregular(unit: str, day: int) -> Period:
    midnight = datetime.fromtimestamp(day * 86400, UTC)
    if unit == "week":
        start = midnight - timedelta(days=midnight.weekday())
        return Period(start.timestamp(), (start + timedelta(days=7)).timestamp())
    if unit == "month":
        start = midnight.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)
        return Period(start.timestamp(), end.timestamp())
    start = midnight.replace(month=1, day=1)
    return Period(start.timestamp(), start.replace(year=start.year + 1).timestamp())
