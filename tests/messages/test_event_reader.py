"""Server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import tracemalloc

import pytest

from stockade.messages import EventReader, Message


def read(*pieces: bytes, limit: int = 1000) -> list[tuple[bytes, bytes | None]]:
    """What goes on, and the data of the event that had to be judged for it."""
    reader = EventReader(limit=limit)
    parts = [part for piece in pieces for part in reader.feed(piece)]
    return [(passed, message.data if message is not None else None) for passed, message in parts if passed or message]


# The standard's own examples, and the corners of its grammar: a stream and the data of its events.
STREAMS: dict[str, tuple[bytes, list[bytes]]] = {
    "one line": (b"data: hello\n\n", [b"hello"]),
    "several lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [b"YHOO\n+2\n10"]),
    "comments and ids": (
        b": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
        [b"first", b"second", b" third"],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:", [b"", b"\n"]),
    "with and without a space": (b"data:test\n\ndata: test\n\n", [b"test", b"test"]),
    "no data, no event": (b"event: x\nid: 7\n\n", []),
    "unknown fields": (b"other: x\nDATA: y\ndata: z\n\n", [b"z"]),
    "returns": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "returns and feeds": (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "a second mark is text": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "a colon in the data": (b'data: {"a": 1}\n\n', [b'{"a": 1}']),
    "incomplete": (b"data: a\n", []),
}


@pytest.mark.parametrize("name", STREAMS)
def test_events(name: str) -> None:
    stream, told = STREAMS[name]
    parts = read(stream)
    assert [data for _, data in parts if data is not None] == told
    passed = b"".join(part for part, _ in parts)
    reader = EventReader(limit=1000)
    for _ in reader.feed(stream):
        pass
    assert passed + reader.rest() == stream


def test_what_is_held() -> None:
    assert read(b"data: a\n") == []
    assert read(b"data: a\n", b"\n") == [(b"data: a\n\n", b"a")]
    assert read(b": alive\n") == [(b": alive\n", None)]
    assert read(b": ali", b"ve\n") == [(b": alive\n", None)]
    assert read(b"data: a\n: within\n") == []


def test_without_line_ends() -> None:
    """What has no end is refused as soon as it is too long, and not kept until then by more than that."""
    reader = EventReader(limit=1000)
    tracemalloc.start()
    told: list[Message] = []
    for _ in range(10_000):
        told += [message for _, message in reader.feed(b"x" * 100) if message is not None]
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(message.too_long, message.size, message.data) for message in told] == [(True, 1001, b"")]
    assert memory < 50_000


def test_a_million_short_lines() -> None:
    told = [message for _, message in EventReader(limit=1000).feed(b"data\n" * 1_000_000) if message is not None]
    assert [message.too_long for message in told] == [True]


def test_whoever_does_not_mind_gets_the_rest() -> None:
    stream = b"data: a\n\n" + b"data: " + b"x" * 50 + b"\ndata: y\r\n\r\n" + b"data: b\n\n"
    parts = read(stream, limit=20)
    assert b"".join(part for part, _ in parts) == stream
    assert [data for _, data in parts if data is not None] == [b"a", b"", b"b"]
