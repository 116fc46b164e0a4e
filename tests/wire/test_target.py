"""The request target in its one normal form, and what is refused because two servers could read it differently."""

from __future__ import annotations

import posixpath
import re
import string
from time import process_time
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stockade.wire import BadTarget, Target, parse_authority, parse_target

NORMAL = [
    ("/", "/", ""),
    ("/orders", "/orders", ""),
    ("/orders/", "/orders/", ""),
    ("/orders?", "/orders", ""),
    ("/orders?page=2&q=a%2Fb", "/orders", "page=2&q=a%2Fb"),
    ("/orders?next=/a/../b//c", "/orders", "next=/a/../b//c"),
    ("/orders?a=1?b=2", "/orders", "a=1?b=2"),
    ("/orders?q=%zz", "/orders", "q=%zz"),
    # dot segments (RFC 3986, section 5.2.4)
    ("/a/./b", "/a/b", ""),
    ("/a/../b", "/b", ""),
    ("/a/b/..", "/a/", ""),
    ("/a/b/.", "/a/b/", ""),
    ("/a/b/../", "/a/", ""),
    ("/..", "/", ""),
    ("/../../../etc/passwd", "/etc/passwd", ""),
    ("/a/../../b", "/b", ""),
    ("/.", "/", ""),
    ("/...", "/...", ""),
    ("/a/.../b", "/a/.../b", ""),
    ("/.well-known/jwks.json", "/.well-known/jwks.json", ""),
    ("/a/..b", "/a/..b", ""),
    ("/a/b..", "/a/b..", ""),
    # merged slashes
    ("//", "/", ""),
    ("//a", "/a", ""),
    ("//evil.example/a", "/evil.example/a", ""),
    ("///a////b//", "/a/b/", ""),
    ("/a//../b", "/b", ""),
    # a backslash is a slash to some servers, so it is one to all
    ("/a\\b", "/a/b", ""),
    ("/a\\..\\b", "/b", ""),
    ("\\a", None, "must be an absolute path"),
    # what never needed escaping is unescaped (section 6.2.2.2), the rest is written in capitals
    ("/%61dmin", "/admin", ""),
    ("/%41%42%43", "/ABC", ""),
    ("/%7Euser", "/~user", ""),
    ("/a%2Db%2ec%5fd", "/a-b.c_d", ""),
    ("/caf%c3%a9", "/caf%C3%A9", ""),
    ("/a%20b", "/a%20b", ""),
    ("/a%3fb", "/a%3Fb", ""),
    ("/a%23b", "/a%23b", ""),
    ("/a%3bb", "/a%3Bb", ""),
    # once, never twice
    ("/%2561dmin", "/%2561dmin", ""),
    ("/%252e%252e/a", "/%252e%252e/a", ""),
    ("/%25%32%65", "/%252e", ""),
    # escaped dots are dots before segments are resolved
    ("/a/%2e%2e/b", "/b", ""),
    ("/a/%2E./b", "/b", ""),
    ("/a/%2e/b", "/a/b", ""),
    # parameters of a segment stay
    ("/a;v=1/b", "/a;v=1/b", ""),
    ("/a/...;x", "/a/...;x", ""),
]

REFUSED = [
    ("", "must be an absolute path"),
    ("*", "must be an absolute path"),
    ("a/b", "must be an absolute path"),
    ("?a=1", "must be an absolute path"),
    ("http://api.example.com/a", "must be an absolute path"),
    ("api.example.com:443", "must be an absolute path"),
    ("/a#b", "holds a fragment"),
    ("/a?b#c", "holds a fragment"),
    ("/a/%2fb", "escaped slash or NUL"),
    ("/a/%2F..%2Fb", "escaped slash or NUL"),
    ("/a%5cb", "escaped slash or NUL"),
    ("/a%5Cb", "escaped slash or NUL"),
    ("/a%00", "escaped slash or NUL"),
    ("/a%", "broken percent escape"),
    ("/a%2", "broken percent escape"),
    ("/a%zz", "broken percent escape"),
    ("/a%u0041", "broken percent escape"),
    ("/a%-1", "broken percent escape"),
    ("/a%+1", "broken percent escape"),
    ("/%%32%65", "broken percent escape"),
    ("/a b", "must be percent-encoded"),
    ("/a\tb", "must be percent-encoded"),
    ("/a\r\nhost: evil", "must be percent-encoded"),
    ("/a\0", "must be percent-encoded"),
    ("/a\x7f", "must be percent-encoded"),
    ("/a?b c", "must be percent-encoded"),
    ("/é", "must be percent-encoded"),
    ("/a?é", "must be percent-encoded"),
    ("/\N{FULLWIDTH SOLIDUS}a", "must be percent-encoded"),
    ("/a\ud800", "must be percent-encoded"),
    # Tomcat, Jetty and others drop `;…` and then go up; nginx, Envoy and Python do not.
    ("/public/..;/admin", "dot segment with parameters"),
    ("/public/..;x=1/admin", "dot segment with parameters"),
    ("/public/.;/admin", "dot segment with parameters"),
    ("/public/%2e%2e;/admin", "dot segment with parameters"),
    ("/public\\..;/admin", "dot segment with parameters"),
    ("/public/..;", "dot segment with parameters"),
]

# Text in which the characters that matter are common.
hostile = st.text(st.sampled_from("/\\.%25eEfF0cC;?#aA~ \0\x7fé"), max_size=24) | st.text(max_size=40)
targets = st.builds("/{}".format, hostile)


@pytest.mark.parametrize(("raw", "path", "query"), [row for row in NORMAL if row[1] is not None])
def test_normal_form(raw, path, query):
    assert parse_target(raw) == Target(path, query)


@pytest.mark.parametrize(
    ("raw", "trouble"), [*REFUSED, *((raw, trouble) for raw, path, trouble in NORMAL if path is None)]
)
def test_refused(raw, trouble):
    with pytest.raises(BadTarget, match=trouble):
        parse_target(raw)


def test_the_trouble_shows_nothing_of_the_target():
    """It goes to the client, and a proxy in between may log it."""
    for raw, _ in REFUSED:
        with pytest.raises(BadTarget) as caught:
            parse_target(raw)
        assert str(caught.value).isascii()
        assert raw.strip("/*") == "" or raw.strip("/") not in str(caught.value)


@given(targets | hostile)
@example("/..;")
@example("/%2e%2e%3b/a")
def test_nothing_but_bad_target_is_raised(raw):
    try:
        path, query = parse_target(raw)
    except BadTarget:
        return
    assert path.startswith("/")
    assert path.isascii()
    assert path.isprintable()
    assert "//" not in path
    assert "\\" not in path
    assert not {".", ".."} & set(path.split("/"))
    assert query == raw.partition("?")[2]


@given(targets)
@example("/%25%32%65")
@example("/a/%2e%2e/%2e")
@example("//..//")
def test_the_normal_form_is_its_own_normal_form(raw):
    try:
        first = parse_target(raw)
    except BadTarget:
        return
    assert parse_target(first.path + (f"?{first.query}" if first.query else "")) == first


@given(targets)
def test_normalising_never_changes_what_a_careful_server_reads(raw):
    """Decoded and resolved by the standard library, the path before and the path after are one."""
    try:
        path, _ = parse_target(raw)
    except BadTarget:
        return
    before = unquote(raw.partition("?")[0], "latin-1").replace("\\", "/")
    after = unquote(path, "latin-1")
    assert posixpath.normpath("/" + before.lstrip("/")) == posixpath.normpath(after)


@given(
    st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,=:@", min_size=1).filter(lambda text: text[0] != ".")
)
def test_a_plain_segment_is_left_alone(segment):
    assert parse_target(f"/x/{segment}/y") == Target(f"/x/{segment}/y", "")


def test_long_targets_are_parsed_as_short_ones_are():
    """Only short ones are remembered; both ways must agree."""
    for count in (1, 100, 10_000):
        assert parse_target("/a/.." * count + "/b?" + "q" * count) == Target("/b", "q" * count)
        with pytest.raises(BadTarget, match="escaped slash"):
            parse_target("/a" * count + "/%2f")


GOOD_AUTHORITIES = [
    "api.example.com",
    "API.Example.COM",
    "api.example.com.",
    "api.example.com:8443",
    "api.example.com:",
    "my_service",
    "localhost:80",
    "192.0.2.1",
    "192.0.2.1:80",
    "[2001:db8::1]",
    "[2001:db8::1]:443",
    "[::ffff:192.0.2.1]",
    "xn--bcher-kva.example",
]
BAD_AUTHORITIES = [
    "",
    ":80",
    "[]",
    "[]:80",
    "a,b",
    "a.example, b.example",
    "a b",
    "user@api.example.com",
    "user:password@api.example.com",
    "api.example.com/path",
    "api.example.com?x",
    "api.example.com#x",
    "api.example.com\\x",
    "api.example.com\0",
    "api.example.com\n",
    "api.example.com:80:90",
    "api.example.com:http",
    "api.example.com:123456",
    "::1",
    "[::1",
    "::1]",
    "[::1]x",
    "[::1%25eth0]",
    "%61pi.example.com",
    "bücher.example",
    "a;b",
    "*",
]


@pytest.mark.parametrize("raw", GOOD_AUTHORITIES)
def test_an_authority_is_given_back_as_sent(raw):
    assert parse_authority(raw) == raw


@pytest.mark.parametrize("raw", BAD_AUTHORITIES)
def test_ambiguous_authorities_are_refused(raw):
    with pytest.raises(BadTarget, match="the host is missing, given twice, or holds"):
        parse_authority(raw)


@given(st.text(max_size=30))
def test_an_authority_that_passes_is_one_host_and_one_port(raw):
    try:
        parse_authority(raw)
    except BadTarget:
        return
    host = re.sub(r":\d*\Z", "", raw)
    assert host
    assert not set("/@,; \\%\t\r\n") & set(host)
    assert ":" not in host or (host[0], host[-1]) == ("[", "]")


@pytest.mark.parametrize("unit", ["%41", "%25", "%C3%A9", "%41/", "//", "/.", "/..", "/a"])
def test_a_long_path_is_read_quickly(unit):
    path = "/" + unit * (60_000 // len(unit))
    begun = process_time()
    parse_target(path)
    assert process_time() - begun < 0.02
