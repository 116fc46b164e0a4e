"""JSON bodies, flattened."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.waf.values import Limits
from stockade.waf.values.json_body import read_json
from stockade.waf.values.json_scan import Scan
from tests.waf.values.probe import request, text_of, values

MOST = 10**9

FLAT = [
    (b'{"a": 1.0, "b": {"c": [true, null, {"d": "x"}]}, "": 2}', {
        "json.a": "1.0",
        "json.b.c.array_0": "true",
        "json.b.c.array_1": "",
        "json.b.c.array_2.d": "x",
        "json.empty-key": "2",
    }),
    (b"[1,[2,3],{},[],false]", {
        "json.array_0": "1",
        "json.array_1.array_0": "2",
        "json.array_1.array_1": "3",
        "json.array_4": "false",
    }),
    (b'{"":{"":[{"":1}]}}', {"json.empty-key.empty-key.array_0.empty-key": "1"}),
    (b'"x"', {"json": "x"}),
    (b" \t\n\r1 ", {"json": "1"}),
    (b"null", {"json": ""}),
    (b"[-0, -0.0, 1E400, 1e-7, 123456789012345678901234567890]", {
        "json.array_0": "-0",
        "json.array_1": "-0.0",
        "json.array_2": "1E400",
        "json.array_3": "1e-7",
        "json.array_4": "123456789012345678901234567890",
    }),
    (rb'{"\u0061\n": "\/\b\f\"\\\u0000\ud83d\ude00"}', {"json.a\n": '/\b\f"\\\0\U0001f600'}),
    ('{"é": "日本"}'.encode(), {"json.é": "日本"}),
    (b'{"a.b":{"c":1}}', {"json.a.b.c": "1"}),
    (b"{}", {}),
    (b"[]", {}),
]  # fmt: skip


def flat(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in pairs}


@pytest.mark.parametrize(("body", "expected"), FLAT)
def test_names_order_and_texts(body, expected):
    pairs, failed, problems = read_json(body, 100, MOST)
    assert flat(pairs) == expected
    assert list(flat(pairs)) == list(expected)
    assert (failed, problems) == ("", ())


@pytest.mark.parametrize(("body", "expected"), FLAT)
def test_both_readers_agree(body, expected):
    scan = Scan(body, 100, MOST, MOST)
    assert flat(scan.pairs) == expected
    assert (scan.failed, scan.problems) == ("", [])


BROKEN = [
    (b" ", {}),
    (b'{"a":1', {"json.a": "1"}),
    (b'{"a":1} x', {"json.a": "1"}),
    (b'{"a":1}{"b":2}', {"json.a": "1"}),
    (b'{"a":1,}', {"json.a": "1"}),
    (b"[1,]", {"json.array_0": "1"}),
    (b"[1 2]", {"json.array_0": "1"}),
    (b"[1}", {"json.array_0": "1"}),
    (b"[01]", {"json.array_0": "0"}),
    (b"[1,NaN]", {"json.array_0": "1"}),
    (b"[1,-Infinity]", {"json.array_0": "1"}),
    (b"[1,.5]", {"json.array_0": "1"}),
    (b"[1,2.]", {"json.array_0": "1"}),
    (b"[1,2e]", {"json.array_0": "1"}),
    (b"[1,2.5.]", {"json.array_0": "1", "json.array_1": "2.5"}),
    (b'["a","b\n"]', {"json.array_0": "a"}),
    (b'["a","\\x"]', {"json.array_0": "a"}),
    (b'["a","\xff"]', {"json.array_0": "a"}),
    (b'["a","b', {"json.array_0": "a"}),
    (b"{a:1}", {}),
    (b"{'a':1}", {}),
    (b'{"a" 1}', {}),
    (b'{"a":}', {}),
    (b'{"a"}', {}),
    (b"{,}", {}),
    (b"]", {}),
    (b"\xef\xbb\xbf[1]", {}),
    (b"/*c*/[1]", {}),
    ("[1]".encode("utf-16"), {}),
]


@pytest.mark.parametrize(("body", "expected"), BROKEN)
def test_what_comes_before_a_break_is_kept(body, expected):
    pairs, failed, _ = read_json(body, 100, MOST)
    assert flat(pairs) == expected
    assert failed
    made = values(request(body=body), "JSON")
    assert flat(made["ARGS"]) == expected
    assert made["ARGS_POST"] == []
    assert text_of(made, "REQBODY_ERROR") == text_of(made, "REQBODY_PROCESSOR_ERROR") == "1"
    assert text_of(made, "REQBODY_ERROR_MSG") == f"JSON parsing error: {failed}"


def test_no_body_is_no_error():
    made = values(request(), "JSON")
    assert made["ARGS"] == []
    assert text_of(made, "REQBODY_ERROR") == "0"


PROBLEMS = [
    (b'{"a":1,"a":2}', "json-duplicate-key", False, [b"1", b"2"]),
    (b'[{"b":{"a":[],"a":{}}}]', "json-duplicate-key", False, []),
    (b'{"a":1,"\\u0061":2}', "json-duplicate-key", False, [b"1", b"2"]),
    (b'["\\ud800x"]', "json-lone-surrogate", False, [b"?x"]),
    (b'["\\udc00x"]', "json-lone-surrogate", False, [b"\xed\xb0\x80x"]),
    (b'["\\ud800\\u0041"]', "json-lone-surrogate", False, [b"?A"]),
    (b'["\xc0\xaf"]', "json-bad-utf8", True, [b"\xc0\xaf"]),
    (b'["\xed\xa0\x80"]', "json-bad-utf8", True, [b"\xed\xa0\x80"]),
    (b'["\x80"]', "json-bad-utf8", True, []),
]


@pytest.mark.parametrize(("body", "problem", "fails", "expected"), PROBLEMS)
def test_what_two_parsers_read_differently_is_noted(body, problem, fails, expected):
    made = values(request(body=body), "JSON")
    assert made.problems == [problem]
    assert [value for _, value in made["ARGS"]] == expected
    assert text_of(made, "REQBODY_ERROR") == ("1" if fails else "0")


def test_limits():
    assert read_json(b"[[1]]", 2, MOST) == ([(b"json.array_0.array_0", b"1")], "", ())
    assert read_json(b"[0,[1]]", 1, MOST) == ([(b"json.array_0", b"0")], "it is nested too deep", ())
    assert read_json(b"[1,2]", 9, 2)[1] == ""
    assert read_json(b"[1,2,3]", 9, 2) == (
        [(b"json.array_0", b"1"), (b"json.array_1", b"2")],
        "it holds too many values",
        (),
    )
    assert read_json(b"[[],[],[],1]", 9, 1) == ([(b"json.array_3", b"1")], "", ())


def test_the_limit_on_arguments_counts_those_of_the_query():
    made = values(request("/?a=1&b=2", body=b"[3,4]"), "JSON", Limits(arguments=3))
    assert [value for _, value in made["ARGS"]] == [b"1", b"2", b"3"]
    assert text_of(made, "REQBODY_ERROR") == "1"


@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"":'])
def test_deep_nesting_is_an_error_and_no_more(unit):
    made = values(request(body=unit * 5000), "JSON", Limits())
    assert text_of(made, "REQBODY_ERROR_MSG") == "JSON parsing error: it is nested too deep"


def test_names_do_not_grow_with_the_square_of_the_body():
    body = (b'{"' + b"k" * 120 + b'":') * 400 + b"[" + b"1," * 20000 + b"1]" + b"}" * 400
    pairs, failed, _ = read_json(body, 1000, MOST)
    assert failed == "its names are too long"
    assert sum(len(name) for name, _ in pairs) < 10 * len(body) + 65536


def reference(value: Any, name: str) -> list[tuple[str, str]]:
    """The manual, in as few words as possible. Numbers are given as text."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in reference(item, f"{name}.{key or 'empty-key'}")]
    if isinstance(value, list):
        return [pair for index, item in enumerate(value) for pair in reference(item, f"{name}.array_{index}")]
    return [(name, value if isinstance(value, str) else "" if value is None else json.dumps(value))]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5), max_leaves=30
)


@given(documents, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_any_document_is_flattened_as_the_manual_says(document, escape, indent):
    body = json.dumps(document, ensure_ascii=escape, indent=indent).encode()
    expected = [(name.encode(), value.encode()) for name, value in reference(document, "json")]
    assert read_json(body, 100, MOST) == (expected, "", ())
    scan = Scan(body, 100, MOST, MOST)
    assert (scan.pairs, scan.failed, scan.problems) == (expected, "", [])


tokens = st.sampled_from(
    [
        *(
            b'"',
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"1",
            b"0",
            b"-",
            b".",
            b"e",
            b"\\",
            b"\\u",
            b"d800",
            b"true",
            b"null",
        ),
        *(b" ", b"\n", b"\v", b'"a"', b'{"a":1}', b"[[]]", b"\xff", b"\xc3\xa9", b"\0"),
    ]
)


@given(st.lists(tokens, max_size=25).map(b"".join) | st.binary(max_size=40), st.integers(1, 5), st.integers(0, 5))
def test_anything_else_is_an_error_of_the_body(body, depth, most):
    pairs, failed, _ = read_json(body, depth, most)
    assert len(pairs) <= most
    try:
        json.loads(body.decode(), parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        # What yajl reads and Python does not: other white space.
        assert failed or b"\v" in body
