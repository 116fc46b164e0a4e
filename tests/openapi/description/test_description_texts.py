"""JSON and YAML texts: their values, the line of everything, and what is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.openapi.json_text import json_lines, read_json
from stockade.openapi.text import BadText, Lines, line_of
from stockade.openapi.yaml_text import read_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def places(value: Any, tokens: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [tokens, *(place for key, part in pairs for place in places(part, (*tokens, str(key))))]


@given(VALUES)
def test_json_means_the_same_as_yaml(value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    assert read_json(text) == value
    as_yaml, lines = read_yaml(text)
    assert as_yaml == value
    found = json_lines(text)
    for place in places(value):
        assert line_of(found, place) == line_of(lines, place)


def test_lines_of_json() -> None:
    text = '{"a": [1,\n {"b~/": "}{[",\n\n"c\\u0041": {}}],\n"d": "\\"", "e": 1}'
    lines = json_lines(text)
    wanted: list[tuple[tuple[str, ...], int]] = [
        ((), 1),
        (("a",), 1),
        (("a", "0"), 1),
        (("a", "1"), 2),
        (("a", "1", "b~/"), 2),
        (("a", "1", "cA"), 4),
        (("d",), 5),
        (("e",), 5),
        (("a", "1", "nowhere"), 2),
    ]
    assert [(place, line_of(lines, place)) for place, _ in wanted] == wanted


@pytest.mark.parametrize("text", ["1", '"x"', "[]", "{}", "[[]]", "null"])
def test_lines_of_very_little(text: str) -> None:
    read_json(text)
    assert isinstance(json_lines(text), dict)


def yaml_value(text: str) -> Any:
    value, _ = read_yaml(text)
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[yes, no, on, off, y]", ["yes", "no", "on", "off", "y"]),
        ("[true, True, FALSE, null, ~, Null]", [True, True, False, None, None, None]),
        ("[1, -2, 012, 0o17, 0x1F, 1_000]", [1, -2, 12, 15, 31, "1_000"]),
        ("[1.5, .5, 2e3, 1.]", [1.5, 0.5, 2000.0, 1.0]),
        ("[08:30, 2024-01-01, 1.2.3, -, +]", ["08:30", "2024-01-01", "1.2.3", "-", "+"]),
        ("['1', \"true\", !!str 3]", ["1", "true", "3"]),
        ("[!!float 1, !!int '3']", [1.0, 3]),
        ("{200: a, true: b, null: c}", {"200": "a", "true": "b", "null": "c"}),
        ("a:\nb: ''", {"a": None, "b": ""}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("- '<<': 1", [{"<<": 1}]),
        ("", None),
        ("# nothing", None),
        ("9" * 500, "9" * 500),
    ],
)
def test_yaml_by_the_core_schema(text: str, value: Any) -> None:
    assert yaml_value(text) == value


def test_of_several_merged_mappings_the_first_wins() -> None:
    assert yaml_value("a: &x {b: 1}\ny: &y {b: 2, e: 3}\nd: {<<: [*x, *y]}")["d"] == {"b": 1, "e": 3}


def test_lines_of_yaml_follow_aliases_and_merges() -> None:
    text = "one: &one\n  a: 1\n  b:\n    - x\ntwo:\n  <<: *one\n  c: 2\nthree: *one\n"
    _, lines = read_yaml(text)
    assert line_of(lines, ("two",)) == 5
    assert line_of(lines, ("two", "b", "0")) == 4
    assert line_of(lines, ("two", "c")) == 7
    assert line_of(lines, ("three",)) == 8
    assert line_of(lines, ("three", "a")) == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{"a": 1,\n"a": 2}', 2, "'a' is written twice"),
        ('{"b": {"a": 1}, "c": [{"a": 1},\n {"a": 2, "\\u0061": 3}]}', 2, "'a' is written twice"),
        ('{"a": NaN}', 0, "NaN is no number of JSON"),
        ('{"a": 1e999}', 0, "too large"),
        ('{"a": 1' + "0" * 5000 + "}", 0, "not valid JSON"),
        ('{"a":\n1,}', 2, "not valid JSON"),
        ('{"a": "\\ud800"}', 0, "half of a character"),
        ("[" * 100_000, 1, "levels deep"),
        ('{"a": 1} x', 1, "not valid JSON: extra data"),
        ("", 1, "not valid JSON"),
    ],
)
def test_json_that_is_refused(text: str, line: int, said: str) -> None:
    with pytest.raises(BadText, match=said) as caught:
        read_json(text)
    assert caught.value.line == line


def test_a_whole_character_of_two_surrogates_is_text() -> None:
    assert read_json('"\\ud83d\\ude00"') == "😀"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, r"'a' is written twice \(first in line 1\)"),
        ("a: 1\n? [b]\n: 2", 2, "a key must be plain text"),
        ("a: &x 1\nb: {c: 1, ? *x : 2}", 2, "a key must be plain text"),
        ("a: !!python/object:os.system x", 1, "the tag '.*python/object:os.system' has no meaning"),
        ("a: !Ref x", 1, "the tag '!Ref' has no meaning"),
        ("a: !!int x", 1, "the tag"),
        ("a: !!set {b}", 1, "the tag"),
        ("a: .inf", 1, "no number that JSON knows"),
        ("a: -.INF", 1, "no number that JSON knows"),
        ("a: 1e999", 1, "too large"),
        ("---\na: 1\n---\nb: 2", 3, "a second document"),
        ("a: &x [*x]", 1, "stands in what it names itself"),
        ("a: *nowhere", 1, "undefined alias|is defined nowhere above"),
        ("a: {<<: 1}", 1, "what is merged"),
        ("a: {<<: [1]}", 1, "what is merged"),
        ("a: [1", 1, "not valid YAML"),
        ("\ta: 1", 1, "not valid YAML"),
        ("a: \x00", 1, "not valid YAML"),
        ("[" * 200, 1, "levels deep"),
        ("- " * 200 + "x", 1, "levels deep"),
    ],
)
def test_yaml_that_is_refused(text: str, line: int, said: str) -> None:
    with pytest.raises(BadText, match=said) as caught:
        read_yaml(text)
    assert caught.value.line in (line, line + 1)


def test_a_billion_laughs() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(BadText, match="do aliases multiply"):
        read_yaml("\n".join(lines))


def test_aliases_do_not_hide_depth() -> None:
    lines = [f"a0: &a0 {'[' * 60}x{']' * 60}", f"a1: &a1 {'[' * 60}*a0{']' * 60}", f"a2: {'[' * 60}*a1{']' * 60}"]
    with pytest.raises(BadText, match="levels deep"):
        read_yaml("\n".join(lines))


@given(st.text(max_size=60) | st.text("{}[]:,-&*!<>'\"?|#% \nab1~", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in (read_json, read_yaml):
        with suppress(BadText):
            reader(text)


def test_nothing_but_the_lines_type() -> None:
    lines: Lines = {"a": (1, None)}
    assert line_of(lines, ("a", "b", "c")) == 1
