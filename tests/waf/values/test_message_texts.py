"""The texts that rules see of a message whose language nobody has told."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.waf.texts import Kind, texts_of

SQL = "1' OR '1'='1' --"


def texts(data: bytes | str, kind: Kind = "text", most: int = 1000) -> list[tuple[bytes, bytes]]:
    return texts_of(data.encode() if isinstance(data, str) else data, kind, depth=20, most=most)


def values(data: bytes | str, kind: Kind = "text", most: int = 1000) -> list[bytes]:
    return [value for _, value in texts(data, kind, most)]


def field(number: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def test_json_is_flattened_as_in_bodies():
    assert texts('{"a": {"b": ["x", 1]}}') == [(b"json.a.b.array_0", b"x"), (b"json.a.b.array_1", b"1")]
    assert texts(b'{"a": "x"}', "binary") == [(b"json.a", b"x")]
    assert texts(f'42["say","{SQL}"]') == [
        (b"message", b"42"),
        (b"json.array_0", b"say"),
        (b"json.array_1", SQL.encode()),
    ]
    stomp = 'SEND\ndestination:/queue/a\n\n{"a": "x"}\0'
    assert texts(stomp) == [(b"message", b"SEND\ndestination:/queue/a\n\n"), (b"json.a", b"x")]


@pytest.mark.parametrize(
    "text",
    [SQL, f"hello {{{SQL}}}", f'{{"a": "{SQL}",}}', f'{{"a": "{SQL}"', "x" * 2000 + f'["{SQL}"]', "[" * 500 + SQL],
)
def test_what_is_no_json_is_one_text(text):
    assert texts(text)[-1] == (b"message", text.encode())


def test_binary_messages():
    packed = msgspec.msgpack.encode({"a": ["x", SQL], "#-- ": {1: b"\0abc\0"}})
    assert {b"a", b"x", SQL.encode(), b"abc", b"#-- "} <= set(values(packed, "binary"))
    assert values(b"\0\1ab\2\3abcd\x7f\xffz", "binary") == [b"abcd"]
    assert values(b"\xff\xff\xff", "binary") == [b"\xff\xff\xff"]


def test_protobuf():
    inner = field(1, SQL.encode()) + b"\x10\x96\x01" + b"\x1d1234" + b"\x21" + b"12345678"
    assert texts(field(3, inner) + field(4, b"plain") + field(2047 >> 3 & 15, b"\0\1raw\0"), "call") == [
        (b"3.1", SQL.encode()),
        *[(b"3", run) for run in (SQL.encode(), b"\x1d1234!12345678"[1:])],
        (b"4", b"plain"),
        (b"15", b"raw"),
    ]


def test_a_text_that_could_be_a_message_hides_nothing():
    """All bytes of these are good protobuf: the injection lies in a number of eight bytes, or behind a comment's sign
    that is a length."""
    number = b"1' OR 1=1"
    assert number in values(field(1, number), "call")
    assert number in b"".join(values(field(1, number + b"\x08\x01"), "call"))
    nested = field(1, b"1 OR 1=1 UNION SELECT password pwd;")
    assert nested[1:2] == b"#"
    assert nested[2:] in values(field(1, nested), "call")


def test_there_is_a_bound():
    many = b"".join(field(1, b"abc") for _ in range(50))
    assert texts(many, "call", most=20) == [(b"message", many)]
    deep = b"x"
    for _ in range(60):
        deep = field(1, deep)
    assert len(texts(deep, "call")) <= 40
    assert texts(b"\0abc" * 50, "binary", most=20) == [(b"message", b"\0abc" * 50)]


@given(st.binary(max_size=200), st.sampled_from(["text", "binary", "call"]))
def test_garbage_is_read_without_complaint(data, kind):
    found = texts(data, kind)
    assert all(isinstance(name, bytes) and isinstance(value, bytes) for name, value in found)


@given(st.text(alphabet=st.characters(codec="utf-8", min_codepoint=32, exclude_characters="\x7f"), min_size=1))
def test_no_text_is_lost(text):
    """In whatever place of a message of protobuf's it stands, and as a message of its own."""
    encoded = text.encode()[:100]
    assert encoded in values(field(1, encoded), "call")
    assert encoded in values(field(2, field(1, encoded) + b"\x08\x01"), "call")
    packed = values(msgspec.msgpack.encode([text]), "binary")
    assert text.encode() in packed
