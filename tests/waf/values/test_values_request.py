"""The request line, header fields, cookies and arguments."""

from __future__ import annotations

import pytest

from stockade.waf.values import Limits
from tests.waf.values.probe import arguments, request, text_of, values

LINES = [
    # target, REQUEST_URI, REQUEST_FILENAME, REQUEST_BASENAME, QUERY_STRING
    ("/", "/", "/", "", ""),
    ("/a%20b/c.php?x=%41#top", "/a b/c.php?x=A", "/a b/c.php", "c.php", "x=%41"),
    ("/a+b%2fc%2", "/a+b/c%2", "/a+b/c%2", "c%2", ""),
    ("/a\\b", "/a\\b", "/a\\b", "b", ""),
    ("/a/?/b", "/a/?/b", "/a/", "", "/b"),
    ("/a#b?c", "/a", "/a", "a", ""),
    ("/%zz%00%41", "/%zz\0A", "/%zz\0A", "%zz\0A", ""),
    ("http://host:80/a/b?c", "/a/b?c", "http://host:80/a/b", "b", "c"),
    ("http://host", "http://host", "http://host", "host", ""),
    ("*", "*", "*", "", ""),
]


@pytest.mark.parametrize(("target", "uri", "filename", "basename", "query"), LINES)
def test_the_target_is_split_and_decoded_once(target, uri, filename, basename, query):
    made = values(request(target, method="GET"))
    assert text_of(made, "REQUEST_URI_RAW") == target
    assert text_of(made, "REQUEST_URI") == uri
    assert text_of(made, "REQUEST_FILENAME") == text_of(made, "PATH_INFO") == filename
    assert text_of(made, "REQUEST_BASENAME") == basename
    assert text_of(made, "QUERY_STRING") == query
    assert text_of(made, "REQUEST_LINE") == f"GET {target} HTTP/1.1"
    assert text_of(made, "REQUEST_METHOD") == "GET"
    assert text_of(made, "REQUEST_PROTOCOL") == "HTTP/1.1"


def test_a_target_that_nobody_kept_is_made_of_path_and_query():
    from msgspec.structs import replace

    bare = replace(request(""), path="/a", query="b=c")
    assert text_of(values(bare), "REQUEST_URI_RAW") == "/a?b=c"
    assert text_of(values(replace(bare, query="")), "REQUEST_URI_RAW") == "/a"


QUERIES = [
    ("", []),
    ("a=b", [("a", "b")]),
    ("a=b&", [("a", "b")]),
    ("&a=b&&c", [("", ""), ("a", "b"), ("", ""), ("c", "")]),
    ("&", [("", "")]),
    ("=b", [("", "b")]),
    ("a=b=c", [("a", "b=c")]),
    ("a;b=c", [("a;b", "c")]),
    ("a+b=%2B+", [("a b", "+ ")]),
    ("%61%3d=%26", [("a=", "&")]),
    ("a=%4&b=%zz&c=%%41", [("a", "%4"), ("b", "%zz"), ("c", "%A")]),
    ("a=" + "%41" * 40 + "%4\\x41", [("a", "A" * 40 + "%4\\x41")]),
    ("a=1&a=2&A=3", [("a", "1"), ("a", "2"), ("A", "3")]),
    ("a=\xe9", [("a", "\xe9")]),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_query_and_a_form_are_read_alike(query, expected):
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in expected]
    in_query = values(request("/?" + query))
    assert in_query["ARGS"] == in_query["ARGS_GET"] == pairs
    assert in_query["ARGS_POST"] == in_query["ARGS_BODY"] == []
    assert in_query["ARGS_NAMES"] == in_query["ARGS_GET_NAMES"] == [(name, name) for name, _ in pairs]
    form = [("content-type", "Application/x-www-form-urlencoded; charset=utf-8")]
    in_form = values(request(headers=form, body=query.encode("latin-1")))
    assert in_form["ARGS"] == in_form["ARGS_POST"] == in_form["ARGS_BODY"] == pairs
    assert in_form["ARGS_GET"] == []
    assert in_form["ARGS_POST_NAMES"] == [(name, name) for name, _ in pairs]


def test_arguments_of_the_query_come_first_and_both_count():
    form = [("content-type", "application/x-www-form-urlencoded")]
    both = request("/?a=1&b=2", headers=form, body=b"c=3&d=4&e=5")
    assert list(arguments(both)) == ["a", "b", "c", "d", "e"]
    assert list(arguments(both, limits=Limits(arguments=4))) == ["a", "b", "c", "d"]
    assert list(arguments(both, limits=Limits(arguments=1))) == ["a"]
    assert text_of(values(both), "ARGS_COMBINED_SIZE") == "10.000000"


def test_another_separator():
    assert arguments(request("/?a=1;b=2&c"), limits=Limits(separator=b";")) == {"a": "1", "b": "2&c"}


@pytest.mark.parametrize(
    ("query", "error"),
    [("a=b", "0"), ("a=%4", "1"), ("a=%zz&b", "1"), ("%zz=b", "0"), ("a=%41", "0"), ("", "0")],
)
def test_broken_escapes_in_values_are_told(query, error):
    assert text_of(values(request("/?" + query)), "URLENCODED_ERROR") == error
    form = [("content-type", "application/x-www-form-urlencoded")]
    assert text_of(values(request(headers=form, body=query.encode())), "URLENCODED_ERROR") == error


def test_header_lines_are_pairs_in_order():
    made = values(request(headers=[("X-A", "1"), ("x-b", "\xe9"), ("x-a", "2")]))
    assert made["REQUEST_HEADERS"] == [(b"x-a", b"1"), (b"x-b", b"\xe9"), (b"x-a", b"2")]
    assert made["REQUEST_HEADERS_NAMES"] == [(b"x-a", b"x-a"), (b"x-b", b"x-b"), (b"x-a", b"x-a")]


def test_an_authority_stands_for_the_host_that_http_2_lacks():
    without = request(authority="h:1", headers=[("x", "y")])
    assert values(without)["REQUEST_HEADERS"] == [(b"host", b"h:1"), (b"x", b"y")]
    assert text_of(values(without), "SERVER_NAME") == "h"
    with_host = request(authority="h:1", headers=[("host", "other")])
    assert values(with_host)["REQUEST_HEADERS"] == [(b"host", b"other")]
    assert text_of(values(with_host), "SERVER_NAME") == "other"


COOKIES = [
    (["a=b; c=d"], [("a", "b"), ("c", "d")]),
    (["a=b;c=d;"], [("a", "b"), ("c", "d")]),
    (["a"], [("a", "")]),
    (["a=b=c"], [("a", "b=c")]),
    (["=b; ;;a=1"], [("a", "1")]),
    (["a = b ; c"], [("a ", " b "), ("c", "")]),
    (["a=b \t"], [("a", "b")]),
    (["a=b;  "], [("a", "b")]),
    (["a=%41+%00"], [("a", "%41+%00")]),
    (["a=1", "a=2; b=3"], [("a", "1"), ("a", "2"), ("b", "3")]),
    ([""], []),
    ([], []),
]


@pytest.mark.parametrize(("lines", "expected"), COOKIES)
def test_cookies(lines, expected):
    made = values(request(headers=[("cookie", line) for line in lines]))
    pairs = [(name.encode(), value.encode()) for name, value in expected]
    assert made["REQUEST_COOKIES"] == pairs
    assert made["REQUEST_COOKIES_NAMES"] == [(name, name) for name, _ in pairs]


AUTHORIZATIONS = [
    (None, "", None),
    ("Basic dTpw", "Basic", b"u"),
    ("Basic OnA=", "Basic", b""),
    ("basic dTpw", "basic", None),
    ("Bearer x.y", "Bearer", None),
    ("Basic dT pw", "Basic", None),
    ("Basic dTo", "Basic", None),
    ("Basic dXNlcg==", "Basic", None),
    ("", "", None),
]


@pytest.mark.parametrize(("field", "kind", "user"), AUTHORIZATIONS)
def test_authorization(field, kind, user):
    made = values(request(headers=[("authorization", field)] if field is not None else []))
    assert text_of(made, "AUTH_TYPE") == kind
    assert made["REMOTE_USER"] == ([] if user is None else [(b"", user)])
