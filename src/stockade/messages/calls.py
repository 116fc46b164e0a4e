"""Reads gRPC's length-prefixed messages (gRPC over HTTP/2, "Length-Prefixed-Message"), with their content if asked."""

from __future__ import annotations

from collections.abc import Iterator

from stockade.messages.message import BadMessage, Message, Part

_HEAD = 5  # one byte that says whether it is compressed, four of length


class CallReader:
    """limit: of a message, bytes; None: no bound. A message is yielded at its head, its bytes go on as they come.

    With `keep` it is yielded with its content when it is complete, and none of its bytes go on before.
    """

    def __init__(self, *, limit: int | None = None, keep: bool = False) -> None:
        if keep and limit is None:
            raise ValueError("what is kept needs a limit")
        self._limit = limit
        self._keep = keep
        self._held: bytearray | None = None  # the message that is kept, with its head
        self._head = b""
        self._left = 0  # bytes of the message that are still to come
        self._unread = b""  # what follows a bad head
        self._bad: BadMessage | None = None

    @property
    def between(self) -> bool:
        return self._left == 0 or self._held is not None

    def feed(self, data: bytes) -> Iterator[Part]:
        if self._bad is not None:
            raise self._bad
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                self._left -= len(piece)
                at += len(piece)
                yield from self._go_on(piece)
                continue
            piece = data[at : at + _HEAD - len(self._head)]
            at += len(piece)
            self._head += piece
            if self._head[0] > 1:
                self._unread = data[at:]
                self._bad = BadMessage("a message has an unknown flag")
                raise self._bad
            if len(self._head) == _HEAD:
                yield from self._begin()

    def _go_on(self, piece: bytes) -> Iterator[Part]:
        if self._held is None:
            yield piece, None
            return
        self._held += piece
        if not self._left:
            whole, self._held = bytes(self._held), None
            yield whole, Message("call", len(whole) - _HEAD, whole[_HEAD:], compressed=whole[0] == 1)

    def _begin(self) -> Iterator[Part]:
        head, self._head = self._head, b""
        self._left = size = int.from_bytes(head[1:], "big")
        too_long = self._limit is not None and size > self._limit
        if self._keep and size and not too_long:
            self._held = bytearray(head)
            return
        yield head, Message("call", size, compressed=head[0] == 1, too_long=too_long)

    def rest(self) -> bytes:
        return bytes(self._held or b"") + self._head + self._unread

    def end(self) -> None:
        """Raises BadMessage where the last message is incomplete."""
        if self._left or self._head:
            self._bad = BadMessage("the stream ends within a message")
            raise self._bad
