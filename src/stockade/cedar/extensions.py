"""Cedar's extension types: ipaddr, decimal, datetime and duration, with the limits of its own parsers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from stockade.cedar.errors import EvaluationError

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
DAY = 86_400_000  # milliseconds
_V4 = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}").fullmatch
_V6 = re.compile(r"[0-9A-Fa-f:]{2,39}").fullmatch
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}").fullmatch
_DECIMAL = re.compile(r"(-?)([0-9]+)\.([0-9]+)").fullmatch
_DATETIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2})))?"
).fullmatch
_DURATION = re.compile(r"(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?").fullmatch
_UNITS = (DAY, 3_600_000, 60_000, 1000, 1)


class Ip(Struct, frozen=True, gc=False):
    """An address, or a range: width is 32 or 128, prefix as many for one address."""

    width: int
    number: int
    prefix: int

    def lies_in(self, other: Ip) -> bool:
        """Whether all of it does."""
        if self.width != other.width or self.prefix < other.prefix:
            return False
        shift = self.width - other.prefix
        return self.number >> shift == other.number >> shift


class Decimal(Struct, frozen=True, gc=False):
    """Ten-thousandths."""

    value: int


class Datetime(Struct, frozen=True, gc=False):
    """Milliseconds since the epoch."""

    value: int


class Duration(Struct, frozen=True, gc=False):
    """Milliseconds."""

    value: int


def bounded(value: int) -> int:
    """Raises EvaluationError outside 64 bits."""
    if not _LEAST <= value <= _MOST:
        raise EvaluationError("overflow")
    return value


def parse_ip(text: str) -> Ip:
    """Raises EvaluationError. As Cedar has it: no zones, no IPv4 within IPv6."""
    host, slash, length = text.partition("/")
    try:
        if _V4(host):
            width, number = 32, int(IPv4Address(host))
        elif _V6(host):
            width, number = 128, int(IPv6Address(host))
        else:
            raise EvaluationError("no address")
    except ValueError:
        raise EvaluationError("no address") from None
    if slash and (not _PREFIX(length) or int(length) > width):
        raise EvaluationError("no prefix")
    return Ip(width, number, int(length) if slash else width)


def parse_decimal(text: str) -> Decimal:
    """Raises EvaluationError. At most four digits after the point."""
    match = _DECIMAL(text)
    if match is None or len(match[3]) > 4 or len(match[2]) > 20:
        raise EvaluationError("no decimal")
    value = int(match[2]) * 10_000 + int(match[3].ljust(4, "0"))
    return Decimal(bounded(-value if match[1] else value))


def parse_datetime(text: str) -> Datetime:
    """Raises EvaluationError. 2024-10-15, 2024-10-15T11:35:00Z, with .000, with +0100 for Z."""
    match = _DATETIME(text)
    if match is None:
        raise EvaluationError("no datetime")
    year, month, day, hour, minute, second, milli = (int(part or 0) for part in match.groups()[:7])
    try:
        date = datetime(year or 4, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise EvaluationError("no datetime") from None
    # Python knows no year 0, which is as long as the year 4 (proleptic Gregorian) and begins 1461 days before it.
    earlier = 0 if year else 1461 * DAY
    offset = 0
    if match[8]:
        hours, minutes = int(match[9]), int(match[10])
        if hours > 23 or minutes > 59:
            raise EvaluationError("no offset")
        offset = (hours * 60 + minutes) * 60_000 * (1 if match[8] == "+" else -1)
    whole = round(date.timestamp()) * 1000
    return Datetime(whole - earlier + milli - offset)


def parse_duration(text: str) -> Duration:
    """Raises EvaluationError. 1d2h3m4s5ms, each once, in this order, at least one."""
    match = _DURATION(text)
    if match is None or not any(match.groups()[1:]) or len(text) > 100:
        raise EvaluationError("no duration")
    value = sum(int(part) * unit for part, unit in zip(match.groups()[1:], _UNITS, strict=True) if part)
    return Duration(bounded(-value if match[1] else value))
