"""Counters as plain arithmetic, without bound, lock or sharing: what the table must answer."""

from __future__ import annotations

from stockade.quotas import SECOND, Period, Used, draw, take
from stockade.vocabulary import Allowance, Pace, TakeAll, TakeQuota, TakeTokens, Tokens


class Reference:
    def __init__(self) -> None:
        self.arrivals: dict[str, int] = {}
        self.used: dict[str, Used] = {}

    def take_tokens(self, ask: TakeTokens) -> Tokens:
        taken = take(self.arrivals.get(ask.bucket, 0), ask.at, ask.interval, ask.burst, ask.cost)
        self.arrivals[ask.bucket] = taken.arrival
        return Tokens(taken.allowed, taken.remaining, taken.reset, taken.retry_after)

    def take_quota(self, ask: TakeQuota) -> Tokens:
        drawn = draw(self.used.get(ask.bucket, Used()), ask.at, ask.limit, Period(ask.start, ask.end), ask.cost)
        self.used[ask.bucket] = drawn.used
        return Tokens(drawn.allowed, drawn.remaining, drawn.reset, 0.0 if drawn.allowed else drawn.reset)

    def take_all(self, ask: TakeAll) -> tuple[int, Tokens] | None:
        """One after the other on a copy, which becomes the state when all allow."""
        trial = Reference()
        trial.arrivals, trial.used = dict(self.arrivals), dict(self.used)
        answers = [trial._take(*pair, ask.at, ask.cost) for pair in zip(ask.buckets, ask.measures, strict=True)]
        refused = [(place, left) for place, left in enumerate(answers) if not left.allowed]
        if not refused:
            self.arrivals, self.used = trial.arrivals, trial.used
            return None
        for place, _ in refused:  # where another clock or limit had written the state, it is put right all the same
            name = ask.buckets[place]
            if isinstance(ask.measures[place], Pace):
                self.arrivals[name] = trial.arrivals[name]
        return max(refused, key=lambda pair: (pair[1].retry_after, -pair[0]))

    def _take(self, bucket: str, measure: Pace | Allowance, at: float, cost: int) -> Tokens:
        if isinstance(measure, Pace):
            return self.take_tokens(TakeTokens(bucket, measure.interval / SECOND, measure.burst, at, cost))
        return self.take_quota(TakeQuota(bucket, measure.limit, measure.start, measure.end, at, cost))
