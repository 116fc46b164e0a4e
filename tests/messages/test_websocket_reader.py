"""WebSocket frames: RFC 6455, and those who break it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.messages import BadMessage, Message, WebSocketReader, close_frame
from stockade.messages.frames import unmask
from tests.messages.frames import close, frame


def passing(**fields: int | None) -> WebSocketReader:
    return WebSocketReader(masked=True, **{"limit": 100, **fields})  # type: ignore[arg-type]


def keeping(limit: int = 100) -> WebSocketReader:
    return WebSocketReader(masked=True, limit=limit, keep=True)


def messages(reader: WebSocketReader, *pieces: bytes) -> list[Message]:
    return [message for piece in pieces for _, message in reader.feed(piece) if message is not None]


# What RFC 6455 gives as examples (section 5.7): bytes, whether the sender masks, what they say.
EXAMPLES = {
    "unmasked text": (b"\x81\x05Hello", False, [Message("text", 5, b"Hello")]),
    "masked text": (b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", True, [Message("text", 5, b"Hello")]),
    "fragmented text": (b"\x01\x03Hel\x80\x02lo", False, [Message("text", 5, b"Hello")]),
    "unmasked ping": (b"\x89\x05Hello", False, [Message("ping", 5, b"Hello")]),
    "masked pong": (b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", True, [Message("pong", 5, b"Hello")]),
    "256 bytes": (b"\x82\x7e\x01\x00" + bytes(256), False, [Message("binary", 256, bytes(256))]),
    "64 KiB": (b"\x82\x7f\0\0\0\0\0\1\0\0" + bytes(65536), False, [Message("binary", 65536, bytes(65536))]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name: str) -> None:
    data, masked, told = EXAMPLES[name]
    assert messages(WebSocketReader(masked=masked, limit=1 << 20, keep=True), data) == told


MALFORMED: dict[str, tuple[bytes, str, int]] = {
    "a reserved bit": (frame(b"", reserved=4), "reserved bit", 1002),
    "another": (frame(b"", reserved=1), "reserved bit", 1002),
    "opcode 3": (frame(b"", opcode=3), "reserved opcode", 1002),
    "opcode 15": (frame(b"", opcode=15), "reserved opcode", 1002),
    "a fragmented ping": (frame(b"", opcode=9, final=False), "fragmented", 1002),
    "a ping of 126 bytes": (frame(b"x" * 126, opcode=9), "more than 125", 1002),
    "a close of 2^40 bytes": (frame(b"", opcode=8, size=1 << 40), "more than 125", 1002),
    "unmasked": (frame(b"hello", mask=b""), "not masked", 1002),
    "2^63 bytes": (frame(b"", size=1 << 63), "highest bit", 1002),
    "2^64-1 bytes": (frame(b"", size=(1 << 64) - 1), "highest bit", 1002),
    "five bytes in two": (frame(b"hello", width=2), "fewest", 1002),
    "five bytes in eight": (frame(b"hello", width=8), "fewest", 1002),
    "a continuation of nothing": (frame(b"", opcode=0), "continues no message", 1002),
    "a message within another": (frame(b"a", final=False) + frame(b"b"), "incomplete", 1002),
    "no UTF-8": (frame(b"\xff"), "not UTF-8", 1007),
    "a surrogate": (frame(b"\xed\xa0\x80"), "not UTF-8", 1007),
    "half a character": (frame("é".encode()[:1]), "not UTF-8", 1007),
    "half a character at the end of fragments": (
        frame("é".encode()[:1], final=False) + frame(b"", opcode=0),
        "not UTF-8",
        1007,
    ),
    "a close of one byte": (frame(b"x", opcode=8), "status code", 1002),
    "close 999": (close(999), "status code", 1002),
    "close 1005": (close(1005), "status code", 1002),
    "close 1015": (close(1015), "status code", 1002),
    "close 5000": (close(5000), "status code", 1002),
    "a reason that is no text": (frame(b"\x03\xe8\xff", opcode=8), "not UTF-8", 1007),
    "a frame after the close": (close(1000) + frame(b"x"), "after a Close", 1002),
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str, keep: bool) -> None:
    data, says, code = MALFORMED[name]
    reader = WebSocketReader(masked=True, limit=1 << 62, keep=keep)
    with pytest.raises(BadMessage, match=says) as bad:
        messages(reader, data)
    assert bad.value.code == code


def test_a_servers_frame_must_not_be_masked() -> None:
    with pytest.raises(BadMessage, match="masked"):
        messages(WebSocketReader(masked=False), frame(b"hello"))


def test_text_may_be_cut_anywhere() -> None:
    text = "aé€😀".encode()
    for cut in range(len(text) + 1):
        data = frame(text[:cut], final=False) + frame(text[cut:], opcode=0)
        assert messages(keeping(), data) == [Message("text", len(text), text)]


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
def test_close(code: int) -> None:
    (message,) = messages(passing(), close(code, "bye"))
    assert (message.kind, message.data) == ("close", code.to_bytes(2, "big") + b"bye")
    assert messages(passing(), frame(b"", opcode=8)) == [Message("close", 0)]


# Sizes.


def test_too_long_is_told_at_the_header() -> None:
    for reader in (passing(), keeping()):
        head = frame(b"", size=1 << 62)
        assert messages(reader, head) == [Message("text", 1 << 62, too_long=True)]


def test_too_long_in_fragments() -> None:
    first, second = frame(b"a" * 60, final=False), frame(b"b" * 60, opcode=0)
    assert messages(keeping(), first, second[:6]) == [Message("text", 120, too_long=True)]
    assert messages(passing(), first, second[:6]) == [Message("text", 60), Message("text", 120, too_long=True)]


def test_whoever_does_not_mind_gets_the_rest() -> None:
    data = frame(b"a" * 60, final=False) + frame(b"b" * 60, opcode=0) + frame(b"short")
    for reader, last in ((passing(), Message("text", 5)), (keeping(), Message("text", 5, b"short"))):
        parts = list(reader.feed(data))
        assert b"".join(part for part, _ in parts) == data
        assert [message for _, message in parts if message is not None][-1] == last


def test_nothing_goes_on_before_it_is_judged() -> None:
    """Kept: not a byte of the message. Passing: not a byte before its head was judged."""
    data = frame(b"x" * 50)
    kept, passed = keeping(), passing()
    assert list(kept.feed(data[:-1])) == []
    assert kept.between
    assert list(kept.feed(data[-1:])) == [(data, Message("text", 50, b"x" * 50))]
    assert next(passed.feed(data)) == (b"", Message("text", 50))
    assert passed.between  # and so a Close frame could follow
    half = passing()
    assert b"".join(part for part, _ in half.feed(data[:20])) == data[:20]
    assert not half.between


def test_control_frames_do_not_wait() -> None:
    first, ping, last = frame(b"a", final=False), frame(b"?", opcode=9), frame(b"b", opcode=0)
    parts = list(keeping().feed(first + ping + last))
    assert parts == [(ping, Message("ping", 1, b"?")), (first + last, Message("text", 2, b"ab"))]


# Attacks.


def peak(reader: WebSocketReader, pieces: Iterator[bytes]) -> int:
    tracemalloc.start()
    try:
        for piece in pieces:
            for _, message in reader.feed(piece):
                if message is not None and message.too_long:
                    return tracemalloc.get_traced_memory()[1]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_million_fragments() -> None:
    """Of no bytes: what is held is bounded all the same."""
    empty = frame(b"", opcode=0, final=False) * 1000

    def pieces() -> Iterator[bytes]:
        yield frame(b"", final=False)
        for _ in range(1000):
            yield empty

    assert peak(keeping(1000), pieces()) < 200_000


def test_a_slow_drip_of_a_large_message() -> None:
    def pieces() -> Iterator[bytes]:
        yield frame(b"", size=1 << 40, opcode=2)
        for _ in range(50_000):
            yield b"x"

    assert peak(WebSocketReader(masked=True), pieces()) < 20_000


@given(st.binary(max_size=70), st.binary(min_size=4, max_size=4), st.integers(0, 9))
def test_masks(data: bytes, mask: bytes, offset: int) -> None:
    plain = bytes(byte ^ mask[(offset + index) % 4] for index, byte in enumerate(data))
    assert unmask(data, mask, offset) == plain


@given(st.integers(3000, 4999), st.text(max_size=200))
def test_our_close_frame(code: int, reason: str) -> None:
    """It can be read, whatever the reason."""
    (message,) = messages(WebSocketReader(masked=False), close_frame(code, reason))
    assert message.data[:2] == code.to_bytes(2, "big")
    assert reason.startswith(message.data[2:].decode())
