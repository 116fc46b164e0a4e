"""Strict JSON: the cases, equality of the quick judge, the exact and a plain reader, pointers, bombs."""

from __future__ import annotations

import json
import math
import re
import struct
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stockade.payloads import BadPayload, Limits, read_json
from stockade.payloads._json import is_sound
from stockade.payloads.json_body import check_json
from stockade.payloads.json_exact import read_exactly
from tests.payloads import plain_json
from tests.payloads.case_files import cases

DEFAULT = Limits()
SMALL = Limits(depth=3, members=6, items=5, name=5, string=8, number=12)


ALL = cases("json")


def test_so_many_cases_ran():
    assert Counter(letter for letter, *_ in ALL) == {"y": 104, "n": 188, "i": 57}


def rules(body: bytes, limits: Limits = DEFAULT, read: Any = read_json) -> list[str]:
    try:
        read(body, limits)
    except BadPayload as error:
        return [fault.rule for fault in error.faults]
    return []


@pytest.mark.parametrize(("letter", "rule", "name", "body"), ALL, ids=[name for _, _, name, _ in ALL])
def test_case(letter, rule, name, body):
    if not rule:
        value = read_json(body)
        assert same(value, json.loads(body))
        assert same(read_exactly(body, DEFAULT), value)
        return
    assert rules(body)[0] == rule
    assert rules(body) == rules(body, read=read_exactly) == rules(body, read=check_json)
    if letter == "n":
        with pytest.raises(ValueError):  # noqa: PT011 # of several kinds
            json.loads(body.decode(), parse_constant=refuse_constant)


def refuse_constant(text: str) -> None:
    raise ValueError(text)  # the peer takes NaN and Infinity, which are not JSON


def same(one: Any, other: Any) -> bool:
    """Equal in type as well, and 0.0 is not -0.0."""
    return repr(one) == repr(other)


# The three readers agree


def agree(body: bytes, limits: Limits) -> None:
    try:
        plain = ("read", repr(plain_json.read(body, limits)))
    except plain_json.Refused:
        plain = ("refused", "")
    for read in (read_json, read_exactly):
        try:
            found = ("read", repr(read(body, limits)))
        except BadPayload:
            found = ("refused", "")
        assert found == plain, read
    if plain[0] == "refused" or not is_doubtful(body):
        assert is_sound(body, limits.json) == (plain[0] == "read")


def is_doubtful(body: bytes) -> bool:
    """What the quick judge may leave to the exact reader although it is sound."""
    return re.search(rb"[eE][-+]?[0-9]{3}|[-+.eE0-9]{65}", body) is not None


names = st.sampled_from(
    ["a", "b", "a", "\\u0061", "\\u0022", '\\"', "é", "\\u00e9", "", "n" * 5, "n" * 6, "\\u0000", "\\ud800"]
)
strings = st.one_of(
    names,
    st.sampled_from(
        ["s" * 8, "s" * 9, "1" * 20, "\ufffe", "\\ufdd0", "\\ud834\\udd1e", "1e-400", "[[[", ":,{", "\\\\"]
    ),
    st.text(st.characters(min_codepoint=0x20, exclude_characters='"\\', exclude_categories=["Cs"]), max_size=12),
)
numbers = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        [
            "-0",
            "1e400",
            "1e-400",
            "0e-400",
            "0.000000000",
            "9007199254740991",
            "9007199254740992",
            "1" * 13,
            "01",
            "1e999999",
        ]
    ),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
)
scalars = st.one_of(strings.map(lambda text: f'"{text}"'), numbers, st.sampled_from(["true", "false", "null"]))


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.tuples(names, inner).map(lambda pair: f'"{pair[0]}":{pair[1]}')
    return st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]"),
        st.lists(members, max_size=4).map(lambda items: f"{{ {', '.join(items)} }}"),
    )


texts = st.recursive(scalars, containers, max_leaves=12)


@settings(max_examples=600)
@given(texts, st.sampled_from([DEFAULT, SMALL, Limits(integer=2**63 - 1), Limits(name=1), Limits(number=5)]))
@example('{"a":"","a":"\\u0022"}', DEFAULT)
@example('{"nnnnnn":1}', SMALL)
@example('{"\\"\\"\\"":"' + "s" * 300 + '"}', Limits(name=4))
@example("[[[[1]]]]", SMALL)
@example("[[[]]]", SMALL)
@example("[[[[]]]]", SMALL)
def test_readers_agree_on_what_looks_like_json(text, limits):
    agree(text.encode(), limits)


@settings(max_examples=400)
@given(texts, st.data())
def test_readers_agree_on_damaged_json(text, data):
    body = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    agree(bytes(body), SMALL)


@settings(max_examples=300)
@given(st.binary(max_size=40))
def test_readers_agree_on_any_bytes(body):
    agree(body, DEFAULT)


@given(st.text(st.sampled_from('{}[]":,\\u0022d83419e- \n'), max_size=30))
def test_readers_agree_on_the_characters_of_json(text):
    agree(text.encode(), SMALL)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_read_as_it_was_written(value):
    assert same(read_json(repr(value).encode()), value)


@given(st.from_regex(r"(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,2})?", fullmatch=True))
def test_floats_round_like_the_standard_library(text):
    value = read_json(text.encode(), Limits(integer=10**60))
    assert same(value, json.loads(text)) or math.isinf(value)


# The quick judge

ORDINARY = {
    "order": json.dumps({"customer": "c-20417", "items": [{"price": "14.90", "quantity": 4}] * 20, "note": ""}),
    "indented": json.dumps({"a": [1.5, -0, 1e-7, True, None], "b": {}}, indent=2) + "\r\n\t",
    "escaped": json.dumps({"stra\u00dfe": '\U0001d11e \\ " / \n', "b\\": "\u0000"}),
    "as-it-is": json.dumps({"stra\u00dfe": "\U0001d11e \u20ac", "\U0001d11e": "\U0010fffd"}, ensure_ascii=False),
    "deep": "[" * 32 + "]" * 32,
    "many": json.dumps([{f"name{index}": index for index in range(100)}] * 100),
    "long": json.dumps(["e" * 65_536, "\u00e9" * 65_536], ensure_ascii=False),
    "largest": "[9007199254740991,-9007199254740991]",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_no_ordinary_body_takes_the_slow_way(name):
    body = ORDINARY[name].encode()
    assert is_sound(body, DEFAULT.json)
    assert same(read_json(body), json.loads(body))


@settings(max_examples=300)
@given(st.text(max_size=40), st.booleans())
def test_any_text_is_read_or_refused_for_what_it_holds(text, ascii_alone):
    body = json.dumps({text: [text]}, ensure_ascii=ascii_alone).encode("utf-8", "surrogatepass")
    agree(body, DEFAULT)


@settings(max_examples=200)
@given(st.lists(st.text(st.sampled_from("ab\u00e9\U0001d11e"), max_size=3), max_size=200), st.data())
def test_a_name_that_comes_twice_is_found_however_it_is_written(given_names, data):
    written = [json.dumps(name, ensure_ascii=data.draw(st.booleans())) for name in given_names]
    body = ("{" + ",".join(f"{name}:1" for name in written) + "}").encode()
    assert is_sound(body, DEFAULT.json) == (len(set(given_names)) == len(given_names))


def test_one_body_may_have_a_name_in_many_objects():
    body = json.dumps([{"a": {"a": {"a": 1}}}] * 3_000).encode()
    assert is_sound(body, DEFAULT.json)
    assert not is_sound(body[:-2] + b',"a":1}]', DEFAULT.json)


@pytest.mark.parametrize("size", range(24))
def test_nothing_is_read_beyond_the_end(size):
    """Each beginning of a body is refused, whatever stands behind it in memory."""
    whole = b'{"a\\u00e9":"\xf0\x9d\x84\x9e\\n",\t"b":1e5}'
    assert is_sound(whole, DEFAULT.json)
    kept = bytearray(whole)
    for cut in range(size, len(whole), 24):
        assert not is_sound(bytes(kept[:cut]), DEFAULT.json)


def test_the_judge_takes_bytes_and_its_own_limits():
    with pytest.raises(TypeError):
        is_sound(bytearray(b"1"), DEFAULT.json)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        is_sound(b"1")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="seven numbers"):
        is_sound(b"1", struct.pack("=6Q", *range(6)))


# Where, and all at once


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('{"a":1,"a":2}', [("/a", "duplicate-name")]),
        ('{"o":[{},{"a/b":{"~":1,"~":2}}]}', [("/o/1/a~1b/~0", "duplicate-name")]),
        ("[1,[2,1e999],9999999999999999]", [("/1/1", "number-range"), ("/2", "integer-range")]),
        ('{"a":"\\ud800","b":{"c":"\\uffff"}}', [("/a", "lone-surrogate"), ("/b/c", "noncharacter")]),
        ('{"a":[1,{"b":[tru]}]}', [("/a/1/b/0", "syntax")]),
        ('{"a":1,"a":2,"b":01}', [("/a", "duplicate-name"), ("/b", "number")]),
        ("[1,2", [("", "syntax")]),
        ("{} {}", [("", "trailing")]),
    ],
)
def test_faults_say_where(body, faults):
    with pytest.raises(BadPayload) as raised:
        read_json(body.encode())
    assert [(fault.pointer, fault.rule) for fault in raised.value.faults] == faults


def test_faults_are_few_and_short_whatever_the_body():
    body = json.dumps([{"n" * 300: 2**60}] * 1000).encode()
    with pytest.raises(BadPayload) as raised:
        read_json(body)
    assert len(raised.value.faults) == 20
    assert len(str(raised.value)) < 5000


def test_a_fault_repeats_no_value():
    for body in (
        b'{"password":"s3cret\\ud800"}',
        b'{"pin":99999999999999991234}',
        b'["s3cret',
        b'["s3cret\x01"]',
        b'{"a":s3cret}',
    ):
        with pytest.raises(BadPayload) as raised:
            read_json(body)
        assert "s3cret" not in str(raised.value)
        assert "1234" not in str(raised.value)


# Limits and bombs

LARGE = 1_000_000
BOMBS = {
    "arrays": (b"[" * LARGE, "depth"),
    "arrays-closed": (b"[" * LARGE + b"]" * LARGE, "depth"),
    "objects": (b'{"a":' * LARGE, "depth"),
    "mixed": (b'[{"a":' * LARGE, "depth"),
    "open-brackets-in-text": (b'["' + b"[" * LARGE + b'"]', "string-length"),
    "keys": (b"{" + b",".join(b'"k%d":1' % index for index in range(LARGE // 10)) + b"}", "members"),
    "same-keys": (b"{" + b",".join([b'"k":1'] * LARGE) + b"}", "duplicate-name"),
    "colliding-keys": (
        b"{" + b",".join(b'"%d":1' % (index * (2**61 - 1)) for index in range(20_000)) + b"}",
        "members",
    ),
    "items": (b"[" + b"1," * LARGE + b"1]", "items"),
    "empty-arrays": (b"[" + b"[]," * LARGE + b"1]", "items"),
    "digits": (b"9" * LARGE, "number-length"),
    "fraction": (b"0." + b"0" * LARGE, "number-length"),
    "exponent": (b"1e" + b"9" * LARGE, "number-length"),
    "zeros": (b"0" * LARGE, "number"),
    "minus": (b"-" * LARGE, "number"),
    "name": (b'{"' + b"n" * LARGE + b'":1}', "name-length"),
    "string": (b'"' + b"s" * LARGE + b'"', "string-length"),
    "escapes": (b'"' + b"\\u0061" * LARGE + b'"', "string-length"),
    "backslashes": (b'"' + b"\\" * LARGE, "syntax"),
    "quotes": (b'"' * LARGE, "trailing"),
    "spaces": (b" " * LARGE, "syntax"),
    "spaces-then-fault": (b" " * LARGE + b"x", "syntax"),
    "spaces-within": (b"[" + b" " * LARGE + b"x", "syntax"),
    "nul": (b"\0" * LARGE, "syntax"),
    "bytes": (b"\xff" * LARGE, "utf-8"),
    "lone-surrogates": (b'"' + b"\\ud800" * LARGE + b'"', "lone-surrogate"),
    "commas": (b"," * LARGE, "syntax"),
    "noncharacters": (b'"' + b"\xef\xbf\xbf" * LARGE + b'"', "string-length"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name):
    body, rule = BOMBS[name]
    assert rules(body)[0] == rule


@pytest.mark.parametrize(
    ("limit", "fits", "too_much"),
    [
        ("depth", b"[[1]]", b"[[[]]]"),
        ("depth", b'{"a":{}}', b'{"a":{"a":{}}}'),
        ("members", b'[{"a":1},{"a":1}]', b'[{"a":1},{"a":1},{"a":1}]'),
        ("items", b"[[1]]", b"[[1],2]"),
        ("name", b'{"aa":1}', b'{"aaa":1}'),
        ("name", b'{"\\u0061\\"":1}', b'{"\\u0061\\"a":1}'),
        ("string", b'"aa"', b'"aaa"'),
        ("string", '"éé"'.encode(), '"ééé"'.encode()),
        ("number", b"12", b"123"),
        ("number", b"-1", b"-12"),
    ],
)
def test_a_limit_is_exact(limit, fits, too_much):
    limits = Limits(**{limit: 2})  # type: ignore[arg-type]
    assert rules(fits, limits) == []
    assert rules(too_much, limits) != []


@pytest.mark.parametrize("depth", [127, 128, 129, 400])
def test_what_is_deeper_than_the_quick_judge_sees_is_judged_all_the_same(depth):
    body = b'{"a":[' * (depth // 2) + b"[]" * (depth % 2) + b"]}" * (depth // 2)
    assert rules(body, Limits(depth=depth)) == rules(body, Limits(depth=depth), read=check_json) == []
    assert rules(body, Limits(depth=depth - 1)) == ["depth"]
    assert rules(b'[{"b":1,"b":' + body + b"}]", Limits(depth=depth + 2)) == ["duplicate-name"]


def test_the_largest_integer_is_an_option():
    assert rules(b"[9223372036854775807]", Limits(integer=2**63 - 1)) == []
    assert rules(b"[9223372036854775808]", Limits(integer=2**63 - 1)) == ["integer-range"]
    assert rules(b"[-1000]", Limits(integer=999)) == ["integer-range"]


def test_a_limit_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="depth must be at least 1"):
        Limits(depth=0)
    assert Limits(files=0).files == 0
