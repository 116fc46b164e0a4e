"""Reads the frames of one direction of a WebSocket (RFC 6455), without extensions."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from stockade.messages.frames import CLOSE, CONTINUATION, PING, TEXT, Head, check_close, read_head, unmask
from stockade.messages.message import BAD_TEXT, BadMessage, Kind, Message, Part

_Utf8 = codecs.getincrementaldecoder("utf-8")
_MORE_HEADS = 1024  # bytes that the heads of continuation frames may have beyond the limit of a message


class WebSocketReader:
    """masked: whether the sender is the client, who must mask. limit: of a message, bytes; None: no bound.

    With `keep` a message is yielded with its content when it is complete, and none of its bytes go on before; without,
    it is yielded at its first frame's head, and its bytes go on as they come. Control frames never wait.
    """

    def __init__(self, *, masked: bool, limit: int | None = None, keep: bool = False) -> None:
        if keep and limit is None:
            raise ValueError("what is kept needs a limit")
        self._masked = masked
        self._limit = limit
        self._keep = keep
        self._buffer = bytearray()
        self._held = bytearray()  # frames of the message that is being kept
        self._content = bytearray()
        self._frame: Head | None = None  # the data frame whose payload is being read
        self._head = 0  # bytes of its head that are still in the buffer
        self._read = 0  # bytes of its payload that were read
        self._kind: Kind | None = None  # of the message that has begun
        self._size = self._heads = 0
        self._unread = False  # the message is too long, and passes unread where that is allowed
        self._text: codecs.IncrementalDecoder | None = None
        self._closed = False
        self._bad: BadMessage | None = None

    @property
    def between(self) -> bool:
        return self._frame is None or self._head > 0 or (self._keep and not self._unread)

    def rest(self) -> bytes:
        return bytes(self._held + self._buffer)

    def end(self) -> None:
        """A connection may end anywhere: what was incomplete was never passed on whole."""

    def feed(self, data: bytes) -> Iterator[Part]:
        if self._bad is not None:
            raise self._bad
        self._buffer += data
        try:
            while (self._frame is not None and self._buffer) or self._begin_frame():
                yield from self._payload() if self._frame is not None else self._control()
        except BadMessage as error:
            self._bad = error
            raise

    # Heads.

    def _begin_frame(self) -> bool:
        """Whether a frame can be gone on with: of a control frame all must be there, of another the head."""
        if not self._buffer:
            return False
        if self._closed:
            raise BadMessage("there is more after a Close frame")
        head = read_head(self._buffer, self._masked)
        if head is None:
            return False
        if head.is_control:
            return len(self._buffer) >= head.length + head.size
        self._frame = head
        self._head, self._read = head.length, 0
        return True

    def _control(self) -> Iterator[Part]:
        head = read_head(self._buffer, self._masked)
        assert head is not None
        whole = bytes(self._buffer[: head.length + head.size])
        payload = unmask(whole[head.length :], head.mask, 0)
        kind: Kind = "ping" if head.opcode == PING else "pong"
        if head.opcode == CLOSE:
            check_close(payload)
            kind = "close"
            self._closed = True
        del self._buffer[: len(whole)]
        yield whole, Message(kind, head.size, payload)

    # Data frames.

    def _payload(self) -> Iterator[Part]:
        frame = self._frame
        assert frame is not None
        if self._head:
            yield from self._count(frame)
        start = self._head
        piece = bytes(self._buffer[start : start + frame.size - self._read])
        ends = self._read + len(piece) == frame.size
        self._take(unmask(piece, frame.mask, self._read), ends and frame.final)
        self._read += len(piece)
        passed = bytes(self._buffer[:start]) + piece
        del self._buffer[: len(passed)]
        self._head = 0
        if ends:
            self._frame = None
        if ends and frame.final:
            yield from self._finish(passed)
        elif self._keep and not self._unread:
            self._held += passed
        else:
            yield passed, None

    def _count(self, frame: Head) -> Iterator[Part]:
        """A data frame's head is there: begin a message or go on with one, and see how long it is to be."""
        if (frame.opcode == CONTINUATION) == (self._kind is None):
            fault = "begins while another message is incomplete" if self._kind else "continues no message"
            raise BadMessage(f"a frame {fault}")
        begins = self._kind is None
        if begins:
            self._kind = "text" if frame.opcode == TEXT else "binary"
            self._text = _Utf8() if self._kind == "text" else None
        else:
            self._heads += frame.length
        self._size += frame.size
        limit = self._limit
        if limit is not None and not self._unread and (self._size > limit or self._heads > limit + _MORE_HEADS):
            self._unread = True
            held, self._held, self._content = bytes(self._held), bytearray(), bytearray()
            yield b"", Message(self._kind or "binary", self._size, too_long=True)
            yield held, None
        elif begins and not self._keep:
            yield b"", Message(self._kind or "binary", self._size)

    def _take(self, payload: bytes, last: bool) -> None:
        if self._text is not None:
            try:
                self._text.decode(payload, last)
            except UnicodeDecodeError:
                raise BadMessage("a text message is not UTF-8", BAD_TEXT) from None
        if self._keep and not self._unread:
            self._content += payload

    def _finish(self, last: bytes) -> Iterator[Part]:
        kind, kept = self._kind, self._keep and not self._unread
        message = Message(kind or "binary", self._size, bytes(self._content)) if kept else None
        held = bytes(self._held) + last
        self._held, self._content = bytearray(), bytearray()
        self._kind = self._text = None
        self._size = self._heads = 0
        self._unread = False
        yield held, message
