"""Numbers, most of them with a unit, as operators write them: 30s, 1MiB, 50/s, 10000/day, 100; and true and false.

How many digits each may have is bounded here, so that what comes out is finite and fits the data plane.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from stockade.config.base import FromEnvironment
from stockade.config.errors import did_you_mean, written

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_PERIODS = {
    "s": "second",
    "sec": "second",
    "second": "second",
    "m": "minute",
    "min": "minute",
    "minute": "minute",
    "h": "hour",
    "hour": "hour",
    "d": "day",
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year",
}
_PERIOD_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_NUMBER_UNIT = re.compile(r"(\d{1,16}(?:\.\d{1,9})?)\s*([A-Za-z]+)", re.ASCII)
_AMOUNT_PERIOD = re.compile(r"(\d{1,12})\s*/\s*([a-z]+)", re.ASCII)
_LONGEST = 100 * 366 * 86400.0  # a century, which Envoy and calendars can still hold
_LARGEST = 1 << 50


class RateText(NamedTuple):
    amount: int
    seconds: float


class QuotaText(NamedTuple):
    amount: int
    unit: str


def parse_duration(value: Any) -> float:
    """Seconds. Raises ValueError that shows how to write it."""
    seconds = _measure(value, _SECONDS, 'a duration such as "30s", "500ms" or "5m"')
    if seconds > _LONGEST:
        raise ValueError(f"{written(value)} is longer than a century")
    return seconds


def parse_positive_duration(value: Any) -> float:
    """Seconds, more than none."""
    seconds = parse_duration(value)
    if seconds < 0.001:
        raise ValueError(f"{written(value)} is no time at all; 1ms is the least")
    return seconds


def parse_size(value: Any) -> int:
    """Bytes."""
    size = int(_measure(value, _BYTES, 'a size such as "1MiB", "512KiB" or "10MB"'))
    if size > _LARGEST:
        raise ValueError(f"{written(value)} is more than a petabyte")
    return size


def size_text(size: int) -> str:
    """A size as it would be written: 1MiB for 1048576."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def parse_count(value: Any) -> int:
    """A whole number; from the environment it comes as text."""
    if isinstance(value, FromEnvironment) and re.fullmatch(r"\d{1,15}", value, re.ASCII):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{written(value)} is not a whole number")  # noqa: TRY004 - pydantic collects no other
    return value


def parse_flag(value: Any) -> bool:
    """True or false; from the environment it comes as text."""
    if isinstance(value, FromEnvironment) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise ValueError(f"{written(value)} is not true or false")  # noqa: TRY004 - pydantic collects no other
    return value


def _measure(value: Any, units: Mapping[str, float], wanted: str) -> float:
    match = _NUMBER_UNIT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{written(value)} is not {wanted}{_unit_hint(value, units)}")
    if match[2] not in units:
        raise ValueError(f"{written(value)} is not {wanted}{did_you_mean(match[2], units)}")
    return float(match[1]) * units[match[2]]


def _unit_hint(value: Any, units: Mapping[str, float]) -> str:
    bare = isinstance(value, int | float) and not isinstance(value, bool)
    return f": the unit is missing ({', '.join(units)})" if bare else ""


def parse_rate(value: Any) -> RateText:
    """Tokens and the seconds in which so many are regained."""
    amount, period = _per(value, 'a rate such as "50/s" or "100/min"')
    if period not in _PERIOD_SECONDS:
        raise ValueError(f"a rate is per second, minute, hour or day; for a {period} use quota")
    return RateText(amount, _PERIOD_SECONDS[period])


def parse_quota(value: Any) -> QuotaText:
    """Requests and the calendar unit in which they may be made."""
    return QuotaText(*_per(value, 'a quota such as "10000/day" or "1000000/month"'))


def _per(value: Any, wanted: str) -> tuple[int, str]:
    match = _AMOUNT_PERIOD.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{written(value)} is not {wanted}")
    if match[2] not in _PERIODS:
        raise ValueError(f"{written(value)} is not {wanted}{did_you_mean(match[2], _PERIODS)}")
    if int(match[1]) == 0:
        raise ValueError(f"{written(value)} allows nothing; the least is 1/{match[2]}")
    return int(match[1]), _PERIODS[match[2]]


def _text(description: str, pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, "pattern": pattern})


_DURATION = r"^\d+(\.\d+)?\s*(ms|s|m|min|h|d)$"
_PER = rf"^0*[1-9]\d*\s*/\s*({'|'.join(_PERIODS)})$"

Duration = Annotated[float, BeforeValidator(parse_duration), _text("a duration: 30s", _DURATION)]
PositiveDuration = Annotated[float, BeforeValidator(parse_positive_duration), _text("a duration: 30s", _DURATION)]
Size = Annotated[int, BeforeValidator(parse_size), _text("a size: 1MiB", rf"^\d+(\.\d+)?\s*({'|'.join(_BYTES)})$")]
RateUnit = Annotated[RateText, BeforeValidator(parse_rate), _text("a rate: 50/s", _PER)]
QuotaUnit = Annotated[QuotaText, BeforeValidator(parse_quota), _text("a quota: 10000/day", _PER)]
Count = Annotated[int, BeforeValidator(parse_count)]
Flag = Annotated[bool, BeforeValidator(parse_flag)]
