"""Origins, CORS and cross-site requests: who is believed, and who only looks like it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.browsers import BadOrigin, Cors, CrossSite, OriginSet
from stockade.wire import Headers
from tests.exchanges import make_request

APP = "https://app.example.com"


@pytest.mark.parametrize(
    ("listed", "origin", "inside"),
    [
        (APP, APP, True),
        (APP, "http://app.example.com", False),
        (APP, "https://app.example.com:8443", False),
        (APP, "https://app.example.com.evil.example", False),
        (APP, "https://evil.example/https://app.example.com", False),
        (APP, "https://app.example.com/", False),
        (APP, "https://app.example.comx", False),
        (APP, "https://appxexample.com", False),
        (APP, "https://APP.example.com", False),
        (APP, f"{APP}, {APP}", False),
        (APP, f"{APP}\n", False),
        (APP, f" {APP}", False),
        (APP, "", False),
        (APP, "null", False),
        ("https://app.example.com:443", APP, True),
        ("https://*.example.com", APP, True),
        ("https://*.example.com", "https://a.b.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://.example.com", False),
        ("https://*.example.com", "https://evilexample.com", False),
        ("https://*.example.com", "https://evil.example/.example.com", False),
        ("https://*.example.com", "https://evil.example?.example.com", False),
        ("https://*.example.com", "https://evil.example#.example.com", False),
        ("https://*.example.com", "https://user@.example.com", False),
        ("https://*.example.com", "https://a.example.com:1", False),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        ("*", APP, True),
        ("*", "null", False),
        ("http://[::1]:3000", "http://[::1]:3000", True),
        ("capacitor://localhost", "capacitor://localhost", True),
    ],
)
def test_sets_of_origins(listed, origin, inside):
    assert (origin in OriginSet([listed])) is inside


@pytest.mark.parametrize(
    "text",
    [
        *("null", "example.com", "https://a.example.com/", "https://*", "https://*.com", "https://a.*.com", ""),
        *("https://*a.example.com", "https://A.example.com", "https://", "*.example.com", "https://a b"),
    ],
)
def test_what_is_no_origin(text):
    with pytest.raises(BadOrigin):
        OriginSet([text])


@given(st.text(alphabet="htps:/*.exampl-com@#?\\ ", max_size=40))
def test_a_pattern_admits_only_hosts_under_it(origin):
    if origin in OriginSet(["https://*.example.com"]):
        host = origin.removeprefix("https://")
        assert host.endswith(".example.com")
        assert all(char.isalnum() or char in ".-_" for char in host)


def test_credentials_and_everybody_never_meet():
    settings: Any
    for settings in ({"methods": ["*"]}, {"headers": ["*"]}, {"expose": ["*"]}):
        with pytest.raises(ValueError, match="credentials"):
            Cors(OriginSet([APP]), credentials=True, **settings)
    with pytest.raises(ValueError, match="credentials"):
        Cors(OriginSet(["*"]), credentials=True)


def test_what_a_response_says():
    cors = Cors(OriginSet([APP]), credentials=True, expose=["x-total"])
    assert dict(cors.response(APP)) == {
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-total",
    }
    assert cors.response("https://evil.example") == cors.response(None) == ()
    assert [cors.vary(value) for value in (None, "accept", "Origin", "*", "accept, origin")] == [
        "origin",
        "accept, origin",
        None,
        None,
        None,
    ]
    everybody = Cors(OriginSet(["*"]))
    assert (everybody.response(None), everybody.vary(None)) == ((("access-control-allow-origin", "*"),), None)
    assert Cors(OriginSet()).response(APP) == ()


@pytest.mark.parametrize(
    ("origin", "method", "headers", "trouble"),
    [
        (APP, "GET", "", ""),
        (APP, "PATCH", "X-Tag, content-type", ""),
        (APP, "DELETE", "", "method"),
        (APP, "patch", "", "method"),
        (APP, "PATCH", "authorization", "header"),
        (APP, "PATCH", "x-tag,,", "header"),
        (APP, "PATCH", "x-tag\r\nx: y", "header"),
        ("null", "GET", "", "origin"),
        ("https://evil.example", "GET", "", "origin"),
    ],
)
def test_preflights(origin, method, headers, trouble):
    cors = Cors(OriginSet([APP]), methods=["PATCH"], headers=["x-tag"])
    fields = [("origin", origin), ("access-control-request-method", method)]
    fields += [("access-control-request-headers", headers)] if headers else []
    answer = cors.preflight(Headers.of(fields))
    assert answer.trouble == trouble
    assert ("access-control-allow-origin" in dict(answer.headers)) is not bool(trouble)
    assert "origin" in dict(answer.headers)["vary"]


def test_a_star_covers_all_but_authorization():
    cors = Cors(OriginSet(["*"]), methods=["*"], headers=["*"])
    fields = [("origin", APP), ("access-control-request-method", "PURGE"), ("access-control-request-headers", "x-any")]
    answer = dict(cors.preflight(Headers.of(fields)).headers)
    assert answer["access-control-allow-methods"] == "PURGE"
    fields[2] = ("access-control-request-headers", "authorization")
    assert cors.preflight(Headers.of(fields)).trouble == "header"


COOKIE = ("cookie", "session=1")


@pytest.mark.parametrize(
    ("method", "headers", "trouble"),
    [
        ("GET", [COOKIE, ("sec-fetch-site", "cross-site")], ""),
        ("POST", [("sec-fetch-site", "cross-site")], ""),  # nothing that a browser adds
        ("POST", [("authorization", "Bearer x"), ("sec-fetch-site", "cross-site")], ""),
        ("POST", [COOKIE, ("sec-fetch-site", "same-origin")], ""),
        ("POST", [COOKIE, ("sec-fetch-site", "none")], ""),
        ("POST", [COOKIE, ("sec-fetch-site", "cross-site")], "sec-fetch-site"),
        ("POST", [COOKIE, ("sec-fetch-site", "same-site")], "sec-fetch-site"),
        ("POST", [COOKIE, ("sec-fetch-site", "nonsense")], "sec-fetch-site"),
        ("POST", [COOKIE, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")], "sec-fetch-site"),
        ("POST", [COOKIE, ("sec-fetch-site", "cross-site"), ("origin", APP)], ""),
        ("POST", [COOKIE, ("origin", APP)], ""),
        ("POST", [COOKIE, ("origin", "https://api.example.com")], ""),
        ("POST", [COOKIE, ("origin", "https://api.example.com:443")], ""),
        ("POST", [COOKIE, ("origin", "https://api.example.com.evil.example")], "origin"),
        ("POST", [COOKIE, ("origin", "null")], "origin"),
        ("POST", [COOKIE, ("origin", "")], "origin"),
        ("POST", [COOKIE, ("referer", "https://api.example.com/page?x")], ""),
        ("POST", [COOKIE, ("referer", "https://evil.example/api.example.com")], "referer"),
        ("POST", [COOKIE, ("referer", "https://api.example.com@evil.example/")], "referer"),
        ("POST", [COOKIE, ("referer", "https://[")], "referer"),
        ("POST", [COOKIE], ""),
        ("DELETE", [("authorization", "Basic eA=="), ("origin", "https://evil.example")], "origin"),
        ("GET", [COOKIE, ("upgrade", "websocket"), ("origin", "https://evil.example")], "origin"),
    ],
)
def test_cross_site_requests(method, headers, trouble):
    request = make_request(method, headers=headers)
    assert CrossSite(OriginSet([APP])).trouble(request) == trouble


def test_who_tells_nothing_is_refused_where_it_is_strict():
    assert CrossSite(OriginSet(), strict=True).trouble(make_request("POST", headers=[COOKIE])) == "origin"
