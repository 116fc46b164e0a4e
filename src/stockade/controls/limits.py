"""Limits: how often a caller may ask. GCRA rates with bursts, and quotas per calendar period.

Answers 429 with `Retry-After` (RFC 9110, section 10.2.3) and the `RateLimit` and `RateLimit-Policy` fields
(draft-ietf-httpapi-ratelimit-headers). Finding: the limit's own name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

from stockade.networks import subject_of
from stockade.quotas import nanoseconds, period_around
from stockade.vocabulary import (
    PASS,
    Allowance,
    Asking,
    Control,
    Exchange,
    Finding,
    Pace,
    Stop,
    TakeAll,
    Tokens,
    Verdict,
)

_MOST_RETRY = 86400 * 366


_UNITS = ((1.0, "s"), (60.0, "min"), (3600.0, "hour"), (86400.0, "day"))


class Rate(Struct, frozen=True):
    """`burst` tokens, one regained each `interval` seconds."""

    interval: float
    burst: int

    def __str__(self) -> str:
        seconds, unit = next(pair for pair in _UNITS if self.interval <= pair[0])
        return f"{round(seconds / self.interval, 6):g}/{unit}, burst {self.burst},"


class Quota(Struct, frozen=True):
    """`limit` requests per calendar `unit` (day, month, …), in UTC."""

    limit: int
    unit: str

    def __str__(self) -> str:
        return f"{self.limit} a {self.unit}"


class Limit(Struct, frozen=True):
    """One line of the policy. `keys` are counted together: ("address", "operation") is per address and operation."""

    name: str
    keys: tuple[str, ...]
    measure: Rate | Quota

    @property
    def needs_principal(self) -> bool:
        return "principal" in self.keys

    @property
    def needs_operation(self) -> bool:
        return "operation" in self.keys


Reader: TypeAlias = Callable[[Exchange], str]


def _by_address(exchange: Exchange) -> str:
    return subject_of(exchange.client)


def _by_principal(exchange: Exchange) -> str:
    # Who stays anonymous is counted by address: leaving the key away must not be a way around a limit.
    principal = exchange.principal
    return f"={principal.kind}={principal.id}" if principal is not None else subject_of(exchange.client)


def _by_operation(exchange: Exchange) -> str:
    return exchange.operation


def _by_header(name: str) -> Reader:
    def value(exchange: Exchange) -> str:
        return (exchange.request.headers.get(name) or "")[:256]

    return value


_KEYS: dict[str, Reader] = {"address": _by_address, "principal": _by_principal, "operation": _by_operation}


def keyer(keys: tuple[str, ...]) -> Reader:
    """What is counted, from its name or names: address, principal, operation, header:NAME."""
    readers = [_by_header(key[7:].lower()) if key.startswith("header:") else _KEYS[key] for key in keys]
    if len(readers) == 1:
        return readers[0]
    return lambda exchange: "\n".join(reader(exchange) for reader in readers)


def _bucketer(api: str, limits: tuple[Limit, ...]) -> Callable[[Exchange], tuple[str, ...]]:
    """The buckets from which a request takes, one for each limit."""
    readers = [(f"{api}\n{limit.name}\n", keyer(limit.keys)) for limit in limits]
    if len(readers) == 1:
        ((prefix, key),) = readers
        return lambda exchange: (prefix + key(exchange),)
    return lambda exchange: tuple([prefix + key(exchange) for prefix, key in readers])


class Together:
    """Limits that are judged together: a request that one of them refuses is counted by none.

    As nginx's `limit_req` does it. Else a caller that runs into a rate would use up its daily quota by being refused.
    """

    def __init__(self, api: str, limits: Iterable[Limit]) -> None:
        self._limits = tuple(limits)
        self._buckets = _bucketer(api, self._limits) if self._limits else None
        self._current = _measures(self._limits, 0.0)

    def __str__(self) -> str:
        return "; ".join(f"{limit.name}: {limit.measure} per {'+'.join(limit.keys)}" for limit in self._limits)

    def take(self, exchange: Exchange, cost: int = 1) -> Asking[Verdict]:
        if self._buckets is None:
            return PASS
        at = exchange.request.at
        measures, start, end = self._current
        if not start <= at < end:
            measures, *_ = self._current = _measures(self._limits, at)
        refused = yield TakeAll(self._buckets(exchange), measures, at, cost)
        if refused is None:
            return PASS
        place, left = refused
        return _throttled(exchange, self._limits[place], left)


class Limits(Control):
    """Limits of one API. apart: paths where only the body says which operation it is; see `NamedLimits`."""

    name = "limits"

    def __init__(self, api: str, limits: Iterable[Limit], *, apart: Callable[[str], bool] | None = None) -> None:
        all_limits = tuple(limits)
        self._all = Together(api, all_limits)
        self._apart = apart
        self._there = Together(api, [limit for limit in all_limits if not limit.needs_operation])

    def describe(self) -> str:
        return str(self._all)

    def on_request(self, exchange: Exchange) -> Asking[Verdict]:
        if self._apart is not None and self._apart(exchange.request.path):
            return self._there.take(exchange)
        return self._all.take(exchange)


class NamedLimits(Control):
    """Limits per operation where only the body says which it is (GraphQL, SOAP): they are judged once it has been read.

    A request that calls its operation several times takes so many tokens.
    """

    name = "limits"

    def __init__(self, api: str, limits: Iterable[Limit], where: Callable[[str], bool]) -> None:
        self._limits = Together(api, limits)
        self._where = where

    def describe(self) -> str:
        return f"{self._limits}, by what the body names"

    def on_request_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        return self._limits.take(exchange, exchange.calls) if self._where(exchange.request.path) else PASS


def _measures(limits: tuple[Limit, ...], at: float) -> tuple[tuple[Pace | Allowance, ...], float, float]:
    """What may be taken under each limit, and the time [start, end) for which that is so."""
    measures: list[Pace | Allowance] = []
    start, end = -math.inf, math.inf
    for limit in limits:
        measure = limit.measure
        if isinstance(measure, Rate):
            measures.append(Pace(nanoseconds(measure.interval), measure.burst))
        else:
            period = period_around(measure.unit, at)
            measures.append(Allowance(measure.limit, int(period.start), int(period.end)))
            start, end = max(start, period.start), min(end, period.end)
    return tuple(measures), start, end


def _throttled(exchange: Exchange, limit: Limit, left: Tokens) -> Stop:
    wait = str(max(1, math.ceil(min(left.retry_after, _MOST_RETRY))))
    reset = math.ceil(min(left.reset, _MOST_RETRY))
    response = exchange.problem(
        429,
        "Too many requests. Try again later.",
        ("retry-after", wait),
        ("ratelimit", f'"{limit.name}";r={max(0, left.remaining)};t={reset}'),
        ("ratelimit-policy", f'"{limit.name}";{_policy(limit.measure)}'),
    )
    finding = Finding(limit.name, where="+".join(limit.keys), evidence=f"retry after {wait} s", severity="low")
    return Stop(response, (finding,), "throttle")


def _policy(measure: Rate | Quota) -> str:
    if isinstance(measure, Rate):
        return f"q={measure.burst};w={math.ceil(measure.burst * measure.interval)}"
    return f"q={measure.limit};w={_WINDOWS[measure.unit]}"


_WINDOWS: dict[str, int] = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 2592000,
    "year": 31536000,
}
