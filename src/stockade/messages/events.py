"""Reads a stream of server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stockade.messages.message import Message, Part

_LINE_END = re.compile(rb"\r\n|\n|\r")
_MARK = b"\xef\xbb\xbf"


class EventReader:
    """limit: of an event with all of its lines, bytes.

    An event goes on when it is complete: a client that gets half of one never hears of it, and discards it at the end.
    Comments between events go on at once, for they keep a connection alive. `data` are its data lines, joined.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()  # of which the end has not come
        self._block = bytearray()  # complete lines of the event, ends included
        self._data: list[bytes] = []
        self._size = 0
        self._first = True  # of all lines: a byte order mark may precede it
        self._after_return = False  # a line feed that comes next belongs to the last line's end
        self._unread = False  # the event is too long, and passes unread where that is allowed
        self._passed = 0  # bytes of the line, while unread, that have gone on

    @property
    def between(self) -> bool:
        return not self._unread

    def rest(self) -> bytes:
        return bytes(self._block + self._line)

    def end(self) -> None:
        """What is incomplete is discarded (section 9.2.6)."""

    def feed(self, data: bytes) -> Iterator[Part]:
        start = 0
        if self._after_return and data:
            self._after_return = False
            if data[:1] == b"\n":
                start = 1
                yield from self._raw(b"\n")
        for found in _LINE_END.finditer(data, start):
            yield from self._grow(data[start : found.start()])
            yield from self._end_line(found[0])
            start = found.end()
            self._after_return = start == len(data) and found[0] == b"\r"
        yield from self._grow(data[start:])

    def _raw(self, data: bytes) -> Iterator[Part]:
        """A line's end that came in two pieces."""
        if self._block and not self._unread:
            self._block += data
        else:
            yield data, None

    def _grow(self, piece: bytes) -> Iterator[Part]:
        if self._unread:
            self._passed += len(piece)
            yield piece, None
            return
        self._line += piece
        if self._size + len(self._line) > self._limit:
            self._unread = True
            yield b"", Message("event", self._limit + 1, too_long=True)  # how long it will be nobody knows
            self._passed = len(self._line)
            held = bytes(self._block + self._line)
            self._block, self._line = bytearray(), bytearray()
            yield held, None

    def _end_line(self, ends: bytes) -> Iterator[Part]:
        line, self._line = bytes(self._line), bytearray()
        if self._first:
            self._first = False
            line_text = line.removeprefix(_MARK)
        else:
            line_text = line
        if self._unread:
            yield ends, None
            if self._passed == 0:
                self._forget()
            self._passed = 0
        elif not line_text:
            yield from self._finish(line + ends)
        elif line_text[:1] == b":" and not self._block:
            yield line + ends, None
        else:
            self._block += line + ends
            self._size += len(line) + 1
            self._field(line_text)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))

    def _finish(self, ends: bytes) -> Iterator[Part]:
        message = Message("event", self._size, b"\n".join(self._data)) if self._data else None
        block = bytes(self._block) + ends
        self._forget()
        yield block, message

    def _forget(self) -> None:
        self._block, self._data, self._size, self._unread = bytearray(), [], 0, False
