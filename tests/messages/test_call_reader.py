"""gRPC's length-prefixed messages."""

from __future__ import annotations

import pytest

from stockade.messages import BadMessage, CallReader, Message
from stockade.messages.protocols import is_grpc


def call(size: int, data: bytes = b"", flag: int = 0) -> bytes:
    return bytes([flag]) + size.to_bytes(4, "big") + data


def test_messages() -> None:
    stream = call(3, b"abc") + call(0) + call(2, b"de", flag=1)
    reader = CallReader(limit=3)
    parts = list(reader.feed(stream))
    assert b"".join(part for part, _ in parts) == stream
    sizes = [(message.size, message.compressed) for _, message in parts if message is not None]
    assert sizes == [(3, False), (0, False), (2, True)]
    reader.end()


def test_a_size_is_judged_before_anything_follows() -> None:
    assert list(CallReader(limit=9).feed(call(10))) == [(call(10), Message("call", 10, too_long=True))]
    assert list(CallReader(limit=9).feed(call(0xFFFFFFFF))) == [
        (call(0xFFFFFFFF), Message("call", 0xFFFFFFFF, too_long=True))
    ]


@pytest.mark.parametrize("data", [b"\0", b"\0\0\0\0", call(1), call(5, b"abcd")])
def test_the_end_within_a_message(data: bytes) -> None:
    reader = CallReader()
    list(reader.feed(data))
    with pytest.raises(BadMessage, match="within a message"):
        reader.end()


@pytest.mark.parametrize("flag", [2, 0x80, 0xFF])
def test_flags(flag: int) -> None:
    """0x80 marks the trailers of gRPC-Web."""
    reader = CallReader()
    with pytest.raises(BadMessage, match="flag"):
        list(reader.feed(bytes([flag]) + b"more"))
    assert reader.rest() == bytes([flag]) + b"more"


TYPES = {
    "application/grpc": True,
    "application/grpc+proto": True,
    "Application/GRPC ; charset=utf-8": True,
    "application/grpc-web": False,
    "application/grpc-web+proto": False,
    "application/grpcx": False,
    "application/json": False,
    "": False,
}


@pytest.mark.parametrize("kind", TYPES)
def test_media_types(kind: str) -> None:
    assert is_grpc(kind) is TYPES[kind]
    assert not is_grpc(None)


def test_what_is_kept_goes_on_whole():
    reader = CallReader(limit=5, keep=True)
    data = b"\0\0\0\0\3abc" + b"\0\0\0\0\0" + b"\1\0\0\0\2xy"
    parts = [part for index in range(len(data)) for part in reader.feed(data[index : index + 1])]
    assert parts == [
        (b"\0\0\0\0\3abc", Message("call", 3, b"abc")),
        (b"\0\0\0\0\0", Message("call", 0)),
        (b"\1\0\0\0\2xy", Message("call", 2, b"xy", compressed=True)),
    ]
    assert list(reader.feed(b"\0\0\0\0\6")) == [(b"\0\0\0\0\6", Message("call", 6, too_long=True))]
    assert list(reader.feed(b"abc")) == [(b"abc", None)]
    assert not reader.between
    reader = CallReader(limit=5, keep=True)
    assert list(reader.feed(b"\0\0\0\0\3ab")) == []
    assert (reader.between, reader.rest()) == (True, b"\0\0\0\0\3ab")
    with pytest.raises(ValueError, match="limit"):
        CallReader(keep=True)
