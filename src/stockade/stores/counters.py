"""Counters in this process's memory, for rates and quotas.

Bounded: buckets that are full again (or whose period is over) say nothing and are dropped; when live ones alone
exceed the bound, those that are soonest over go first, and `evicted` counts them.
"""

from __future__ import annotations

from heapq import nsmallest

from stockade.quotas import take
from stockade.vocabulary import TakeQuota, TakeTokens, Tokens

_MOST = 200_000  # entries per table: about 40 MB at the worst


class Counters:
    """Answers TakeTokens and TakeQuota. `most` is the bound on the buckets of each kind."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._arrivals: dict[str, float] = {}
        self._used: dict[str, tuple[float, float, int]] = {}  # bucket: (start, end, used)
        self.evicted = 0

    def take_tokens(self, ask: TakeTokens) -> Tokens:
        arrivals = self._arrivals
        allowed, arrival, remaining, reset, retry_after = take(
            arrivals.get(ask.bucket, 0.0), ask.at, ask.interval, ask.burst, ask.cost
        )
        if allowed:
            if len(arrivals) >= self._most and ask.bucket not in arrivals:
                self._shrink_arrivals(ask.at)
            arrivals[ask.bucket] = arrival
        return Tokens(allowed, remaining, reset, retry_after)

    def take_quota(self, ask: TakeQuota) -> Tokens:
        start, _, used = self._used.get(ask.bucket, (0.0, 0.0, 0))
        if start != ask.start:
            used = 0
        left = ask.end - ask.at
        if used + ask.cost > ask.limit:
            return Tokens(False, ask.limit - used, left, left)
        if len(self._used) >= self._most and ask.bucket not in self._used:
            self._shrink_used(ask.at)
        self._used[ask.bucket] = (ask.start, ask.end, used + ask.cost)
        return Tokens(True, ask.limit - used - ask.cost, left)

    def _shrink_arrivals(self, at: float) -> None:
        live = {bucket: arrival for bucket, arrival in self._arrivals.items() if arrival > at}
        for bucket in self._excess(live, lambda item: item[1]):
            del live[bucket]
        self._arrivals = live

    def _shrink_used(self, at: float) -> None:
        live = {bucket: used for bucket, used in self._used.items() if used[1] > at}
        for bucket in self._excess(live, lambda item: item[1][1]):
            del live[bucket]
        self._used = live

    def _excess(self, live: dict, ends) -> list[str]:  # type: ignore
        """Which live buckets must go to leave a tenth free, the soonest over first."""
        surplus = len(live) - self._most * 9 // 10
        if surplus <= 0:
            return []
        self.evicted += surplus
        return [bucket for bucket, _ in nsmallest(surplus, live.items(), key=ends)]
