"""What holds for every reader: pieces of any size give what the whole gives, and garbage gives BadMessage alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.messages import BadMessage, CallReader, EventReader, Message, Reader, WebSocketReader
from tests.messages.frames import frame

Make = Callable[[], Reader]
READERS: dict[str, Make] = {
    "websocket, passing": lambda: WebSocketReader(masked=True, limit=20),
    "websocket, kept": lambda: WebSocketReader(masked=True, limit=20, keep=True),
    "websocket of a server": lambda: WebSocketReader(masked=False),
    "events": lambda: EventReader(limit=20),
    "calls": lambda: CallReader(limit=20),
    "calls, kept": lambda: CallReader(limit=20, keep=True),
}

frames = st.builds(
    frame,
    st.binary(max_size=12) | st.sampled_from([b"\xc3", b"\xa9", "é".encode(), b"\x03\xe8", b"x" * 126]),
    opcode=st.sampled_from([0, 0, 1, 2, 8, 9, 10]),
    final=st.booleans() | st.just(True),
    mask=st.sampled_from([b"abcd", b"\0\0\0\0"]),
)
lines = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b": hello",
        b"id: 1",
        b"x",
        b"",
        b"",
        b"\xef\xbb\xbfdata: c",
        b"data: " + b"d" * 15,
    ]
)
event_lines = st.builds(b"".join, st.lists(st.builds(bytes.__add__, lines, st.sampled_from([b"\n", b"\r", b"\r\n"]))))
calls = st.builds(
    lambda flag, size, data: bytes([flag]) + size.to_bytes(4, "big") + data,
    st.sampled_from([0, 0, 1, 2]),
    st.integers(0, 24),
    st.binary(max_size=24),
)
STREAMS = {
    "websocket, passing": st.builds(b"".join, st.lists(frames)),
    "websocket, kept": st.builds(b"".join, st.lists(frames)),
    "websocket of a server": st.builds(b"".join, st.lists(frames)) | st.binary(),
    "events": event_lines,
    "calls": st.builds(b"".join, st.lists(calls)),
    "calls, kept": st.builds(b"".join, st.lists(calls)),
}


def read(reader: Reader, *pieces: bytes) -> tuple[bytes, list[Message], str]:
    """What went on, what was judged, and how it ended."""
    passed, messages = b"", []
    try:
        for piece in pieces:
            for part, message in reader.feed(piece):
                passed += part
                if message is not None:
                    messages.append(message)
        reader.end()
    except BadMessage as error:
        return passed, messages, str(error)
    return passed, messages, ""


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_pieces_are_as_good_as_the_whole(name: str, data: st.DataObject) -> None:
    stream = data.draw(STREAMS[name] | st.binary(max_size=60))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole, cut, bytewise = (
        read(READERS[name](), *given) for given in ([stream], pieces, [stream[i : i + 1] for i in range(len(stream))])
    )
    assert whole[1:] == cut[1:] == bytewise[1:]
    assert came_so(whole[0], stream, name)
    if not whole[2]:
        assert whole[0] == cut[0] == bytewise[0]


@pytest.mark.parametrize("name", READERS)
@given(st.lists(st.binary(max_size=40), max_size=5))
def test_garbage_is_refused_in_one_way(name: str, pieces: list[bytes]) -> None:
    passed, _, _ = read(READERS[name](), *pieces)
    assert came_so(passed, b"".join(pieces), name)


def came_so(passed: bytes, stream: bytes, name: str) -> bool:
    """Nothing is made up. Where messages are kept until they are whole, a control frame may overtake their pieces."""
    if name == "websocket, kept":
        return Counter(passed) <= Counter(stream)
    return stream.startswith(passed)


@pytest.mark.parametrize("name", READERS)
def test_whoever_reads_on_hears_the_same(name: str) -> None:
    if name == "events":
        return  # nothing is malformed there
    reader = READERS[name]()
    assert read(reader, b"\xff\xff\xff\xff\xff")[2] == read(reader, b"more")[2] != ""
