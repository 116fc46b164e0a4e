"""WebSocket frames (RFC 6455, section 5): heads, masks, Close."""

from __future__ import annotations

from typing import NamedTuple

from stockade.messages.message import BAD_TEXT, BadMessage

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_LONGEST_CONTROL = 125
_LONGEST_REASON = 123


class Head(NamedTuple):
    """The head of a frame. size: of the payload; length: of the head itself; both in bytes."""

    final: bool
    opcode: int
    size: int
    mask: bytes
    length: int

    @property
    def is_control(self) -> bool:
        return self.opcode >= CLOSE


def read_head(buffer: bytearray, masked: bool) -> Head | None:
    """The head that the buffer begins with; None while it is incomplete. Raises BadMessage.

    What its first two bytes have wrong is told as soon as they are there. masked: whether the sender must mask.
    """
    if len(buffer) < 2:
        return None
    first, second = buffer[0], buffer[1]
    _check_start(first, second, masked)
    size = second & 0x7F
    extended = {126: 2, 127: 8}.get(size, 0)
    length = 2 + extended + (4 if masked else 0)
    if len(buffer) < 2 + extended:
        return None
    if extended:
        size = _read_size(buffer, extended)
    if len(buffer) < length:
        return None
    return Head(bool(first & 0x80), first & 0x0F, size, bytes(buffer[length - 4 : length]) if masked else b"", length)


def _check_start(first: int, second: int, masked: bool) -> None:
    opcode = first & 0x0F
    if first & 0x70:
        raise BadMessage("a frame has a reserved bit set, and no extension was agreed on")
    if opcode not in _OPCODES:
        raise BadMessage("a frame has a reserved opcode")
    if opcode >= CLOSE and not first & 0x80:
        raise BadMessage("a control frame is fragmented")
    if opcode >= CLOSE and second & 0x7F > _LONGEST_CONTROL:
        raise BadMessage("a control frame has more than 125 bytes")
    if masked != bool(second & 0x80):
        raise BadMessage("a client's frame is not masked" if masked else "a server's frame is masked")


def _read_size(buffer: bytearray, extended: int) -> int:
    size = int.from_bytes(buffer[2 : 2 + extended], "big")
    if size >> 63:
        raise BadMessage("a frame's length has its highest bit set")
    if size <= _LONGEST_CONTROL or (extended == 8 and size < 1 << 16):
        raise BadMessage("a frame's length is not written in the fewest bytes")
    return size


def unmask(data: bytes, mask: bytes, offset: int) -> bytes:
    """The payload; `data` begins at `offset` within its frame (section 5.3)."""
    count = len(data)
    if not mask or not count:
        return data
    turn = offset & 3
    key = ((mask[turn:] + mask[:turn]) * (count // 4 + 1))[:count]
    return (int.from_bytes(data, "little") ^ int.from_bytes(key, "little")).to_bytes(count, "little")


def check_close(payload: bytes) -> None:
    """Raises BadMessage where the payload of a Close frame is none (sections 5.5.1 and 7.4)."""
    if not payload:
        return
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise BadMessage("a Close frame has no valid status code")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise BadMessage("the reason in a Close frame is not UTF-8", BAD_TEXT) from None


def close_frame(code: int, reason: str = "") -> bytes:
    """A Close frame as a server sends it; a reason that is too long is cut."""
    text = reason.encode()[:_LONGEST_REASON].decode(errors="ignore").encode()
    payload = code.to_bytes(2, "big") + text
    return bytes([0x80 | CLOSE, len(payload)]) + payload
