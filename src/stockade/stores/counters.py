"""Counters in this process's memory, for rates and quotas.

Bounded: buckets that are full again (or whose period is over) say nothing and are dropped; when live ones alone
exceed the bound, those that are soonest over go first, and `evicted` counts them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import nsmallest
from typing import TypeAlias, TypeVar

from stockade.quotas import SECOND, take
from stockade.vocabulary import TakeQuota, TakeTokens, Tokens

_MOST = 200_000  # entries per table: about 40 MB at the worst
_JUMP = 60.0  # seconds by which requests may come out of order; see `quotas.gcra`

V = TypeVar("V")
_Used: TypeAlias = tuple[float, float, int]  # start, end, used


class Counters:
    """Answers TakeTokens and TakeQuota, each as one step, from any thread.

    `most` is the bound on the buckets of each kind.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._arrivals: dict[str, int] = {}
        self._used: dict[str, _Used] = {}
        # A worker has two threads that ask: the requests' own, and the one on which suspended requests go on.
        self._lock = threading.Lock()
        self.evicted = 0

    def take_tokens(self, ask: TakeTokens) -> Tokens:
        with self._lock:
            known = self._arrivals.get(ask.bucket, 0)
            allowed, arrival, remaining, reset, retry_after = take(known, ask.at, ask.interval, ask.burst, ask.cost)
            if arrival != known:
                if not known and len(self._arrivals) >= self._most:
                    self._arrivals = self._live(self._arrivals, float, ask.at * SECOND)
                self._arrivals[ask.bucket] = arrival
        return Tokens(allowed, remaining, reset, retry_after)

    def take_quota(self, ask: TakeQuota) -> Tokens:
        left = ask.end - ask.at
        with self._lock:
            start, end, used = self._in_period(ask)
            if used + ask.cost > ask.limit:
                return Tokens(False, max(0, ask.limit - used), left, left)
            if len(self._used) >= self._most and ask.bucket not in self._used:
                self._used = self._live(self._used, lambda entry: entry[1], ask.at)
            self._used[ask.bucket] = (start, end, used + ask.cost)
        return Tokens(True, ask.limit - used - ask.cost, left)

    def _in_period(self, ask: TakeQuota) -> _Used:
        """What was used of the period. A request that is a little late counts in the one that has begun since."""
        start, end, used = self._used.get(ask.bucket, (ask.start, ask.end, 0))
        if ask.start <= start <= ask.at + _JUMP:
            return start, max(end, ask.end), used
        return ask.start, ask.end, 0

    def _live(self, table: dict[str, V], ends: Callable[[V], float], now: float) -> dict[str, V]:
        """The buckets that are not over, and of those no more than leave a tenth free: the soonest over go."""
        live = {bucket: entry for bucket, entry in table.items() if ends(entry) > now}
        surplus = len(live) - self._most * 9 // 10
        if surplus > 0:
            self.evicted += surplus
            for bucket in nsmallest(surplus, live, key=lambda bucket: ends(live[bucket])):
                del live[bucket]
        return live
