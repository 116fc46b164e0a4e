"""Whatever a client sends, the answer is faults; whatever a description says, a contract or BadContract."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stockade.openapi.contract import BadContract, Contract, Match
from stockade.openapi.faults import Fault
from stockade.wire import Headers
from tests.openapi.contract.descriptions import body_of, document_of, found_in
from tests.openapi.contract.test_contract_bodies import ENCODING, FIELDS, FORM, PET, PETS, UPLOAD

PLACES = ["query", "header", "cookie"]
SHAPES = [
    {"type": "integer"},
    {"type": ["number", "string", "null"]},
    {"type": "array", "items": {"type": "integer"}},
    {"type": "object", "properties": {"a": {"type": "boolean"}}, "additionalProperties": {"type": "integer"}},
    {"anyOf": [{"type": "array"}, {"type": "object"}, {"type": "string", "format": "date-time"}]},
]
STYLES = {"query": ["form", "spaceDelimited", "pipeDelimited", "deepObject"], "header": ["simple"], "cookie": ["form"]}
PARAMETERS = [
    {
        "name": f"{place[0]}{number}{style[0]}{explode:d}",
        "in": place,
        "style": style,
        "explode": explode,
        "schema": schema,
    }
    for place in PLACES
    for number, schema in enumerate(SHAPES)
    for style in STYLES[place]
    for explode in (False, True)
]
CONTRACT = Contract.compile(document_of({"parameters": PARAMETERS}), strict=True)
NAMES = {place: [str(one["name"]) for one in PARAMETERS if one["in"] == place] for place in PLACES}
# What a door lets in: printable ASCII in a target, ISO 8859-1 in a field.
TARGET = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
FIELD = st.text(alphabet=st.characters(min_codepoint=9, max_codepoint=255), max_size=40)
HINTS = st.sampled_from(
    ["1", "a=1,b=2", "a,1", "%20", "[a]", "%5Ba%5D", "true", "", "=", ",", "|", ";", "&", "%c0%ae", "9" * 70]
)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES["query"]), st.sampled_from(["=", "[a]=", ""]), TARGET | HINTS), max_size=6)
)
def test_any_query_gives_faults_and_nothing_else(pairs):
    check("&".join("".join(pair) for pair in pairs), [])


@given(st.lists(st.tuples(st.sampled_from(NAMES["header"]), FIELD | HINTS), max_size=4), FIELD | HINTS)
def test_any_header_gives_faults_and_nothing_else(fields, cookie):
    check("", [*fields, ("cookie", cookie), *(("cookie", f"{name}={cookie}") for name in NAMES["cookie"][:3])])


def check(query: str, headers: list[tuple[str, str]]) -> None:
    for fault in found_in(CONTRACT).check_head(query, Headers.of(headers)):
        assert type(fault) is Fault


PATHS = Contract.compile(
    {
        "paths": {
            f"/{style}{explode:d}{number}/{{p}}": {
                "get": {
                    "parameters": [
                        {
                            "name": "p",
                            "in": "path",
                            "required": True,
                            "style": style,
                            "explode": explode,
                            "schema": schema,
                        }
                    ]
                }
            }
            for style in ("matrix", "label", "simple")
            for explode in (False, True)
            for number, schema in enumerate(SHAPES)
        }
    }
)


@given(st.sampled_from(PATHS.operations), TARGET | HINTS | (TARGET | HINTS).map(lambda text: ";p=" + text))
def test_any_path_gives_faults_and_nothing_else(operation, text):
    found = PATHS.match("GET", operation.template.replace("{p}", text.replace("/", "")))
    if isinstance(found, Match):
        assert all(type(fault) is Fault for fault in found.check_head("", Headers([], [])))


BODIES = {
    "json": (body_of(PET), "application/json"),
    "form": (body_of(FIELDS, FORM, encoding=ENCODING), FORM),
    "multipart": (body_of(UPLOAD, "multipart/form-data"), "multipart/form-data; boundary=b"),
    "text": (body_of({"type": ["integer", "string"]}, "text/plain"), "text/plain"),
    "xml": (body_of({}, "application/xml"), "application/xml"),
    "bytes": (body_of({"type": "string", "maxLength": 3}, "*/*"), "image/png"),
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["kind", "tail", "lives", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("name", BODIES)
@given(data=st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode()) | TARGET.map(str.encode))
@example(data=b"[" * 100_000)
@example(data=b'{"kind":' * 1000)
@example(data=b"1" * 100_000)
@example(data=b"--b\r\n" * 1000)
def test_any_body_gives_faults_and_nothing_else(name, data):
    operation, kind = BODIES[name]
    compiled = COMPILED.setdefault(name, found_in(Contract.compile(document_of(operation, PETS), strict=True)))
    assert all(type(fault) is Fault for fault in compiled.operation.check_body(kind, data))


COMPILED: dict[str, Match] = {}
KEYWORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "allOf",
        "anyOf",
        "$ref",
        "required",
        "pattern",
        "enum",
        "format",
        "discriminator",
        "oneOf",
        "if",
        "readOnly",
    ]
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "object", "#/components/schemas/A", "#", "^(", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=3),
    max_leaves=10,
)


@given(JUNK, JUNK, JUNK)
def test_any_description_is_compiled_or_refused(one, other, third):
    """What `reading` would have refused before, too."""
    document = {
        "paths": {
            "/x": {"post": {"parameters": [one, {"name": "a", "in": "query", "schema": other}], **body_of(third)}}
        },
        "components": {"schemas": {"A": third, "B": one}},
        "security": other,
        "servers": one,
    }
    for strict in (False, True):
        try:
            contract = Contract.compile(document, strict=strict)
        except BadContract:
            continue
        found_in(contract).check_head("a=1", Headers([], []))
        found_in(contract).operation.check_body("application/json", b'{"a": [1]}')
