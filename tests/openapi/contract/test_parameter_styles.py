"""The table of styles of OpenAPI 3.1 (section 4.8.12.4), every cell of it, and every cell in each place it may stand.

A cell's schema admits the one value that the cell stands for (`const`), so passing shows that it was read exactly so.
"""

from __future__ import annotations

from typing import Any

import pytest

from stockade.openapi.contract import Contract, Match
from stockade.openapi.faults import Fault
from stockade.wire import Headers

COLOR: dict[str, Any] = {
    "empty": {"type": "string", "const": ""},
    "string": {"type": "string", "const": "blue"},
    "array": {"type": "array", "items": {"type": "string"}, "const": ["blue", "black", "brown"]},
    "object": {
        "type": "object",
        "properties": {name: {"type": "integer"} for name in "RGB"},
        "const": {"R": 100, "G": 200, "B": 150},
    },
}
# style, explode, then the four columns; None where the specification has "n/a".
TABLE: list[tuple[str, bool, str | None, str | None, str | None, str | None]] = [
    ("matrix", False, ";color", ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
    ("matrix", True, ";color", ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
    ("label", False, ".", ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
    ("label", True, ".", ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
    ("simple", False, "", "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("simple", True, "", "blue", "blue,black,brown", "R=100,G=200,B=150"),
    ("form", False, "color=", "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("form", True, "color=", "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
    ("spaceDelimited", False, None, None, "color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
    ("spaceDelimited", True, None, None, None, None),
    ("pipeDelimited", False, None, None, "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("pipeDelimited", True, None, None, None, None),
    ("deepObject", False, None, None, None, None),
    ("deepObject", True, None, None, None, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
]
PLACES = {"matrix": ("path",), "label": ("path",), "simple": ("path", "header"), "form": ("query", "cookie")}
# Written otherwise, read alike: delimiters that need no encoding in practice, order, names that are encoded.
ALIKE = [
    ("pipeDelimited", False, "array", "query", "color=blue|black|brown"),
    ("pipeDelimited", False, "object", "query", "color=R|100|G|200|B|150"),
    ("spaceDelimited", False, "array", "query", "color=blue+black+brown"),
    ("deepObject", True, "object", "query", "color[B]=150&color[R]=100&color[G]=200"),
    ("form", True, "array", "query", "c%6Flor=blue&color=bl%61ck&color=brown"),
    ("form", True, "string", "query", "color=bl%75e"),
    ("simple", False, "array", "header", "blue, black , brown"),
    ("label", False, "array", "path", ".bl%75e,black,brown"),
    ("matrix", False, "string", "path", ";c%6Flor=blue"),
]
REFUSED = [
    ("matrix", False, "string", "path", ";colour=blue", "style"),
    ("matrix", False, "string", "path", "blue", "style"),
    ("matrix", False, "string", "path", ";color=blue;color=blue", "duplicate-parameter"),
    ("matrix", True, "object", "path", ";R=100;R=100;G=200;B=150", "duplicate-parameter"),
    ("label", True, "array", "path", "blue.black.brown", "style"),
    ("label", True, "object", "path", ".R=100.G.B=150", "style"),
    ("simple", False, "object", "path", "R,100,G", "style"),
    ("simple", False, "array", "path", "blue%2Cblack%2Cbrown", "const"),  # encoded, a comma is no delimiter
    ("simple", False, "string", "path", "%ff", "encoding"),
    ("simple", False, "string", "path", "a%00", "encoding"),
    ("form", True, "string", "query", "color=blue&color=blue", "duplicate-parameter"),
    ("form", True, "string", "query", "color=%zz", "encoding"),
    ("form", True, "string", "query", "color=%c0%ae", "encoding"),
    ("form", True, "string", "query", "colour=blue", "required"),
    ("form", True, "object", "query", "R=100&G=200&B=150&B=150", "duplicate-parameter"),
    ("form", True, "object", "query", "R=100&G=200&B=1_50", "type"),
    ("form", False, "array", "query", "color=blue&color=black", "duplicate-parameter"),
    ("deepObject", True, "object", "query", "color[R]=100&color[G]=200&color[B]=150&color[B]=1", "duplicate-parameter"),
    (
        "deepObject",
        True,
        "object",
        "query",
        "color[R]=100&color%5BR%5D=100&color[G]=200&color[B]=150",
        "duplicate-parameter",
    ),
    ("spaceDelimited", False, "object", "query", "color=R%20100%20G", "style"),
    ("form", False, "array", "cookie", "color=blue; color=black", "duplicate-parameter"),
    ("simple", False, "string", "header", "blue,blue", "const"),
]


def parameter(style: str, explode: bool, column: str, place: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "color",
        "in": place,
        "required": True,
        "style": style,
        "explode": explode,
        "schema": COLOR[column],
        **more,
    }


def faults_of(described: dict[str, Any], text: str, path: str = "/x{color}y") -> tuple[Fault, ...]:
    """What is found in a request that carries the text in the place that the parameter says."""
    place = described["in"]
    template = path if place == "path" else "/x"
    contract = Contract.compile({"paths": {template: {"get": {"parameters": [described]}}}})
    found = contract.match("GET", template.replace("{color}", text))
    assert isinstance(found, Match), "the path does not fit"
    headers = Headers.of([("color" if place == "header" else "cookie", text)] if place in ("header", "cookie") else [])
    return found.check_head(text if place == "query" else "", headers)


CELLS = [
    (style, explode, column, place, text)
    for style, explode, *texts in TABLE
    for column, text in zip(COLOR, texts, strict=True)
    for place in PLACES.get(style, ("query",))
    if text is not None
]


@pytest.mark.parametrize(("style", "explode", "column", "place", "text"), CELLS)
def test_every_cell_is_read_as_what_it_stands_for(style, explode, column, place, text):
    if place == "cookie":
        text = text.replace("&", "; ")
    if (style, column, place) == ("simple", "empty", "path"):  # an empty segment is another path
        with pytest.raises(AssertionError, match="the path does not fit"):
            faults_of(parameter(style, explode, column, place), text, path="/x/{color}")
        return
    assert faults_of(parameter(style, explode, column, place), text) == ()


@pytest.mark.parametrize(("style", "explode", "column", "place", "text"), ALIKE)
def test_other_ways_to_write_the_same(style, explode, column, place, text):
    assert faults_of(parameter(style, explode, column, place), text) == ()


@pytest.mark.parametrize(("style", "explode", "column", "place", "text", "rule"), REFUSED)
def test_what_is_written_otherwise_is_refused(style, explode, column, place, text, rule):
    assert [fault.rule for fault in faults_of(parameter(style, explode, column, place), text)] == [rule]


def test_the_whole_table_was_there():
    assert len(TABLE) == 7 * 2
    assert len(CELLS) == 53
    assert sum(text is None for _, _, *texts in TABLE for text in texts) == 19
    given = {(style, explode, column, place): text for style, explode, column, place, text in CELLS}
    assert len(given) == len(CELLS)


UNDEFINED = [
    ("spaceDelimited", True, "array", "color=blue&color=black&color=brown"),
    ("pipeDelimited", True, "array", "color=blue&color=black&color=brown"),
    ("pipeDelimited", True, "object", "R=100&G=200&B=150"),
    ("spaceDelimited", True, "object", "R=100&G=200&B=150"),
]
OBVIOUS = [
    ("spaceDelimited", False, "string", "color=blue"),
    ("pipeDelimited", False, "string", "color=blue"),
    ("deepObject", False, "object", "color[R]=100&color[G]=200&color[B]=150"),
]


@pytest.mark.parametrize(("style", "explode", "column", "text"), UNDEFINED)
def test_cells_that_the_specification_leaves_undefined_are_told_of(style, explode, column, text):
    described = parameter(style, explode, column, "query")
    assert faults_of(described, text) == ()
    partial = Contract.compile({"paths": {"/x": {"get": {"parameters": [described]}}}}).partial
    assert [trouble.pointer for trouble in partial] == ["/paths/~1x/get/parameters/0/schema"]


@pytest.mark.parametrize(("style", "explode", "column", "text"), OBVIOUS)
def test_cells_that_are_undefined_and_can_be_read_in_one_way_alone(style, explode, column, text):
    assert faults_of(parameter(style, explode, column, "query"), text) == ()


def test_allow_empty_value():
    described = parameter("form", True, "string", "query")
    assert [fault.rule for fault in faults_of(described, "color=")] == ["const"]
    assert faults_of({**described, "allowEmptyValue": True}, "color=") == ()
    assert faults_of({**described, "allowEmptyValue": True}, "color") == ()


def test_allow_reserved_lets_reserved_characters_stand():
    described = {**parameter("form", True, "string", "query"), "schema": {"const": "a/b?c:d@e"}, "allowReserved": True}
    assert faults_of(described, "color=a/b?c:d@e") == ()
    assert faults_of(described, "color=a%2Fb%3Fc%3Ad%40e") == ()


CONTENT = {
    "name": "color",
    "in": "query",
    "required": True,
    "content": {"application/json": {"schema": {"required": ["a"]}}},
}


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("color=%7B%22a%22:1%7D", []),
        ("color=%7B%7D", ["required"]),
        ("color=%7B", ["syntax"]),
        ("color=%7B%22a%22:1,%22a%22:2%7D", ["duplicate-name"]),
    ],
)
def test_parameters_with_content_are_json(text, rules):
    assert [fault.rule for fault in faults_of(CONTENT, text)] == rules
