"""Durations, sizes and rates as operators write them: 30s, 1MiB, 50/s, 10000/day."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
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
_NUMBER_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", re.ASCII)
_AMOUNT_PERIOD = re.compile(r"(\d+)\s*/\s*([a-z]+)", re.ASCII)


class RateText(NamedTuple):
    amount: int
    seconds: float


class QuotaText(NamedTuple):
    amount: int
    unit: str


def parse_duration(value: Any) -> float:
    """Seconds. Raises ValueError that shows how to write it."""
    return _measure(value, _SECONDS, 'a duration such as "30s", "500ms" or "5m"')


def parse_size(value: Any) -> int:
    """Bytes."""
    return int(_measure(value, _BYTES, 'a size such as "1MiB", "512KiB" or "10MB"'))


def _measure(value: Any, units: dict[str, Any], wanted: str) -> float:
    match = _NUMBER_UNIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2] not in units:
        raise ValueError(f"{value!r} is not {wanted}")
    return float(match[1]) * float(units[match[2]])


def parse_rate(value: Any) -> RateText:
    amount, period = _per(value, 'a rate such as "50/s" or "100/min"')
    if period not in _PERIOD_SECONDS:
        raise ValueError(f"a rate is per second, minute, hour or day; for a {period} use quota")
    return RateText(amount, _PERIOD_SECONDS[period])


def parse_quota(value: Any) -> QuotaText:
    return QuotaText(*_per(value, 'a quota such as "10000/day" or "1000000/month"'))


def _per(value: Any, wanted: str) -> tuple[int, str]:
    match = _AMOUNT_PERIOD.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2] not in _PERIODS or int(match[1]) == 0:
        raise ValueError(f"{value!r} is not {wanted}")
    return int(match[1]), _PERIODS[match[2]]


def _text(description: str, pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, "pattern": pattern})


Duration = Annotated[float, BeforeValidator(parse_duration), _text("a duration: 30s", r"^\d+(\.\d+)?\s*(ms|s|m|min|h|d)$")]
Size = Annotated[
    int, BeforeValidator(parse_size), _text("a size: 1MiB", r"^\d+(\.\d+)?\s*(B|KB|MB|GB|KiB|MiB|GiB)$")
]
RateUnit = Annotated[RateText, BeforeValidator(parse_rate), _text("a rate: 50/s", r"^\d+\s*/\s*[a-z]+$")]
QuotaUnit = Annotated[QuotaText, BeforeValidator(parse_quota), _text("a quota: 10000/day", r"^\d+\s*/\s*[a-z]+$")]
