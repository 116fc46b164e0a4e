"""Messages in streams: WebSocket frames (RFC 6455), server-sent events (WHATWG HTML), gRPC messages.

Each reader takes the bytes of one direction as they come, in pieces of any size, and yields parts in order: bytes that
may go on once the message beside them has been judged. A message that is longer than the limit is told at its header,
before any of it is kept; what breaks the protocol is `BadMessage`, and nothing else is ever raised.

    for passed, message in reader.feed(data): …
"""

from stockade.messages.calls import CallReader
from stockade.messages.events import EventReader
from stockade.messages.frames import close_frame
from stockade.messages.message import BadMessage, Message, Part, Protocol, Reader
from stockade.messages.protocols import reader, request_protocol, response_protocol
from stockade.messages.schema import BadSchema, MessageSchema, NotJson
from stockade.messages.websocket import WebSocketReader

__all__ = [
    "BadMessage",
    "BadSchema",
    "CallReader",
    "EventReader",
    "Message",
    "MessageSchema",
    "NotJson",
    "Part",
    "Protocol",
    "Reader",
    "WebSocketReader",
    "close_frame",
    "reader",
    "request_protocol",
    "response_protocol",
]
