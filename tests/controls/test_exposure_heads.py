"""Redirects, cookies, other sites, errors and envelopes as controls; and that every shortcut's promise is kept."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from stockade.browsers import CookieRules, Cors, CrossSite, HostSet, OriginSet, Targets
from stockade.controls.exposure import Exposure
from stockade.controls.exposure.crossing import Crossing
from stockade.controls.exposure.destinations import Destinations
from stockade.controls.exposure.envelopes import JOSE, Requests, Responses, Signature
from stockade.controls.exposure.errors import Errors, looks_like_trace
from stockade.sealing import Envelope, Seal, keys_of_jwks
from stockade.sealing.envelopes import verify
from stockade.vocabulary import PASS, Control, Pass, Principal, Stop
from stockade.wire import Headers, Response
from tests.exchanges import Door, Pairs, judge, make_exchange, make_request, make_route

APP = "https://app.example.com"
DESTINATIONS = Destinations(
    Targets(HostSet(["pay.example.com"])), CookieRules(), {"theme": CookieRules(http_only=False)}
)


def on_response(control: Control, status: int, headers: Pairs, sent: Pairs = ()) -> Any:
    exchange = make_exchange(make_request(headers=sent), response=Response(status, Headers.of(headers)))
    return judge(control.on_response, exchange)


LINKS = [("link", "<//evil.example>; rel=preload"), ("content-location", "//evil.example")]


def rules_of(verdict: Any) -> list[str]:
    return [finding.rule for finding in verdict.findings]


@pytest.mark.parametrize(
    ("status", "headers", "ends", "rules", "removed"),
    [
        (302, [("location", "/next")], False, [], ()),
        (302, [("location", "https://pay.example.com/x")], False, [], ()),
        (302, [("location", "https://evil.example")], True, ["redirect-refused"], ()),
        (302, [("location", "/a"), ("location", "https://evil.example")], True, ["redirect-refused"], ()),
        (201, [("location", "//evil.example")], False, ["link-removed"], ("location",)),
        (200, [("refresh", "0; url=//evil.example")], False, ["link-removed"], ("refresh",)),
        (200, LINKS, False, ["link-removed"] * 2, ("content-location", "link")),
        (200, [("etag", "x")], False, [], ()),
    ],
)  # fmt: skip
def test_where_responses_lead(status, headers, ends, rules, removed):
    verdict = on_response(DESTINATIONS, status, headers)
    assert isinstance(verdict, Stop) is ends
    assert rules_of(verdict) == rules
    assert removed == (verdict.edits.remove if not ends and verdict.edits else ())


def test_evidence_has_no_query():
    verdict = on_response(DESTINATIONS, 302, [("location", "https://evil.example/?token=canary")])
    assert "canary" not in verdict.findings[0].evidence


def test_cookies_stay_apart_and_bad_ones_go():
    verdict = on_response(DESTINATIONS, 200, [("set-cookie", "a=1"), ("set-cookie", "bad"), ("set-cookie", "theme=x")])
    assert verdict.edits.set == (
        ("set-cookie", "a=1; SameSite=Lax; Secure; HttpOnly"),
        ("set-cookie", "theme=x; SameSite=Lax; Secure"),
    )
    assert sorted(rules_of(verdict)) == ["cookie-hardened", "cookie-hardened", "cookie-refused"]
    assert on_response(DESTINATIONS, 200, [("set-cookie", "bad")]).edits.remove == ("set-cookie",)


CORS = Cors(OriginSet([APP]), credentials=True)


def test_upstreams_words_on_cors_are_replaced():
    theirs = [("access-control-allow-origin", "*"), ("access-control-allow-credentials", "true"), ("vary", "accept")]
    verdict = on_response(Crossing(CORS), 200, theirs, [("origin", "https://evil.example")])
    assert verdict.edits.set == (("vary", "accept, origin"),)
    assert {name for name, _ in theirs[:2]} <= set(verdict.edits.remove)
    verdict = on_response(Crossing(CORS), 200, theirs, [("origin", APP)])
    assert dict(verdict.edits.set)["access-control-allow-origin"] == APP


def test_a_preflight_never_reaches_who_asks_for_credentials():
    class Asks(Control):
        name = "authentication"

        def on_request(self, exchange):
            raise AssertionError("asked")

    door = Door(make_route(Crossing(CORS), Asks()))
    fields = [("origin", APP), ("access-control-request-method", "POST")]
    verdict = door.send(make_request("OPTIONS", headers=fields))
    assert isinstance(verdict, Stop)
    assert (verdict.response.status, verdict.response.body) == (204, b"")
    record = door.session.close(204, 0)
    assert (record.action, record.control, record.findings) == ("allow", "exposure", ())


def test_a_page_may_read_why_it_was_refused():
    refuses = Crossing(CORS, CrossSite(OriginSet()))
    door = Door(make_route(refuses))
    verdict = door.send(make_request("POST", headers=[("cookie", "a=1"), ("origin", APP)]))
    assert isinstance(verdict, Stop)
    assert verdict.response.status == 403
    assert verdict.response.headers.get("access-control-allow-origin") == APP
    assert verdict.response.headers.get("vary") == "origin"


TRACES = [
    'Traceback (most recent call last):\n  File "a.py", line 3, in f',
    '{"detail":"  File \\"/srv/app.py\\", line 12, in handler"}',
    "java.lang.NullPointerException\n\tat com.shop.Cart.add(Cart.java:42)",
    "TypeError: x\n    at Object.<anonymous> (/srv/app/index.js:10:5)",
    "   at Shop.Cart.Add(Int32 id) in C:\\src\\Cart.cs:line 42",
    "panic: x\n\ngoroutine 1 [running]:\nmain.main()",
    "#0 /var/www/index.php(12): query()",
    "app/models/user.rb:12:in `find'",
    "thread 'main' panicked at src/main.rs:4:5",
    "<b>Warning</b>: mysqli_query() failed in /var/www/x.php on line <b>7</b>",
    "You have an error in your SQL syntax; check the manual",
    "ORA-00942: table or view does not exist",
    "SQLSTATE[42S02]: Base table or view not found",
]
HONEST = [
    '{"detail":"no such order"}',
    '{"detail":"line 12 of your file is too long"}',
    "Please call us at Main Street (Monday: 9:30:00)",
    '{"error":"File not found"}',
    "at 10:30:00 (local time)",
    "warning: your trial ends on line of credit",
]


@pytest.mark.parametrize("text", TRACES, ids=range(len(TRACES)))
def test_traces(text):
    assert looks_like_trace(text.encode())


@pytest.mark.parametrize("text", HONEST, ids=range(len(HONEST)))
def test_what_is_none(text):
    assert not looks_like_trace(text.encode())


@pytest.mark.parametrize("piece", [b"at a", b'File \\"', b"#1 /", b"at (", b"Warning: ", b"at a(", b"at a(/:"])
def test_long_bodies_take_no_longer_than_they_are(piece):
    """A hundred times the text takes about a hundred times the time; quadratic would be ten thousand times."""
    assert not looks_like_trace(piece * 400)
    short, long = (best_of_three(piece * count) for count in (400, 40_000))
    assert long < 1000 * short + 0.01


def best_of_three(body: bytes) -> float:
    def once() -> float:
        begin = time.perf_counter()
        assert not looks_like_trace(body)
        return time.perf_counter() - begin

    return min(once() for _ in range(3))


@pytest.mark.parametrize(
    ("status", "kind", "body", "rule"),
    [
        (400, "text/plain", TRACES[0].encode(), "trace-hidden"),
        (400, "application/problem+json", b'{"detail":"ORA-00942"}', "trace-hidden"),
        (404, "application/json", b'{"detail":"none"}', None),
        (200, "text/plain", TRACES[0].encode(), None),
    ],
)
def test_errors_of_clients(status, kind, body, rule):
    door = Door(make_route(Errors()))
    response = Response(status, Headers.of([("content-type", kind), ("allow", "GET")]))
    verdict = door.send(make_request(), response=response, reply=body)
    if rule is None:
        assert verdict == PASS
        return
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    assert verdict.edits.replace is not None
    assert verdict.edits.replace.status == status
    assert verdict.edits.replace.headers.get("allow") == "GET"
    assert b"ORA" not in verdict.edits.replace.body


def test_all_errors_have_one_shape():
    uniform = Errors(traces=False, uniform=True)
    fields = [("content-type", "application/json"), ("retry-after", "3"), ("set-cookie", "a=1")]
    replacement = on_response(uniform, 429, fields).edits.replace
    assert json.loads(replacement.body)["status"] == 429
    assert replacement.headers.get("retry-after") == "3"
    assert on_response(uniform, 404, [("content-type", "application/problem+json; charset=utf-8")]) is PASS


EC = ECKey.generate_key("P-256", {"kid": "a"})
KEYS = keys_of_jwks(json.dumps({"keys": [EC.as_dict(private=True)]}).encode())
SIGNING = Envelope(Seal(KEYS, "ES256"))


def test_responses_are_signed():
    response = Response(200, Headers.of([("content-type", "application/json"), ("etag", "x")]))
    door = Door(make_route(Responses(SIGNING, detached="x-jws-signature")))
    verdict = door.send(make_request(), response=response, reply=b'{"a":1}')
    ((name, value),) = verdict.edits.set  # type: ignore[union-attr]
    assert (name, verify(value, KEYS, frozenset({"ES256"}), b'{"a":1}')) == ("x-jws-signature", b'{"a":1}')
    verdict = Door(make_route(Responses(SIGNING))).send(make_request(), response=response, reply=b'{"a":1}')
    assert isinstance(verdict, Pass)
    edits: Any = verdict.edits
    assert dict(edits.set)["content-type"] == JOSE
    assert verify(edits.body.decode(), KEYS, frozenset({"ES256"})) == b'{"a":1}'
    page = Response(200, Headers.of([("content-type", "text/html")]))
    assert Door(make_route(Responses(SIGNING))).send(make_request(), response=page, reply=b"<p>") == PASS


@pytest.mark.parametrize(
    ("signatures", "reason"),
    [
        ([SIGNING.signature(b"{}")], None),
        ([SIGNING.signature(b"{ }")], "bad-signature"),
        ([], "missing"),
        ([SIGNING.signature(b"{}")] * 2, "several"),
        (["x"], "malformed"),
    ],
    ids=["good", "of another body", "none", "two", "nonsense"],
)
def test_requests_must_be_signed(signatures, reason):
    control = Requests(Signature(KEYS, frozenset({"ES256"}), "x-jws-signature"))
    headers = [("x-jws-signature", value) for value in signatures]
    exchange = make_exchange(make_request("POST", headers=headers, has_body=True), request_body=b"{}")
    verdict = judge(control.on_request_body, exchange)
    assert (verdict.findings[0].evidence if isinstance(verdict, Stop) else None) == reason
    assert judge(control.on_request_body, make_exchange(make_request("GET"))) is PASS


CONTROLS: dict[str, Control] = {
    "exposure": Exposure(security_headers=True, hide_errors=True, remove_headers=["server"], no_store=True),
    "destinations": DESTINATIONS,
    "cookies": Destinations(None, CookieRules()),
    "errors": Errors(uniform=True),
    "cors for all": Crossing(Cors(OriginSet(["*"]), expose=["x-a"])),
    "cors for nobody": Crossing(Cors(OriginSet())),
    "csrf": Crossing(None, CrossSite(OriginSet())),
}
names = st.sampled_from(["content-type", "location", "set-cookie", "link", "refresh", "server", "cache-control", "vary", "access-control-allow-origin"])  # fmt: skip # noqa: E501
values = st.sampled_from(["a=1", "//evil.example", "text/html", "application/json", "*", "0;//evil.example", "<//e.x>"])


@given(
    st.sampled_from(sorted(CONTROLS)),
    st.sampled_from(["http", "https"]),
    st.booleans(),
    st.sampled_from([200, 204, 302, 399, 400, 404, 499, 500, 503]),
    st.dictionaries(names, values, max_size=3),
)
def test_the_promise_of_every_shortcut_is_kept(name, scheme, known, status, headers):
    """What the data plane does without asking is what would have been said, and nobody wants the body."""
    control = CONTROLS[name]
    shortcut = control.on_response_shortcut(scheme, known=known)
    assert shortcut is not None
    kind = headers.get("content-type", "").lower()
    if status >= shortcut.below or not shortcut.absent.isdisjoint(headers):
        return
    if any(kind.startswith(prefix) for prefix in shortcut.not_media):
        return
    principal = Principal("alice", "jwt") if known else None
    exchange = make_exchange(
        make_request(scheme=scheme), response=Response(status, Headers.of(headers.items())), principal=principal
    )
    verdict = judge(control.on_response, exchange)
    edits = verdict.edits
    assert verdict.findings == ()
    assert (edits.set, edits.remove) == (shortcut.edits.set, shortcut.edits.remove) if edits else not shortcut.edits.set
    if type(control).on_response_body is not Control.on_response_body:
        assert shortcut.bodies
        assert not control.wants_response_body(exchange)
