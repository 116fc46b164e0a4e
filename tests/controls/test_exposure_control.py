"""The exposure control: security headers, revealing headers, bodies of upstream errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.controls.exposure import Exposure
from stockade.controls.exposure.headers import HTTPS_ONLY, SECURITY_HEADERS
from stockade.vocabulary import PASS, Edits, Pass
from stockade.wire import Headers, Response
from tests.exchanges import Pairs, judge, make_exchange, make_request

NAMES = {name for name, _ in SECURITY_HEADERS}


def exposure(**settings: Any) -> Exposure:
    return Exposure(
        **{"security_headers": True, "hide_errors": True, "remove_headers": ["server", "x-powered-by"], **settings}
    )


def verdict_on(control: Exposure, status: int = 200, headers: Pairs = (), scheme: str = "http") -> Any:
    response = Response(status, Headers.of(headers))
    return judge(control.on_response, make_exchange(make_request(scheme=scheme), response=response))


def set_by(verdict: Any) -> dict[str, str]:
    return dict(verdict.edits.set)


def test_an_ordinary_response_gets_every_security_header():
    verdict = verdict_on(exposure(), headers=[("content-type", "application/json")])
    assert verdict.findings == ()
    assert verdict.edits.set == SECURITY_HEADERS
    assert sorted(verdict.edits.remove) == ["server", "x-powered-by"]
    assert verdict.edits.replace is None


def test_over_https_it_is_told_to_stay_there():
    assert set_by(verdict_on(exposure(), scheme="https")) == dict((*SECURITY_HEADERS, HTTPS_ONLY))
    assert HTTPS_ONLY[0] not in set_by(verdict_on(exposure()))


@pytest.mark.parametrize("name", sorted({*NAMES, HTTPS_ONLY[0]}))
def test_what_the_upstream_set_itself_stays(name):
    """It may know better: a shorter `max-age`, say, while a site moves to HTTPS."""
    verdict = verdict_on(exposure(), headers=[(name, "its own")], scheme="https")
    assert set(set_by(verdict)) == {*NAMES, HTTPS_ONLY[0]} - {name}
    assert name not in verdict.edits.remove


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "Text/HTML", "application/xhtml+xml"])
def test_a_page_keeps_its_scripts_and_styles(kind):
    told = set_by(verdict_on(exposure(), headers=[("content-type", kind)]))
    assert set(told) == NAMES - {"permissions-policy"}
    assert told["content-security-policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize("status", [500, 501, 502, 503, 599])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_body_of_an_upstream_error_is_replaced(status, scheme):
    verdict = verdict_on(exposure(), status, [("content-type", "text/html"), ("server", "secret/1.0")], scheme)
    assert [finding.rule for finding in verdict.findings] == ["error-hidden"]
    replacement = verdict.edits.replace
    assert replacement.status == status
    body = json.loads(replacement.body)
    assert (body["status"], body["request_id"]) == (status, "r-1")
    for name, value in (*SECURITY_HEADERS, *([HTTPS_ONLY] if scheme == "https" else [])):
        assert replacement.headers.all(name) == [value]
    assert (HTTPS_ONLY[0] in replacement.headers) is (scheme == "https")
    assert "server" not in replacement.headers


@pytest.mark.parametrize("status", [100, 200, 204, 301, 304, 400, 404, 418, 499])
def test_other_responses_keep_their_body(status):
    assert verdict_on(exposure(), status).edits.replace is None


def test_what_is_off_is_off():
    assert verdict_on(exposure(hide_errors=False), 500).edits.replace is None
    bare = exposure(security_headers=False, remove_headers=[])
    assert verdict_on(bare).edits == Edits()
    assert bare.own_headers == ()
    assert bare.describe() == "5xx bodies hidden"
    assert verdict_on(bare, 500).edits.replace.headers.names().isdisjoint(NAMES - {"x-content-type-options"})


def test_our_own_responses_carry_the_security_headers():
    assert exposure().own_headers == SECURITY_HEADERS


def test_what_is_described():
    assert exposure().describe() == "6 security headers; 5xx bodies hidden; removed: server, x-powered-by"


def test_without_a_response_there_is_nothing_to_do():
    assert judge(exposure().on_response, make_exchange()) is PASS


names = st.sampled_from([*sorted(NAMES), HTTPS_ONLY[0], "content-type", "server", "etag"])
values = st.sampled_from(
    ["application/json", "text/html", "TEXT/HTML; x", "application/xhtml+xml", "text/htmlx", "text", ""]
)
statuses = st.integers(100, 599) | st.sampled_from([499, 500])
settings = st.fixed_dictionaries({"security_headers": st.booleans(), "hide_errors": st.booleans()})


@given(settings, st.sampled_from(["http", "https"]), statuses, st.dictionaries(names, values, max_size=3))
def test_the_promise_of_the_shortcut_is_kept(chosen, scheme, status, headers):
    """Envoy edits by the shortcut, without asking: for what it covers, `on_response` must say that and nothing else."""
    control = exposure(**chosen)
    shortcut = control.on_response_shortcut(scheme)
    kind = headers.get("content-type", "").lower()
    covered = (
        status < shortcut.below
        and shortcut.absent.isdisjoint(headers)
        and not any(kind.startswith(prefix) for prefix in shortcut.not_media)
    )
    if covered:
        assert verdict_on(control, status, headers.items(), scheme) == Pass(edits=shortcut.edits)
