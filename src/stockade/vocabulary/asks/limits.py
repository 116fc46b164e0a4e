"""Questions of limits: take from buckets and quotas, and give back."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from stockade.vocabulary.asks.question import Ask


class Tokens(Struct, frozen=True, gc=False):
    """How a bucket or quota stands. Times are seconds from the moment of asking."""

    allowed: bool
    remaining: int
    reset: float  # until it is full again (rate) or the period ends (quota)
    retry_after: float = 0.0  # until `cost` would be allowed; 0 when allowed


class TakeTokens(Ask[Tokens], frozen=True, gc=False):
    """Take from a GCRA bucket. interval: seconds per token; burst: tokens; at: seconds since the epoch."""

    bucket: str
    interval: float
    burst: int
    at: float
    cost: int = 1


class TakeQuota(Ask[Tokens], frozen=True, gc=False):
    """Take from a fixed amount per period; `start` names the period, `end` is when it is over (epoch seconds)."""

    bucket: str
    limit: int
    start: float
    end: float
    at: float
    cost: int = 1


class Pace(NamedTuple):
    """One token regained each `interval` nanoseconds, up to `burst` tokens."""

    interval: int
    burst: int


class Allowance(NamedTuple):
    """So much in the period [start, end), whole epoch seconds."""

    limit: int
    start: int
    end: int


class TakeAll(Ask[tuple[int, Tokens] | None], frozen=True, gc=False):
    """Take `cost` from every bucket, by its measure, or from none when one has too little. No bucket stands twice.

    The reply is None, or the place of the bucket that makes the caller wait longest, and how that one stands.
    """

    buckets: tuple[str, ...]
    measures: tuple[Pace | Allowance, ...]
    at: float
    cost: int = 1


class GiveBack(Ask[None], frozen=True, gc=False):
    """Give back to every bucket what TakeAll took from it, at most until it is full."""

    buckets: tuple[str, ...]
    measures: tuple[Pace | Allowance, ...]
    at: float
    cost: int = 1
