"""The firewall control: who may knock, and with what shape of request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.controls.firewall import Firewall
from stockade.networks import NetworkSet
from stockade.vocabulary import PASS, Stop
from stockade.wire import Request
from tests.exchanges import judge, make_exchange, make_request

JSON = [("content-type", "application/json")]


def firewall(**settings: Any) -> Firewall:
    given: dict[str, Any] = {"deny": (), "allow": (), "methods": ["GET", "POST"], "max_body": 100, **settings}
    return Firewall(**{**given, "deny": NetworkSet(given["deny"]), "allow": NetworkSet(given["allow"])})


def verdict_on(control: Firewall, request: Request, **fields: Any) -> Any:
    return judge(control.on_request, make_exchange(request, **fields))


def body(
    length: int | str | None = None, content_type: str | None = "application/json", method: str = "POST"
) -> Request:
    headers = [("content-type", content_type)] if content_type is not None else []
    headers += [("content-length", str(length))] if length is not None else []
    return make_request(method, "/orders", headers, has_body=True)


TABLE = [
    # addresses
    ("nothing is denied", {}, make_request(), None),
    ("denied", {"deny": ["203.0.113.0/24"]}, make_request(), (403, "address-denied")),
    (
        "denied as an IPv4-mapped address",
        {"deny": ["203.0.113.9"]},
        make_request(peer="::ffff:203.0.113.9"),
        (403, "address-denied"),
    ),
    ("another is denied", {"deny": ["198.51.100.0/24"]}, make_request(), None),
    ("allowed", {"allow": ["203.0.113.0/24"]}, make_request(), None),
    ("another is allowed", {"allow": ["198.51.100.0/24"]}, make_request(), (403, "address-not-allowed")),
    (
        "deny beats allow",
        {"allow": ["203.0.113.0/24"], "deny": ["203.0.113.9"]},
        make_request(),
        (403, "address-denied"),
    ),
    ("no address is not allowed", {"allow": ["0.0.0.0/0"]}, make_request(peer="unknown"), (403, "address-not-allowed")),
    # methods
    ("a method", {}, make_request("POST"), None),
    ("another method", {}, make_request("DELETE"), (405, "method")),
    ("methods are case-sensitive", {}, make_request("get"), (405, "method")),
    ("a made-up method", {}, make_request("FROB"), (405, "method")),
    ("an address is judged before a method", {"deny": ["203.0.113.9"]}, make_request("FROB"), (403, "address-denied")),
    # sizes
    ("a body of the greatest size", {}, body(100), None),
    ("a body above it", {}, body(101), (413, "too-large")),
    ("a body far above it", {}, body(10**30), (413, "too-large")),
    ("a body of undeclared size", {}, body(), None),
    ("a length that is no number is the door's to count", {}, body("1e9"), None),
    ("a length without a body", {}, make_request("GET", headers=[("content-length", "101")]), None),
    # media types
    ("any media type", {}, body(content_type="x/y"), None),
    ("no media type where any will do", {}, body(content_type=None), None),
    ("an accepted one", {"media_types": ["application/json"]}, body(), None),
    (
        "with parameters",
        {"media_types": ["application/json"]},
        body(content_type="application/json; charset=utf-8"),
        None,
    ),
    ("in capitals", {"media_types": ["application/json"]}, body(content_type="Application/JSON"), None),
    ("another", {"media_types": ["application/json"]}, body(content_type="text/xml"), (415, "media-type")),
    ("none", {"media_types": ["application/json"]}, body(content_type=None), (415, "media-type")),
    ("empty", {"media_types": ["application/json"]}, body(content_type=""), (415, "media-type")),
    (
        "one that begins like it",
        {"media_types": ["application/json"]},
        body(content_type="application/jsonx"),
        (415, "media-type"),
    ),
    (
        "two at once",
        {"media_types": ["application/json"]},
        body(content_type="application/json, text/xml"),
        (415, "media-type"),
    ),
    ("a range", {"media_types": ["image/*"]}, body(content_type="image/png"), None),
    ("not in the range", {"media_types": ["image/*"]}, body(content_type="imagex/png"), (415, "media-type")),
    (
        "a range is no media type of its own",
        {"media_types": ["image/*"]},
        body(content_type="image"),
        (415, "media-type"),
    ),
    ("without a body there is nothing to accept", {"media_types": ["image/*"]}, make_request("POST"), None),
    ("size before media type", {"media_types": ["image/*"]}, body(101), (413, "too-large")),
]


@pytest.mark.parametrize(
    ("settings", "request_", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_table(settings, request_, expected):
    control = firewall(**settings)
    verdict = verdict_on(control, request_)
    if expected is None:
        assert verdict is PASS
        return
    assert isinstance(verdict, Stop)
    (finding,) = verdict.findings
    assert (verdict.response.status, finding.rule) == expected
    assert verdict.action == "deny"
    assert finding.rule in control.rules
    assert json.loads(verdict.response.body)["request_id"] == "r-1"


def test_the_client_that_counts_is_the_one_behind_the_proxy():
    control = firewall(deny=["198.51.100.7"])
    assert isinstance(verdict_on(control, make_request(), client="198.51.100.7"), Stop)
    assert verdict_on(control, make_request(peer="198.51.100.7"), client="203.0.113.9") is PASS


def test_refusals_say_what_would_be_accepted_and_nothing_of_who_is_denied():
    control = firewall(deny=["203.0.113.0/24"], media_types=["text/*", "application/json"])
    far = {"client": "198.51.100.7"}
    assert verdict_on(control, make_request("FROB"), **far).response.headers.get("allow") == "GET, POST"
    wrong = verdict_on(control, body(content_type="a/b"), **far)
    assert wrong.response.headers.get("accept") == "application/json, text/*"
    denied = verdict_on(control, make_request())
    assert b"203.0.113" not in denied.response.body
    assert denied.findings[0].evidence == "203.0.113.9"


def test_evidence_is_short_and_printable_and_holds_no_credential():
    control = firewall(media_types=["application/json"])
    key = "stk_ScG94NDpDCkh_T9vTjNA81K744p1dyXghZij6eco3oomJ059VyO"
    for sent in ("x" * 5000, "a\x1b[31mb", key, f"Bearer {key}"):
        for verdict in (verdict_on(control, body(content_type=sent)), verdict_on(control, make_request(sent))):
            evidence = verdict.findings[-1].evidence
            assert len(evidence) <= 65
            assert evidence.isprintable()
            assert "ScG94NDp" not in evidence


def test_what_is_described():
    control = firewall(deny=["203.0.113.0/24", "::1"], allow=["10.0.0.0/8"], media_types=["text/*"])
    assert control.describe() == (
        "methods GET, POST; bodies up to 100 bytes; 2 denied network(s); only 1 network(s) allowed; media types text/*"
    )
    assert firewall().describe() == "methods GET, POST; bodies up to 100 bytes"


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_in_the_head_is_judged_without_an_error(method, content_type):
    control = firewall(media_types=["application/json", "text/*"], deny=["203.0.113.9"])
    request = make_request(
        method, headers=[("content-type", content_type), ("content-length", content_type)], has_body=True
    )
    verdict = verdict_on(control, request, client=method)
    assert isinstance(verdict, Stop) or (method in ("GET", "POST") and content_type)
