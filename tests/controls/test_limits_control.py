"""The limits control, counting in the real store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.controls.limits import Limit, Limits, Quota, Rate, keyer
from stockade.stores import Counters, KeySources, Stores
from stockade.vocabulary import PASS, Principal, Stop
from tests.exchanges import AT, Pairs, judge, make_exchange, make_request

A_YEAR = 86400 * 366  # nobody is told to wait longer
ALICE, BOB = Principal("alice", "api_key"), Principal("bob", "api_key")
ALICE_TOKEN = Principal("alice", "jwt")


class Caller:
    """Sends requests to one control and its counters."""

    def __init__(self, *limits: Limit, api: str = "shop") -> None:
        self.stores = Stores(Counters(), None, KeySources())
        self.control = Limits(api, limits)

    def verdict(
        self,
        *,
        at: float = AT,
        path: str = "/orders/7",
        client: str = "203.0.113.9",
        principal: Principal | None = None,
        headers: Pairs = (),
    ) -> Any:
        exchange = make_exchange(
            make_request("GET", path, headers, at=at), client=client, principal=principal, operation=f"GET {path}"
        )
        return judge(self.control.on_request, exchange, self.stores.answer)

    def allowed(self, times: int = 1, **how: Any) -> int:
        """How many of so many requests pass."""
        return sum(self.verdict(**how) is PASS for _ in range(times))


def per(*keys: str, name: str = "x", burst: int = 2, interval: float = 10.0) -> Limit:
    return Limit(name, keys, Rate(interval, burst))


def test_a_rate():
    caller = Caller(per("address"))
    assert caller.allowed(5) == 2
    assert caller.allowed(5, at=AT + 9.9) == 0
    assert caller.allowed(5, at=AT + 10) == 1
    assert caller.allowed(5, at=AT + 1000) == 2


def test_a_quota():
    caller = Caller(Limit("x", ("address",), Quota(3, "day")))
    midnight = AT // 86400 * 86400 + 86400
    assert caller.allowed(5) == 3
    assert caller.allowed(5, at=midnight - 0.001) == 0
    assert caller.allowed(5, at=midnight) == 3


KEYS = [
    # keys, one caller, another: whether they are counted together
    (["address"], {}, {"path": "/other"}, True),
    (["address"], {}, {"client": "203.0.113.10"}, False),
    (["address"], {}, {"principal": ALICE}, True),
    (["address"], {"client": "2001:db8::1"}, {"client": "2001:db8::ffff:1"}, True),
    (["address"], {"client": "2001:db8::1"}, {"client": "2001:db8:0:1::1"}, False),
    (["address"], {"client": "203.0.113.9"}, {"client": "::ffff:203.0.113.9"}, True),
    (["principal"], {"principal": ALICE}, {"principal": ALICE, "client": "198.51.100.7"}, True),
    (["principal"], {"principal": ALICE}, {"principal": BOB}, False),
    (["principal"], {"principal": ALICE}, {"principal": ALICE_TOKEN}, False),
    # leaving the key away must not be a way around: who is nobody is counted by address
    (["principal"], {}, {"path": "/other"}, True),
    (["principal"], {}, {"client": "198.51.100.7"}, False),
    (["principal"], {"principal": ALICE}, {}, False),
    (["principal"], {"principal": Principal("203.0.113.9", "jwt")}, {}, False),
    (["operation"], {}, {"client": "198.51.100.7"}, True),
    (["operation"], {}, {"path": "/other"}, False),
    (["address", "operation"], {}, {"path": "/other"}, False),
    (["address", "operation"], {}, {"client": "198.51.100.7"}, False),
    (["address", "operation"], {}, {"principal": ALICE}, True),
    (["principal", "operation"], {"principal": ALICE}, {"principal": ALICE, "client": "198.51.100.7"}, True),
    (["header:X-Tenant"], {"headers": [("x-tenant", "a")]}, {"headers": [("X-Tenant", "a")]}, True),
    (["header:X-Tenant"], {"headers": [("x-tenant", "a")]}, {"headers": [("x-tenant", "b")]}, False),
    (["header:X-Tenant"], {"headers": [("x-tenant", "a")]}, {}, False),
    (["header:X-Tenant"], {}, {"headers": [("x-tenant", "")]}, True),
    (
        ["header:x-a", "header:x-b"],
        {"headers": [("x-a", "1"), ("x-b", "")]},
        {"headers": [("x-a", ""), ("x-b", "1")]},
        False,
    ),
    # a hostile value is bounded
    (["header:x-a"], {"headers": [("x-a", "y" * 300)]}, {"headers": [("x-a", "y" * 400)]}, True),
    # a name may hold the separator
    (
        ["principal", "operation"],
        {"principal": Principal("a\nGET /b", "jwt"), "path": "/c"},
        {"principal": Principal("a", "jwt"), "path": "/b"},
        False,
    ),
]


@pytest.mark.parametrize(("keys", "one", "other", "together"), KEYS)
def test_who_is_counted_with_whom(keys, one, other, together):
    caller = Caller(per(*keys, burst=1))
    assert caller.allowed(2, **one) == 1
    assert caller.allowed(1, **other) == (0 if together else 1)


def test_limits_and_apis_are_counted_apart():
    caller = Caller(per("address", name="a", burst=1), per("address", name="b", burst=1))
    assert caller.allowed(2) == 1
    other = Caller(per("address", name="a", burst=1), api="other")
    other.stores = caller.stores
    assert other.allowed(2) == 1


def test_the_first_limit_that_refuses_names_itself_and_the_later_ones_are_not_charged():
    caller = Caller(per("address", name="few", burst=1), per("address", name="many", burst=10))
    caller.allowed(1)
    refused = caller.verdict()
    assert isinstance(refused, Stop)
    assert (refused.action, refused.findings[0].rule, refused.findings[0].where) == ("throttle", "few", "address")
    caller.allowed(20)
    assert caller.allowed(20, at=AT + 10) == 1  # "many" still has tokens


def test_what_one_limit_refuses_no_other_counts():
    """Wherever it stands: running into a rate uses up no quota."""
    few, day = per("address", name="few", burst=1), Limit("day", ("address",), Quota(3, "day"))
    for limits in ((few, day), (day, few)):
        caller = Caller(*limits)
        assert caller.allowed(10) == 1
        assert [caller.allowed(10, at=AT + later) for later in (10, 20, 30)] == [1, 1, 0]
        assert caller.verdict(at=AT + 40).findings[0].rule == "day"


def test_of_several_limits_that_refuse_the_one_that_takes_longest_is_named():
    caller = Caller(per("address", name="short", burst=1), per("operation", name="long", burst=1, interval=100.0))
    caller.allowed(1)
    refused = caller.verdict()
    assert refused.findings[0].rule == "long"
    assert refused.response.headers.get("retry-after") == "100"
    assert caller.verdict(at=AT + 100) is PASS


def test_each_quota_has_its_own_period():
    caller = Caller(*(Limit(unit, ("address",), Quota(2, unit)) for unit in ("minute", "hour")))
    assert [caller.allowed(5, at=AT + later) for later in (0, 60, 120)] == [2, 0, 0]
    assert caller.verdict(at=AT + 60).findings[0].rule == "hour"
    hour = AT // 3600 * 3600 + 3600
    assert [caller.allowed(1, at=hour + later) for later in (0, -0.001, 60)] == [1, 1, 0]


RESPONSES = [
    (Rate(0.5, 4), "1", '"x";r=0;t=2', '"x";q=4;w=2'),
    (Rate(60.0, 1), "60", '"x";r=0;t=60', '"x";q=1;w=60'),
    (Rate(1.2, 1), "2", '"x";r=0;t=2', '"x";q=1;w=2'),
    (Rate(1e9, 1), str(A_YEAR), f'"x";r=0;t={A_YEAR}', '"x";q=1;w=1000000000'),
    (Quota(2, "minute"), "58", '"x";r=0;t=58', '"x";q=2;w=60'),
    (Quota(2, "second"), "1", '"x";r=0;t=1', '"x";q=2;w=1'),
    (Quota(2, "hour"), "3178", '"x";r=0;t=3178', '"x";q=2;w=3600'),
    (Quota(2, "day"), "3178", '"x";r=0;t=3178', '"x";q=2;w=86400'),
    (Quota(2, "week"), "175978", '"x";r=0;t=175978', '"x";q=2;w=604800'),
    (Quota(2, "month"), "780778", '"x";r=0;t=780778', '"x";q=2;w=2592000'),
    (Quota(2, "year"), "3459178", '"x";r=0;t=3459178', '"x";q=2;w=31536000'),
]


@pytest.mark.parametrize(("measure", "retry_after", "ratelimit", "policy"), RESPONSES)
def test_a_refusal_says_how_to_go_on(measure, retry_after, ratelimit, policy):
    caller = Caller(Limit("x", ("address",), measure))
    while caller.verdict() is PASS:
        pass
    verdict = caller.verdict()
    assert verdict.response.status == 429
    headers = dict(verdict.response.headers)
    assert (headers["retry-after"], headers["ratelimit"], headers["ratelimit-policy"]) == (
        retry_after,
        ratelimit,
        policy,
    )
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(verdict.response.body)["status"] == 429
    if int(retry_after) < A_YEAR:
        assert caller.verdict(at=AT + int(retry_after)) is PASS


def test_a_lowered_quota_says_nothing_below_zero():
    """The policy was reloaded with a smaller amount than is already used."""
    caller = Caller(Limit("x", ("address",), Quota(5, "day")))
    caller.allowed(5)
    caller.control = Limits("shop", [Limit("x", ("address",), Quota(2, "day"))])
    assert caller.verdict().response.headers.get("ratelimit").startswith('"x";r=0;')


def test_no_limits_pass():
    assert Caller().verdict() is PASS


def test_which_limits_need_a_principal():
    assert per("principal", "operation").needs_principal
    assert not per("address", "header:x").needs_principal


def test_what_is_described():
    caller = Caller(per("address", name="a"), Limit("b", ("principal", "operation"), Quota(5, "month")))
    assert caller.control.describe() == "a: 6/min, burst 2, per address; b: 5 a month per principal+operation"


def test_an_unknown_key_is_refused_when_the_control_is_made():
    with pytest.raises(KeyError, match="adress"):
        keyer(("adress",))
