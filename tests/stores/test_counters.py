"""What counters answer: rates, quotas, several at once; and that the table answers as the arithmetic does."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.quotas import period_around
from stockade.stores import Counters
from stockade.vocabulary import Allowance, Pace, TakeAll, TakeQuota, TakeTokens, Tokens
from tests.stores.reference import Reference

AT = 1_763_766_422.0
START, END = period_around("hour", AT)


def tokens(bucket: str = "a", at: float = AT, interval: float = 10.0, burst: int = 2, cost: int = 1) -> TakeTokens:
    return TakeTokens(bucket, interval, burst, at, cost)


def quota(bucket: str = "a", at: float = AT, limit: int = 3, cost: int = 1, unit: str = "hour") -> TakeQuota:
    return TakeQuota(bucket, limit, *period_around(unit, at), at, cost)


def test_a_rate():
    counters = Counters()
    assert counters.take_tokens(tokens()) == Tokens(True, 1, 10.0, 0.0)
    assert counters.take_tokens(tokens()) == Tokens(True, 0, 20.0, 0.0)
    assert counters.take_tokens(tokens()) == Tokens(False, 0, 20.0, 10.0)
    assert counters.take_tokens(tokens(at=AT + 4)) == Tokens(False, 0, 16.0, 6.0)
    assert counters.take_tokens(tokens("b")) == Tokens(True, 1, 10.0, 0.0)
    assert counters.take_tokens(tokens(at=AT + 10)) == Tokens(True, 0, 20.0, 0.0)


def test_a_quota():
    counters = Counters()
    left = END - AT
    assert [counters.take_quota(quota()) for _ in range(4)] == [
        Tokens(True, 2, left),
        Tokens(True, 1, left),
        Tokens(True, 0, left),
        Tokens(False, 0, left, left),
    ]
    assert counters.take_quota(quota("b")).allowed
    assert counters.take_quota(quota(at=END - 0.5)) == Tokens(False, 0, 0.5, 0.5)
    assert counters.take_quota(quota(at=END)) == Tokens(True, 2, 3600.0)


def test_a_quota_with_a_cost():
    counters = Counters()
    assert counters.take_quota(quota(cost=2)).remaining == 1
    refused = counters.take_quota(quota(cost=2))
    assert (refused.allowed, refused.remaining) == (False, 1)
    assert counters.take_quota(quota(cost=1)).allowed
    assert not counters.take_quota(quota("b", cost=4)).allowed
    assert counters.take_quota(quota("b", cost=3)).allowed


def test_a_request_that_is_late_does_not_begin_a_new_period():
    """At midnight requests overtake each other, and one may have waited for an issuer's keys."""
    counters = Counters()
    for _ in range(3):
        assert counters.take_quota(quota(at=END + 0.001)).allowed
    assert not counters.take_quota(quota(at=END - 0.001)).allowed
    assert not counters.take_quota(quota(at=END + 0.002)).allowed


def test_a_clock_that_is_put_back_by_a_year_shuts_nobody_out_for_a_year():
    counters = Counters()
    for _ in range(3):
        counters.take_quota(quota(unit="day"))
    assert counters.take_quota(quota(at=AT - 365 * 86400, unit="day")).allowed


def test_a_clock_that_is_put_back_an_hour_shuts_nobody_out_for_an_hour():
    counters = Counters()
    for _ in range(2):
        counters.take_tokens(tokens())
    refused = counters.take_tokens(tokens(at=AT - 3600))
    assert (refused.allowed, refused.retry_after) == (False, 10.0)
    assert counters.take_tokens(tokens(at=AT - 3590)).allowed


def test_a_longer_period_goes_on_with_what_was_used_of_the_shorter():
    """The policy was reloaded: what was 3 an hour is 3 a month now."""
    counters = Counters()
    for _ in range(3):
        counters.take_quota(quota())
    assert not counters.take_quota(quota(unit="month")).allowed
    assert counters.take_quota(quota(at=AT + 15 * 86400, unit="month")).allowed


def test_a_lowered_quota_has_nothing_left_rather_than_less():
    counters = Counters()
    counters.take_quota(quota(limit=10, cost=8))
    assert counters.take_quota(quota(limit=3)).remaining == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10), st.integers(1, 3)), max_size=60))
def test_no_quota_is_overdrawn(asked):
    counters, at = Counters(), START
    used: Counter[object] = Counter()
    for bucket, step, cost in asked:
        at += step * 60
        left = counters.take_quota(quota(bucket, at, limit=5, cost=cost))
        key = (bucket, period_around("hour", at))
        assert left.allowed == (used[key] + cost <= 5)
        used[key] += cost * left.allowed
        assert left.remaining == 5 - used[key]


def test_a_clock_that_begins_in_1970():
    """As it does on a machine without a battery, in a week that began the year before."""
    counters = Counters()
    assert counters.take_tokens(tokens(at=0.0)).remaining == 1
    assert [counters.take_quota(quota(at=0.0, limit=2, unit="week")).allowed for _ in range(3)] == [True, True, False]
    assert counters.take_quota(quota(limit=2, unit="week")).allowed


# Several at once.

FEW, MANY, DAILY = Pace(10 * 10**9, 2), Pace(10**9, 10), Allowance(5, int(START), int(END))


def test_all_have_enough():
    counters = Counters()
    ask = TakeAll(("few", "many", "daily"), (FEW, MANY, DAILY), AT)
    assert counters.take_all(ask) is None
    assert counters.take_tokens(tokens("few")).remaining == 0
    assert counters.take_tokens(tokens("many", interval=1.0, burst=10)).remaining == 8
    assert counters.take_quota(quota("daily", limit=5)).remaining == 3


def test_one_that_has_too_little_keeps_the_others_from_being_charged():
    """Wherever it stands."""
    counters = Counters()
    for buckets, measures in (
        (("daily", "few", "many"), (DAILY, FEW, MANY)),
        (("many", "daily", "few"), (MANY, DAILY, FEW)),
    ):
        answers = [counters.take_all(TakeAll(buckets, measures, AT)) for _ in range(5)]
        assert answers[-1] == (buckets.index("few"), Tokens(False, 0, 20.0, 10.0))
    assert counters.take_quota(quota("daily", limit=5)).remaining == 2
    assert counters.take_tokens(tokens("many", interval=1.0, burst=10)).remaining == 7


def test_of_several_that_have_too_little_the_longest_wait_is_told():
    """Who waits as told must not be refused by the other."""
    counters = Counters()
    hour = Allowance(2, int(START), int(END))
    ask = TakeAll(("few", "hour", "slow"), (FEW, hour, Pace(20 * 10**9, 2)), AT)
    assert [counters.take_all(ask) for _ in range(2)] == [None, None]
    assert counters.take_all(ask) == (1, Tokens(False, 0, END - AT, END - AT))
    impossible = TakeAll(("hour", "few", "other"), (hour, FEW, Pace(1, 2)), AT, 3)
    refused = counters.take_all(impossible)
    assert refused is not None
    assert (refused[0], refused[1].retry_after) == (1, inf)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100])
def test_any_number_of_buckets(count):
    counters = Counters()
    ask = TakeAll(tuple(f"{number}" for number in range(count)), (Pace(10**9, 3),) * count, AT)
    assert [counters.take_all(ask) for _ in range(3)] == [None] * 3
    refused = counters.take_all(ask)
    assert (refused is None) == (count == 0)


def test_a_rate_and_a_quota_of_one_name_are_two():
    counters = Counters()
    for _ in range(2):
        assert counters.take_all(TakeAll(("a", "a"), (FEW, DAILY), AT)) is None
    assert counters.take_all(TakeAll(("a",), (DAILY,), AT)) is None
    assert counters.take_all(TakeAll(("a",), (FEW,), AT)) is not None


# What makes no sense.


@pytest.mark.parametrize(
    "ask",
    [
        tokens(at=-1.0),
        tokens(at=float("nan")),
        tokens(at=float("inf")),
        tokens(at=2.0**62),
        tokens(cost=0),
        tokens(cost=-1),
        tokens(burst=-1),
        quota(cost=0),
        quota(limit=-1),
        TakeQuota("a", 1, 60.0, 60.0, 60.0),
        TakeQuota("a", 1, 60.0, 1e15, 60.0),
        TakeAll(("a",), (), AT),
        TakeAll(("a",), ((1,),), AT),  # type: ignore[arg-type]
        TakeAll(["a"], [FEW], AT),  # type: ignore[arg-type]
    ],
)
def test_a_question_that_makes_no_sense_is_refused(ask):
    """And not answered somehow: the route's `failure` then decides."""
    counters = Counters()
    with pytest.raises(ValueError, match=r"\w"):
        answer(counters, ask)


@pytest.mark.parametrize("bucket", [b"a", None, 7])
def test_a_bucket_is_text(bucket):
    with pytest.raises(TypeError):
        Counters().take_tokens(tokens(bucket))


def test_any_text_is_a_bucket():
    counters = Counters()
    names = ["", "\0", "\0\0", "a\0", "é", "日本", "\ud800", "\udfff", "\U0001f600", "x" * 100_000, "x" * 100_001]
    for name in names:
        assert counters.take_tokens(tokens(name, burst=1)).allowed
        assert not counters.take_tokens(tokens(name, burst=1)).allowed


# The table answers as the arithmetic does.

moments = st.floats(1e6, 4.6e9) | st.floats(-90, 90).map(lambda step: AT + step) | st.sampled_from([START, END, AT])
intervals = st.floats(1e-10, 1e12) | st.sampled_from([1e-4, 1 / 3, 1.0, 1.2, 3600 / 7, 86400.0])
huge = st.sampled_from([1 << 31, 1 << 32, 1 << 62, (1 << 63) - 1, 1 << 63, 10**40])
costs = st.integers(1, 5) | huge
units = st.sampled_from(["second", "minute", "hour", "day", "week", "month", "year"])
names = st.sampled_from("abc")


@st.composite
def token_asks(draw: Any) -> TakeTokens:
    return TakeTokens(draw(names), draw(intervals), draw(st.integers(0, 9) | huge), draw(moments), draw(costs))


@st.composite
def quota_asks(draw: Any) -> TakeQuota:
    at, amount = draw(moments), draw(st.integers(0, 9) | st.sampled_from([1 << 31, 1 << 62]))
    return TakeQuota(draw(names), amount, *period_around(draw(units), at), at, draw(costs))


@st.composite
def several_asks(draw: Any) -> TakeAll:
    buckets = draw(st.lists(names, unique=True, max_size=3))
    at = draw(moments)
    paces = st.builds(Pace, st.integers(1, 10**13), st.integers(0, 9))
    periods = st.builds(period_around, units, st.just(at))
    allowances = st.builds(lambda limit, period: Allowance(limit, *map(int, period)), st.integers(0, 9), periods)
    measures = [draw(paces | allowances) for _ in buckets]
    return TakeAll(tuple(buckets), tuple(measures), at, draw(st.integers(1, 3)))


def answer(counters: Counters | Reference, ask: Any) -> Any:
    kinds: dict[Any, Any] = {
        TakeTokens: counters.take_tokens,
        TakeQuota: counters.take_quota,
        TakeAll: counters.take_all,
    }
    return kinds[type(ask)](ask)


def same(one: Any, other: Any) -> bool:
    """Times are as exact as a float since the epoch can tell them."""
    if one is None or other is None:
        return one is other
    if isinstance(one, tuple):
        return bool(one[0] == other[0]) and same(one[1], other[1])
    times, wanted = ((left.reset, left.retry_after) for left in (one, other))
    return (one.allowed, one.remaining) == (other.allowed, other.remaining) and times == pytest.approx(wanted, abs=1e-6)


@settings(max_examples=300)
@given(st.lists(token_asks() | quota_asks() | several_asks(), max_size=40))
def test_the_table_answers_as_the_arithmetic_does(asked):
    """For any limits, however they change, any costs, and clocks that jump."""
    counters, reference = Counters(), Reference()
    for ask in asked:
        assert same(answer(counters, ask), answer(reference, ask))
