"""What every reader of a stream yields, and what it raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias
from typing import Protocol as Interface

from msgspec import Struct

Protocol: TypeAlias = Literal["websocket", "events", "grpc"]
Kind: TypeAlias = Literal["text", "binary", "ping", "pong", "close", "event", "call", "malformed"]

PROTOCOL_ERROR = 1002  # status codes of a WebSocket's Close frame (RFC 6455, section 7.4.1)
BAD_TEXT = 1007


class Message(Struct, frozen=True, gc=False):
    """One message of a stream.

    size: bytes; of a WebSocket message whose content is not kept what its first frame declares, of an event all of its
    lines, of a gRPC message what its header declares. data: the content, where it is kept. compressed: of gRPC.
    too_long: it is longer than the limit; this is said at its header, and its content is not there.
    trouble: how a message that is "malformed" breaks the protocol; the stream cannot be read any further.
    """

    kind: Kind
    size: int
    data: bytes = b""
    compressed: bool = False
    too_long: bool = False
    trouble: str = ""
    code: int = PROTOCOL_ERROR


Part: TypeAlias = tuple[bytes, Message | None]
"""Bytes that may go on, and the message that must have been judged before they do."""


class BadMessage(Exception):
    """The bytes break their protocol. The text may be shown to the client; `code` is for a WebSocket's Close frame."""

    def __init__(self, trouble: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(trouble)
        self.code = code


class Reader(Interface):
    """Reads one direction of one stream."""

    @property
    def between(self) -> bool:
        """Whether all that was passed on so far ends at a message's border, so that ours could follow."""

    def feed(self, data: bytes) -> Iterator[Part]:
        """The parts that these bytes complete. Raises BadMessage; whoever reads on after that gets the same again.

        A part's message is judged before the next part is asked for. To refuse it is to ask for no more.
        """

    def end(self) -> None:
        """Nothing more comes. Raises BadMessage where that must not be."""

    def rest(self) -> bytes:
        """What was fed and has not gone on."""
