"""JSON messages: strictly read, and judged by schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.messages import BadSchema, MessageSchema
from tests.messages.strictly import strictly

ANY = MessageSchema(True, strictly)
SHAPE = MessageSchema(
    {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "list": {"items": {"format": "date-time"}}, "a/b~": {"const": 1}},
        "required": ["n"],
        "additionalProperties": False,
    },
    strictly,
)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nul", b"{'a': 1}", b'{"a": 1,}', b"[1] 2", b"\xef\xbb\xbf{}", b"\xff", b'"\xed\xa0\x80"', b"NaN",
        b"-Infinity", b"1e400",
        b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "\\u0062": 2}}', rb'"\ud800"', rb'{"\udfff": 1}', rb'["\uD83D"]',
        b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'"\0"', b"01", b"+1", b"1.", b".5", b"0x1",
    ],
)  # fmt: skip
def test_no_json(data: bytes) -> None:
    assert ANY.fault(data) is not None


@pytest.mark.parametrize("data", [b"1", b"null", rb'"\ud83d\ude00"', b'{"a": {"a": 1}}', b" [ ] "])
def test_json(data: bytes) -> None:
    assert ANY.fault(data) is None


FAULTS: dict[str, tuple[Any, tuple[str, str] | None]] = {
    "fits": ({"n": 1, "list": ["2025-01-01T00:00:00Z"]}, None),
    "type": ({"n": "1"}, ("/n", "type")),
    "required": ({}, ("", "required")),
    "unknown": ({"n": 1, "m": 1}, ("", "additionalProperties")),
    "format": ({"n": 1, "list": ["no"]}, ("/list/0", "format")),
    "an odd name": ({"n": 1, "a/b~": 2}, ("/a~1b~0", "const")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str) -> None:
    value, fault = FAULTS[name]
    assert SHAPE.fault(json.dumps(value).encode()) == fault


@pytest.mark.parametrize(
    "document",
    [
        7,
        [],
        "x",
        None,
        {"type": "no"},
        {"$ref": "#/no"},
        {"$ref": "https://example.com/x"},
        {"pattern": "("},
        {"pattern": "(?=a)"},
    ],
)
def test_bad_schemas(document: Any) -> None:
    with pytest.raises(BadSchema):
        MessageSchema(document, strictly)


def test_a_pattern_takes_linear_time() -> None:
    schema = MessageSchema({"pattern": "^(a+)+$"}, strictly)
    # What backtracks would not come back.
    assert schema.fault(json.dumps("a" * 50_000 + "b").encode()) == ("", "pattern")


@given(st.binary() | st.text().map(lambda text: json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")))
def test_garbage(data: bytes) -> None:
    for schema in (ANY, SHAPE):
        fault = schema.fault(data)
        assert fault is None or isinstance(fault[1], str)
