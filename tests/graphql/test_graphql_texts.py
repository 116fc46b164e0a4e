"""The texts for the firewall: all that clients chose, as the server will read it, and nothing of the syntax."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.graphql import Text
from tests.graphql.graphql_shop import checked, endpoint

SQL = "1' OR '1'='1"
CASES: dict[str, tuple[str, Any, list[tuple[str, str]]]] = {
    "a literal": (f'{{ search(text: "{SQL}") {{ id }} }}', None, [("search.text", SQL)]),
    "under an alias": (f'{{ x: search(text: "{SQL}") {{ id }} }}', None, [("search.text", SQL)]),
    "escaped": (
        '{ search(text: "\\u003cscript\\u003E\\u{1F600}\\ud83d\\ude00") { id } }',
        None,
        [("search.text", "<script>😀😀")],
    ),
    "a block string": (
        '{ search(text: """\n    a\n      \\"""b\n  """) { id } }',
        None,
        [("search.text", 'a\n  """b')],
    ),
    "within an object": (
        '{ users(first: 1, filter: {inner: {tags: ["a", "b"]}}) { id } }',
        None,
        [("users.filter.inner.tags", "a"), ("users.filter.inner.tags", "b")],
    ),
    "deeper": (
        '{ users(first: 1) { friends(first: 1) { id } } search(text: "a", any: {k: "b"}) { id } }',
        None,
        [("search.text", "a"), ("search.any.k", "b")],
    ),
    "numbers and names are none": (
        "{ users(first: 1, filter: {sort: NAME, price: 1.5, open: true}) { id } }",
        None,
        [],
    ),
    "a default": ('query ($t: String! = "a") { search(text: $t) { id } }', None, [("$t", "a")]),
    "a variable": ("query ($t: String!) { search(text: $t) { id } }", {"t": SQL}, [("variables.t", SQL)]),
    "in variables": (
        "query ($f: Filter) { users(first: 1, filter: $f) { id } }",
        {"f": {"inner": {"text": "a"}, "ids": ["b", 7], "sort": "NAME", "price": 1}},
        [("variables.f.ids", "b"), ("variables.f.inner.text", "a"), ("variables.f.sort", "NAME")],
    ),
    "names that are none": (
        'query ($a: Any) { search(text: "", any: $a) { id } }',
        {"a": {"<b>": {"$ne": "c"}, "ok": 1}},
        [("search.text", ""), ("variables.a.<b>", "<b>"), ("variables.a.<b>.$ne", "$ne"), ("variables.a.<b>.$ne", "c")],
    ),
    "comments and names are none": (f"query A {{ ping }} # {SQL}", None, []),
}


@pytest.mark.parametrize("name", CASES)
def test_texts(name: str) -> None:
    query, variables, wanted = CASES[name]
    found = checked(endpoint(), query, variables).texts()
    assert sorted(found, key=lambda text: text.place) == [Text(*each) for each in sorted(wanted)]


def test_extensions_too() -> None:
    found = checked(endpoint(), "{ ping }", extensions={"trace": {"id": SQL}}).texts()
    assert found == (Text("extensions.trace.id", SQL),)
