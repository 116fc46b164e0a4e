"""Canaries: nothing that looks like a credential comes out of masking whole; what identifies an object does."""

from __future__ import annotations

import base64
import json
import string
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.redaction import excerpt, mask, redact, redact_path
from stockade.tokens import make_api_key

API_KEY = make_api_key(bytes(range(16)), bytes(range(32)))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(header: bytes, payload: bytes, signature: bytes) -> str:
    return ".".join(map(b64, (header, payload, signature)))


api_keys = st.builds(make_api_key, st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
headers = st.sampled_from(
    [b'{"alg":"RS256","typ":"JWT"}', b'{ "alg": "HS256" }', b'{\n  "alg": "ES256"\n}', b'{\t"a":"b"}']
)
claims = st.dictionaries(st.sampled_from(["sub", "jti", "email"]), st.text(max_size=20), min_size=1)
payloads = st.one_of(claims.map(json.dumps).map(str.encode), claims.map(lambda c: json.dumps(c, indent=1).encode()))
jwts = st.builds(jwt, headers, payloads, st.binary(min_size=32, max_size=64))
opaque = st.text(string.ascii_letters + string.digits + "+/=._~-", min_size=12, max_size=40)
schemes = st.sampled_from(["Bearer", "bearer", "BEARER", "Basic", "basic", "DPoP", "Negotiate", "Digest"])
around = st.text(string.ascii_letters + ' ,;:"=&', max_size=12)


def leaks(secret: str, shown: str) -> bool:
    """Whether eight characters in a row of the secret's tail, the part that counts, can be read."""
    tail = secret[8:]
    return any(tail[start : start + 8] in shown for start in range(len(tail) - 7))


@given(around, api_keys, around)
def test_no_api_key_survives(before, key, after):
    assert not leaks(key, redact(f"{before}{key} {after}"))
    assert not leaks(key, redact_path(f"/x/{key}/y"))
    assert not leaks(key, redact_path(f"/x/a{key}"))
    assert not leaks(key, excerpt(f"{before} {key}"))
    assert not leaks(key, mask(key))


@given(around, jwts, around)
def test_no_jwt_survives(before, token, after):
    assert not leaks(token, redact(f"{before} {token} {after}"))
    assert not leaks(token, redact_path(f"/x/{token}/y"))
    assert not leaks(token, excerpt(f"{before} {token}"))
    assert not leaks(token, mask(token))


@given(schemes, st.sampled_from([" ", "  ", "\t"]), opaque)
def test_no_authorization_value_survives(scheme, space, secret):
    assert secret not in redact(f"{scheme}{space}{secret}")
    assert secret not in redact(f"value: {scheme}{space}{secret}")
    assert secret not in excerpt(f"{scheme}{space}{secret}")


@given(st.sampled_from(["Bearer", "bearer", "Basic", "Digest"]), st.sampled_from([" ", "%20", "\t"]), opaque)
def test_no_authorization_value_survives_in_a_path(scheme, space, secret):
    secret = secret.replace("/", "")
    assert secret not in redact_path(f"/{scheme}{space}{secret}")


def test_all_parameters_of_digest_are_hidden():
    shown = redact('Digest username="alice", realm="x", nonce="n", response="6629fae49393a05397450978507c4ef1"')
    assert "6629fae4" not in shown
    assert "alice" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("application/json; charset=utf-8", "application/json; charset=utf-8"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("alice@example.com", "alice@example.com"),
        ("key ScG94NDpDCkh", "key ScG94NDpDCkh"),
        ("the stk_ prefix", "the stk_ prefix"),
        ("they knew", "they knew"),
        (API_KEY, "stk_…(55)"),
        (f"x={API_KEY}, y", "x=stk_…(55), y"),
        (f"{API_KEY} {API_KEY}", "stk_…(55) stk_…(55)"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "eyJh…(37)"),
        ("Bearer abcdefghijkl", "Bear…(19)"),
        ("bearer x", "…"),
        ("line\r\nbreak", "line��break"),
        ("bell\x07 and \x1b[31mred", "bell� and �[31mred"),
        ("half \ud800", "half �"),
    ],
)
def test_redact(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("/orders/42", "/orders/42"),
        (
            "/orders/123e4567-e89b-12d3-a456-426614174000/items/7",
            "/orders/123e4567-e89b-12d3-a456-426614174000/items/7",
        ),
        ("/orders/123456789012345678901234567890", "/orders/123456789012345678901234567890"),
        ("/orders/ORD-2026-000123", "/orders/ORD-2026-000123"),
        ("/blog/why-we-wrote-our-own-gateway-in-python", "/blog/why-we-wrote-our-own-gateway-in-python"),
        ("/files/two%20words.pdf", "/files/two%20words.pdf"),
        (f"/keys/{API_KEY}", "/keys/stk_…(55)"),
        ("/short/stk_abc", "/short/…"),
        ("/reset/9f1c2a7b4d5e6f708192a3b4c5d6e7f8", "/reset/9f1c…(32)"),
        ("/a-secret-with-4-dashes-but-no-uuid0", "/a-se…(35)"),
        ("/users/alice@example.com", "/users/alic…(17)"),
        ("/users/alice%40example.com/x", "/users/alic…(19)/x"),
        ("http://user:hunter2@host/", "http://user…(17)/"),
    ],
)
def test_redact_path(path, shown):
    assert redact_path(path) == shown


@given(st.lists(st.uuids().map(str) | st.integers(0, 10**40).map(str), max_size=6))
def test_ordinary_identifiers_stay(segments):
    path = "/orders/" + "/".join(segments)
    assert redact_path(path) == path


@given(st.text(max_size=3000))
def test_a_path_in_the_log_is_bounded(path):
    assert len(redact_path("/" + path * 3)) <= 2048


@pytest.mark.parametrize(
    ("text", "keep", "shown"),
    [
        ("", 4, ""),
        ("a", 4, "…"),
        ("12345678", 4, "…"),
        ("123456789", 4, "1234…(9)"),
        ("123456789", 2, "12…(9)"),
        ("\0\n\x1b4567890", 4, "���4…(10)"),
    ],
)
def test_mask(text, keep, shown):
    assert mask(text, keep) == shown


@given(st.text(min_size=1), st.integers(1, 8))
def test_a_mask_shows_less_than_half(text, keep):
    shown = mask(text, keep).partition("…")[0]
    assert len(shown) * 2 < len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET", "GET"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 64 + "…"),
        ("a\0b", "a�b"),
    ],
)
def test_excerpt(text, shown):
    assert excerpt(text) == shown


@given(st.text() | st.text(st.characters(codec=None)))
def test_what_is_shown_is_printable(text):
    """No line breaks into a log, no escape sequences into a terminal."""
    for shown in (redact(text), mask(text), excerpt(text)):
        assert shown.isprintable()
        shown.encode()


def test_a_long_path_is_cut_between_segments_and_quickly():
    key = "stk_" + "a1" * 40
    path = "/".join(["", *["a"] * 1020, key, *["b1"] * 30_000])
    begun = process_time()
    shown = redact_path(path)
    assert process_time() - begun < 0.005
    assert shown.startswith("/a/a/")
    assert shown.endswith("/…")
    assert len(shown) <= 2050
    assert "stk_a1a1" not in shown
    assert redact_path("/" + "x1" * 30_000) == "/…"
