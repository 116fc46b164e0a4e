"""Redirect targets as browsers read them, and cookies made safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.browsers import CookieRules, HostSet, Targets, hardened

OWN = "api.example.com"
TARGETS = Targets(HostSet(["pay.example.com", "*.partner.example"]))


@pytest.mark.parametrize(
    "target",
    [
        *("/", "/products?x=//evil.example", "?page=2", "#top", "next", "./next", "../next", "", "a/b:c", "next?u=a:b"),
        *("https://api.example.com", "https://API.example.com:8443/x", "http://api.example.com?x", "/a//b"),
        *("https://pay.example.com/x", "https://a.partner.example", "https://a.b.partner.example#x"),
    ],
)
def test_good_targets(target):
    assert TARGETS.allows(target, OWN)


@pytest.mark.parametrize(
    "target",
    [
        *("https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"),
        *("https:evil.example", "https:/evil.example", "https:\\\\evil.example", "http:evil.example", "HTTPS:x"),
        *("javascript:alert(1)", "data:text/html,x", "ftp://api.example.com", "vbscript:x", "blob:https://x"),
        *("/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example", "java\nscript:x", "\x00/x"),
        *("https://api.example.com@evil.example", "https://api.example.com:x@evil.example", "https://@evil.example"),
        *("https://api.example.com.evil.example", "https://evilpay.example.com", "https://partner.example"),
        *("https://api.example.com\\.evil.example", "https://api.example.com%2eevil.example", "https://evil。example"),
        *("https://", "https:///evil.example", "https://evil.example\\@api.example.com", "https://api.example.com:"),
        *("https://api.example.com:99999999/", "/" + "a" * 9000),
    ],
)
def test_bad_targets(target):
    assert not TARGETS.allows(target, OWN)


def test_a_host_that_is_an_ipv6_address():
    for own in ("[2001:db8::1]", "2001:db8::1"):
        assert TARGETS.allows("https://[2001:DB8::1]:8443/next", own)
        assert not TARGETS.allows("https://[2001:db8::2]/next", own)


@given(st.text(alphabet="htps:/\\.evilxamp@?#%\t\n a", max_size=30))
def test_what_passes_leads_to_no_other_host(target):
    """By what the WHATWG's parser does first: drop tabs and newlines, strip controls, read \\ as /."""
    if TARGETS.allows(target, OWN):
        read = target.replace("\t", "").replace("\n", "").strip().replace("\\", "/")
        assert not read.startswith("//")
        scheme, colon, rest = read.partition(":")
        if colon and scheme.isalpha():
            assert scheme.lower() in ("http", "https")
            assert rest.lstrip("/").partition("/")[0].partition("?")[0].partition("#")[0].partition(":")[0] == OWN


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("5", True),
        ("0; url=/next", True),
        ("0;URL='/next'", True),
        ("0, /next", True),
        ("0; url=https://evil.example", False),
        ("0; https://evil.example", False),
        ("0;url='https://evil.example'", False),
        ("0;url = //evil.example", False),
        ("0 url=//evil.example", False),
        (";url=javascript:x", False),
        ("url=https://evil.example", False),
    ],
)
def test_refresh(value, good):
    assert TARGETS.allows_refresh(value, OWN) is good


def test_links():
    assert TARGETS.allows_links('</style.css>; rel=preload, <https://pay.example.com/>; rel="next"', OWN)
    assert not TARGETS.allows_links("</style.css>; rel=preload, <//evil.example/x.js>; rel=preload", OWN)


STRICT = CookieRules(same_site="strict")
STRONG = "a=1; Path=/; secure; HTTPONLY; samesite=strict"
DATED = "a=b=c; Expires=Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("line", "rules", "wanted"),
    [
        ("a=1", CookieRules(), "a=1; SameSite=Lax; Secure; HttpOnly"),
        (STRONG, CookieRules(), STRONG),
        ("a=1; SameSite=None", CookieRules(), "a=1; SameSite=Lax; Secure; HttpOnly"),
        ("a=1; SameSite=Lax; SameSite=None", CookieRules(), "a=1; SameSite=Lax; Secure; HttpOnly"),
        ("a=1; SameSite=Bogus", CookieRules(), "a=1; SameSite=Lax; Secure; HttpOnly"),
        ("a=1; SameSite=Lax", STRICT, "a=1; SameSite=Strict; Secure; HttpOnly"),
        ("a=1", CookieRules(secure=False, http_only=False, same_site=None), "a=1"),
        ("a=1; SameSite=None", CookieRules(False, False, None), "a=1; SameSite=None; Secure"),
        ("__Host-a=1; Domain=x.example; Path=/b", CookieRules(False, False, None), "__Host-a=1; Path=/; Secure"),
        ("__host-a=1", CookieRules(False, False, None), "__host-a=1; Path=/; Secure"),
        ("__Secure-a=1; Domain=x.example", CookieRules(False, False, None), "__Secure-a=1; Domain=x.example; Secure"),
        (DATED, CookieRules(False, False, None), DATED),
        ("a=", CookieRules(False, False, None), "a="),
        ("a=1; Partitioned", CookieRules(False, False, None), "a=1; Partitioned; Secure"),
        ("nothing", CookieRules(), None),
        ("=1", CookieRules(), None),
        ("a b=1", CookieRules(), None),
        ("a=1\r\nset-cookie: b=2", CookieRules(), None),
        ("a=1\x00", CookieRules(), None),
    ],
)
def test_cookies(line, rules, wanted):
    assert hardened(line, rules) == wanted


@given(st.text(alphabet="a=; SecurHtpOnlySamite-_\t", max_size=60))
def test_twice_is_once(line):
    once = hardened(line, STRICT)
    if once is not None:
        assert hardened(once, STRICT) == once
        attributes = [part.partition("=")[0].strip().lower() for part in once.split(";")[1:]]
        assert {"secure", "httponly", "samesite"} <= set(attributes)
        assert once.split(";")[0] == line.split(";")[0].strip(" \t")
