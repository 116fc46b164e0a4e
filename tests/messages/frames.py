"""WebSocket frames as they must be, and as they must not."""

from __future__ import annotations


def frame(
    payload: bytes = b"",
    *,
    opcode: int = 1,
    final: bool = True,
    mask: bytes = b"\x12\x34\x56\x78",
    reserved: int = 0,
    size: int | None = None,
    width: int | None = None,
) -> bytes:
    """One frame. An empty mask is none. size: what it declares; width: of the extended length, 0, 2 or 8 bytes."""
    size = len(payload) if size is None else size
    if width is None:
        width = 0 if size < 126 else 2 if size < 1 << 16 else 8
    first = final << 7 | reserved << 4 | opcode
    second = bool(mask) << 7 | {0: size, 2: 126, 8: 127}[width]
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload)) if mask else payload
    return bytes([first, second]) + (size.to_bytes(width, "big") if width else b"") + mask + masked


def close(code: int, reason: str = "", **fields: bytes) -> bytes:
    return frame(code.to_bytes(2, "big") + reason.encode(), opcode=8, **fields)  # type: ignore[arg-type]
