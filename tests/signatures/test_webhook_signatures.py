"""Webhooks: the senders' own examples, and what must not be taken for a signature."""

from __future__ import annotations

import hmac
from base64 import b64encode

import pytest

from stockade.signatures import read_webhook
from stockade.wire import Headers

# GitHub's documentation: "Testing the webhook payload validation".
GITHUB_SECRET, GITHUB_BODY = b"It's a Secret to Everybody", b"Hello, World!"
GITHUB = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
# The Standard Webhooks specification's example.
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
STANDARD_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'


def test_github() -> None:
    found = read_webhook("github", Headers.of([("X-Hub-Signature-256", GITHUB)]))
    assert found is not None
    assert found.sent is None
    assert found.is_by((b"another", GITHUB_SECRET), GITHUB_BODY)
    assert not found.is_by((GITHUB_SECRET,), GITHUB_BODY + b"!")
    assert not found.is_by((b"another",), GITHUB_BODY)


def test_standard() -> None:
    import base64

    found = read_webhook("standard", Headers.of(STANDARD.items()))
    assert found is not None
    assert (found.sent, found.id) == (1614265330.0, STANDARD["webhook-id"])
    assert found.is_by((base64.b64decode(STANDARD_SECRET),), STANDARD_BODY)
    assert not found.is_by((base64.b64decode(STANDARD_SECRET),), b"{}")


def test_stripe() -> None:
    body, secret = b'{"id": "evt_1"}', b"whsec_test_secret"
    mac = hmac.digest(secret, b"1492774577." + body, "sha256").hex()
    for field in (f"t=1492774577,v1={mac}", f"t=1492774577,v1={'0' * 64},v1={mac},v0={'1' * 64}"):
        found = read_webhook("stripe", Headers.of([("Stripe-Signature", field)]))
        assert found is not None
        assert found.sent == 1492774577.0
        assert found.is_by((secret,), body)
        assert not found.is_by((secret,), body + b" ")


ODD = {
    "stripe": [
        "",
        "t=1492774577",
        f"v1={'0' * 64}",
        f"t=1492774577,v0={'0' * 64}",
        f"t=1492774577,t=1,v1={'0' * 64}",
        f"t=-1,v1={'0' * 64}",
        f"t=1e9,v1={'0' * 64}",
        f"t=١,v1={'0' * 64}",
        f"t=1,v1={'0' * 63}",
        f"t=1,v1={'0' * 63}G",
        "t=1" + f",v1={'0' * 64}" * 9,
        "t=1,v1=" + "0" * 5000,
    ],
    "github": [
        "",
        "sha256=",
        f"sha1={'0' * 40}",
        f"sha1={'0' * 64}",
        "0" * 64,
        GITHUB.upper(),
        f"{GITHUB}00",
        f"{GITHUB} ",
    ],
}
CASES = [(style, field) for style, fields in ODD.items() for field in fields]


@pytest.mark.parametrize(("style", "field"), CASES, ids=[f"{style} {index}" for index, (style, _) in enumerate(CASES)])
def test_what_is_no_signature(style: str, field: str) -> None:
    name = {"stripe": "stripe-signature", "github": "x-hub-signature-256"}[style]
    assert read_webhook(style, Headers.of([(name, field)])) is None
    assert read_webhook(style, Headers.of([(name, GITHUB), (name, GITHUB)])) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "a.b"),
        ("webhook-id", "a" * 300),
        ("webhook-timestamp", "now"),
        ("webhook-timestamp", ""),
        ("webhook-signature", "v2," + b64encode(b"x").decode()),
        ("webhook-signature", "v1,*"),
        ("webhook-signature", "v1,YR=="),
        ("webhook-signature", "v1a,abc"),
    ],
)
def test_what_is_no_standard_signature(name: str, value: str) -> None:
    assert read_webhook("standard", Headers.of({**STANDARD, name: value}.items())) is None
    assert read_webhook("standard", Headers.of([pair for pair in STANDARD.items() if pair[0] != name])) is None
