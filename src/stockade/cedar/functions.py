"""The functions of Cedar's extension types, by name: the types they take, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockade.cedar.extensions import (
    DAY,
    Datetime,
    Decimal,
    Duration,
    Ip,
    bounded,
    parse_datetime,
    parse_decimal,
    parse_duration,
    parse_ip,
)

_LOOPBACK = {32: Ip(32, 127 << 24, 8), 128: Ip(128, 1, 128)}
_MULTICAST = {32: Ip(32, 224 << 24, 4), 128: Ip(128, 0xFF << 120, 8)}


def _truncated(value: int, unit: int) -> int:
    """Towards zero, as Rust divides."""
    return value // unit if value >= 0 else -(-value // unit)


def _to_date(moment: Datetime) -> Datetime:
    return Datetime(bounded(moment.value // DAY * DAY))


Function = tuple[tuple[type, ...], Callable[..., Any]]
CONSTRUCTORS: dict[str, Function] = {
    "ip": ((str,), parse_ip),
    "decimal": ((str,), parse_decimal),
    "datetime": ((str,), parse_datetime),
    "duration": ((str,), parse_duration),
}
METHODS: dict[str, Function] = {
    "isIpv4": ((Ip,), lambda ip: ip.width == 32),
    "isIpv6": ((Ip,), lambda ip: ip.width == 128),
    "isLoopback": ((Ip,), lambda ip: ip.lies_in(_LOOPBACK[ip.width])),
    "isMulticast": ((Ip,), lambda ip: ip.lies_in(_MULTICAST[ip.width])),
    "isInRange": ((Ip, Ip), Ip.lies_in),
    "lessThan": ((Decimal, Decimal), lambda one, other: one.value < other.value),
    "lessThanOrEqual": ((Decimal, Decimal), lambda one, other: one.value <= other.value),
    "greaterThan": ((Decimal, Decimal), lambda one, other: one.value > other.value),
    "greaterThanOrEqual": ((Decimal, Decimal), lambda one, other: one.value >= other.value),
    "offset": ((Datetime, Duration), lambda moment, by: Datetime(bounded(moment.value + by.value))),
    "durationSince": ((Datetime, Datetime), lambda one, other: Duration(bounded(one.value - other.value))),
    "toDate": ((Datetime,), _to_date),
    "toTime": ((Datetime,), lambda moment: Duration(moment.value % DAY)),
    "toMilliseconds": ((Duration,), lambda length: length.value),
    "toSeconds": ((Duration,), lambda length: _truncated(length.value, 1000)),
    "toMinutes": ((Duration,), lambda length: _truncated(length.value, 60_000)),
    "toHours": ((Duration,), lambda length: _truncated(length.value, 3_600_000)),
    "toDays": ((Duration,), lambda length: _truncated(length.value, DAY)),
}
