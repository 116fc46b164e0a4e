"""Requests signed as AWS has it: the published examples, botocore as the other side, and what must not pass."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.controls.authentication import CanonicalRequests, authentication
from stockade.operations import OperationTable
from stockade.signatures import BadSignature, CanonicalRules, is_by, read_canonical
from stockade.vocabulary import Pass, Stop
from stockade.wire import Request
from tests.absent import module
from tests.exchanges import AT, judge, make_exchange, make_request

KEY_ID, SECRET = "AKIDEXAMPLE", b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
THEN = 1_440_938_160.0  # 2015-08-30T12:36:00Z
RULES = CanonicalRules(region="us-east-1", service="service")
EMPTY = hashlib.sha256(b"").hexdigest()

# Of the AWS documentation and its test suite: request, further headers, service, signature.
EXAMPLES: dict[str, tuple[str, str, tuple[tuple[str, str], ...], str, str]] = {
    "list users": (
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),),
        "iam",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ),
    "get-vanilla": (
        "GET",
        "https://example.amazonaws.com/",
        (),
        "service",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "post-vanilla": (
        "POST",
        "https://example.amazonaws.com/",
        (),
        "service",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "get-vanilla-query-order-key-case": (
        "GET",
        "https://example.amazonaws.com/?Param2=value2&Param1=value1",
        (),
        "service",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
}


def request_of(
    method: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes = b"", **fields: Any
) -> Request:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    given = {"query": parts.query, "target": target, "scheme": parts.scheme, "has_body": bool(body), **fields}
    return make_request(method, parts.path, headers, host=parts.netloc, **given)


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_examples(name: str) -> None:
    method, url, more, service, signature = EXAMPLES[name]
    names = ";".join(sorted(["host", "x-amz-date", *(key for key, _ in more)]))
    field = (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20150830/us-east-1/{service}/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    headers = (*more, ("x-amz-date", "20150830T123600Z"), ("authorization", field))
    request, rules = request_of(method, url, headers), CanonicalRules(region="us-east-1", service=service)
    found = read_canonical(request, rules, THEN)
    assert is_by(found, SECRET, request, rules, EMPTY)
    assert not is_by(found, SECRET + b"x", request, rules, EMPTY)
    assert len(EXAMPLES) == 4


def signed(
    method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None, at: float = AT, **fields: Any
) -> Request:
    """As botocore signs it."""
    auth = module("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    aws = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    signer = auth.SigV4Auth(Credentials(KEY_ID, SECRET.decode()), RULES.service, RULES.region)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: _datetime(at))
        signer.add_auth(aws)
    pairs = tuple((name.lower(), value) for name, value in aws.headers.items())
    return request_of(method, url, pairs, body, at=at, **fields)


def _datetime(at: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def decide(request: Request, body: bytes = b"", **fields: Any) -> Any:
    rules = CanonicalRules(**{"region": RULES.region, "service": RULES.service, "headers": ("content-type",), **fields})
    scheme = CanonicalRequests(secrets={KEY_ID: SECRET}, rules=rules, owners={KEY_ID: "alice"})
    control = authentication(realm="shop", any_of=[scheme], anonymous=OperationTable())
    exchange = make_exchange(request)
    verdict = judge(control.on_request, exchange)
    if isinstance(verdict, Stop) or not request.has_body:
        return verdict
    exchange.request_body, exchange.principal = body, verdict.principal
    return judge(control.on_request_body, exchange)


def principal(verdict: Any) -> str:
    assert isinstance(verdict, Pass), verdict
    assert verdict.principal is not None
    return verdict.principal.id


HOST = "https://api.example.com"
PATH = st.lists(st.text("abc%/-~_.:@ü ", min_size=1, max_size=6).filter(lambda t: t not in (".", "..")), max_size=4)


@pytest.mark.parametrize(
    "target",
    ["/", "/orders/7", "/a%20b", "/a%2Fb", "/%C3%BC", "/a:b@c", "/x?b=2&a=1&a=0", "/x?q=%20%2B%C3%BC&empty=&none"],
)
@pytest.mark.parametrize("body", [b"", b'{"amount": 7}'])
def test_what_botocore_signs_is_good(target: str, body: bytes) -> None:
    request = signed("POST", HOST + target, body, {"Content-Type": "application/json", "X-Amz-Tag": "a   b"})
    assert principal(decide(request, body)) == "alice"
    if body:
        verdict = decide(request, body + b" ")
        assert isinstance(verdict, Stop)
        assert verdict.response.status == 401


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80) | st.text("AWS4-HMACSHA256 Credential=/,;Signature", max_size=80))
def test_nothing_else_is_raised(text: str) -> None:
    headers = (("authorization", f"AWS4-HMAC-SHA256 {text}"), ("x-amz-date", "20150830T123600Z"))
    with pytest.raises(BadSignature):
        read_canonical(request_of("GET", HOST + "/", headers), RULES, THEN)


def changed(request: Request, **fields: Any) -> Request:
    return Request(**{**{name: getattr(request, name) for name in request.__struct_fields__}, **fields})


def with_headers(request: Request, *more: tuple[str, str], without: str = "", **replaced: str) -> Request:
    kept = [(key, replaced.get(key.replace("-", "_"), value)) for key, value in request.headers if key != without]
    return changed(request, headers=type(request.headers).of([*kept, *more]))


def in_field(request: Request, old: str, new: str) -> Request:
    field = request.headers.get("authorization") or ""
    assert old in field
    return with_headers(request, authorization=field.replace(old, new))


GET = ("GET", f"{HOST}/orders/7?a=1")
ATTACKS: dict[str, tuple[Any, str]] = {
    "another method": (lambda r: changed(r, method="DELETE"), "signature-wrong"),
    "another path": (lambda r: changed(r, target="/orders/8?a=1"), "signature-wrong"),
    "another query": (lambda r: changed(r, query="a=2"), "signature-wrong"),
    "one more parameter": (lambda r: changed(r, query="a=1&a=1"), "signature-wrong"),
    "another host": (lambda r: changed(r, authority="evil.example"), "signature-wrong"),
    "a plus for a space": (lambda r: changed(r, query="a=1+2"), "signature-query-ambiguous"),
    "a path with a detour": (lambda r: changed(r, target="/orders/8/../7?a=1"), "signature-path-ambiguous"),
    "a path with two slashes": (lambda r: changed(r, target="/orders//7?a=1"), "signature-path-ambiguous"),
    "an hour later": (lambda r: changed(r, at=AT + 3600), "signature-expired"),
    "an hour early": (lambda r: changed(r, at=AT - 3600), "signature-expired"),
    "a newer time": (lambda r: with_headers(r, x_amz_date="20251121T230703Z"), "signature-wrong"),
    "another day in the scope": (lambda r: in_field(r, "/20251121/", "/20251120/"), "signature-wrong-scope"),
    "another region": (lambda r: in_field(r, "us-east-1", "eu-west-1"), "signature-wrong-scope"),
    "another service": (lambda r: in_field(r, "/service/", "/iam/"), "signature-wrong-scope"),
    "another end": (lambda r: in_field(r, "aws4_request", "aws5_request"), "signature-wrong-scope"),
    "a key that nobody has": (lambda r: in_field(r, KEY_ID, "AKIDOTHER"), "signature-unknown-key"),
    "the host left out": (lambda r: in_field(r, "SignedHeaders=host;", "SignedHeaders="), "signature-not-covered"),
    "the time left out": (lambda r: in_field(r, ";x-amz-date", ""), "signature-not-covered"),
    "one more vendor header": (lambda r: with_headers(r, ("x-amz-acl", "public")), "signature-not-covered"),
    "one more content type": (lambda r: with_headers(r, ("content-type", "text/xml")), "signature-not-covered"),
    "the time twice": (lambda r: with_headers(r, ("x-amz-date", "20251121T230702Z")), "signature-malformed"),
    "no time": (lambda r: with_headers(r, without="x-amz-date"), "signature-missing-created"),
    "a time that is none": (lambda r: with_headers(r, x_amz_date="20251399T996199Z"), "signature-malformed"),
    "names out of order": (lambda r: in_field(r, "host;x-amz-date", "x-amz-date;host"), "signature-malformed"),
    "a name twice": (lambda r: in_field(r, "host;", "host;host;"), "signature-malformed"),
    "a name in capitals": (lambda r: in_field(r, "host;", "Host;"), "signature-malformed"),
    "a header that is absent": (lambda r: in_field(r, "host;", "accept;host;"), "signature-component-missing"),
    "a short signature": (lambda r: in_field(r, "Signature=", "Signature=0"), "signature-malformed"),
    "one more field": (lambda r: in_field(r, "Signature=", "Extra=1, Signature="), "signature-malformed"),
    "the body left out": (
        lambda r: with_headers(r, ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")),
        "signature-not-covered",
    ),
    "the body in pieces": (
        lambda r: in_field(
            with_headers(r, ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")),
            "host;",
            "host;x-amz-content-sha256;",
        ),
        "signature-not-covered",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused(name: str) -> None:
    change, reason = ATTACKS[name]
    request = signed(*GET)
    assert principal(decide(request)) == "alice"
    verdict = decide(change(request))
    assert isinstance(verdict, Stop)
    assert (verdict.response.status, verdict.findings[-1].rule) == (401, reason)


def test_how_many_attacks() -> None:
    assert len(ATTACKS) == 31


def test_a_digest_that_is_said_is_looked_at() -> None:
    body = b'{"amount": 7}'
    request = signed("POST", f"{HOST}/x", body, {"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()})
    assert principal(decide(request, body)) == "alice"
    verdict = decide(request, b'{"amount": 8}')
    assert isinstance(verdict, Stop)
    assert verdict.findings[-1].rule == "digest-wrong"


def test_the_policy_may_let_bodies_be() -> None:
    request = signed("POST", f"{HOST}/x", b"a", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert isinstance(decide(request, b"b"), Stop)
    assert principal(decide(request, b"b", unsigned=True)) == "alice"
