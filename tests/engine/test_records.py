"""The record of an exchange."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.engine import Policy, refuse_unread
from stockade.vocabulary import Control, Finding, Pass, Principal, Record
from stockade.wire import Headers, Peer, Request
from tests.exchanges import AT, Door, make_control, make_request, make_route, says


def record_of(request: Request | None = None, *controls: Control, logged: Iterable[str] = (), **fields: Any) -> Record:
    door = Door(make_route(*controls, **fields), logged=logged)
    door.send(request or make_request())
    return door.session.close(200, 12.5, 10.25, worker=3)


def test_who_let_it_pass():
    first, second = (
        make_control("a", on_request=says(Pass(decided="r", risk=40))),
        make_control("b", on_request=says(Pass())),
    )
    third = make_control("c", on_request=says(Pass(decided="s", risk=20)))
    door = Door(make_route(first, second, third))
    door.send(make_request())
    assert door.session.close(200, 1.0).decided == "a:r c:s"
    assert door.session.exchange.risk == 40


def test_every_field():
    saw = Pass((Finding("saw", "header:accept", "text…", "low"),), Principal("alice", "api_key", "k1"))
    request = make_request("POST", "/orders/7", [("User-Agent", "curl/8"), ("Accept", "a")], query="q=1")
    record = record_of(request, make_control("a", on_request=says(saw)), logged=["user-agent", "absent"])
    assert json.loads(msgspec.json.encode(record)) == {
        "time": "2025-11-21T23:07:02.125Z",
        "request_id": "r-1",
        "api": "shop",
        "operation": "POST /orders/{id}",
        "client": "203.0.113.9",
        "principal": "alice",
        "method": "POST",
        "path": "/orders/7",
        "status": 200,
        "action": "allow",
        "control": None,
        "findings": [
            {
                "rule": "saw",
                "where": "header:accept",
                "evidence": "text…",
                "severity": "low",
                "control": "a",
                "monitor": False,
                "policy": "",
            }
        ],
        "headers": {"user-agent": "curl/8"},
        "duration_ms": 12.5,
        "upstream_ms": 10.25,
        "worker": 3,
    }


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (AT, "2025-11-21T23:07:02.125Z"),
        (1_709_164_799.9375, "2024-02-28T23:59:59.937Z"),
        (1_709_208_000.0, "2024-02-29T12:00:00.000Z"),
        (4_102_444_800.0, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_time_is_rfc_3339_in_utc(at, text):
    assert record_of(make_request(at=at)).time == text
    assert record_of(make_request(at=at)).time == text  # the second is remembered


@given(st.lists(st.floats(0, 4e9), min_size=2, max_size=5))
def test_times_sort_as_the_moments_do(moments):
    times = [record_of(make_request(at=at)).time for at in sorted(moments)]
    assert times == sorted(times)


def test_only_the_headers_that_the_policy_names_are_kept():
    request = make_request(headers=[("Accept", "a"), ("cookie", "session=canary"), ("x-trace", "t")])
    assert record_of(request).headers == {}
    assert record_of(request, logged=["x-trace"]).headers == {"x-trace": "t"}


def test_a_logged_header_is_cut_and_joined():
    request = make_request(headers=[("x-trace", "a"), ("x-trace", "b"), ("x-long", "y" * 5000)])
    assert record_of(request, logged=["x-trace", "x-long"]).headers == {"x-trace": "a, b", "x-long": "y" * 1024}


def test_a_method_of_any_length_is_cut():
    assert record_of(make_request("PROPFIND")).method == "PROPFIND"
    assert len(record_of(make_request("X" * 9000)).method) <= 65


@pytest.mark.parametrize(
    ("path", "evidence"),
    [
        ("/a%2fb", "/a%2fb"),
        ("/reset/9f1c2a7b4d5e6f708192a3b4c5d6e7f8/%zz", "/reset/9f1c…(32)/%zz"),
        ("/" + "z" * 500, "/" + "z" * 63 + "…"),
    ],
)
def test_an_ambiguous_target_has_a_record_but_no_route(path, evidence):
    session, verdict = refuse_unread(
        Policy([make_route()]), make_request("GET", path), "the path holds an escaped slash"
    )
    assert verdict.response.status == 400
    assert json.loads(verdict.response.body)["detail"] == "The path holds an escaped slash."
    record = session.close(400, 0.1)
    assert (record.api, record.operation, record.control, record.action) == ("", "GET", "routing", "deny")
    (finding,) = record.findings
    assert (finding.control, finding.rule, finding.where, finding.evidence) == (
        "routing",
        "bad-target",
        "target",
        evidence,
    )
    assert session.stopped


def test_the_query_is_in_no_record():
    record = record_of(make_request(query="token=canary"))
    assert b"canary" not in msgspec.json.encode(record)


def test_a_peers_certificate_is_in_no_record():
    request = msgspec.structs.replace(make_request(), peer=Peer("203.0.113.9", "TLSv1.3", "ab" * 32, "CN=canary"))
    assert b"canary" not in msgspec.json.encode(record_of(request))


def test_headers_given_twice_are_counted_as_the_upstream_would_read_them():
    request = msgspec.structs.replace(make_request(), headers=Headers(["x-trace", "x-trace"], ["1", "2"]))
    assert record_of(request, logged=["x-trace"]).headers == {"x-trace": "1, 2"}
