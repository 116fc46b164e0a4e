"""How many pixels a picture has, by its header: a small file may unpack to gigabytes of them in whatever shows it.

PNG (ISO 15948), GIF89a, JPEG (ITU-T T.81), WebP (RFC 9649), BMP. Of other kinds the number is not known, and is 0.
"""

from __future__ import annotations

from struct import unpack_from

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG: markers that give the size
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length


def pixels_of(content: bytes, kind: str) -> int:
    """Width times height; 0 where the header is cut off or unknown."""
    reader = _READERS.get(kind)
    width, height = reader(content.ljust(32, b"\0")) if reader else (0, 0)
    return width * height


def _png(content: bytes) -> tuple[int, int]:
    width, height = unpack_from(">2L", content, 16)
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    width, height = unpack_from("<2H", content, 6)
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    width, height = unpack_from("<2l", content, 18)
    return abs(width), abs(height)


def _jpeg(content: bytes) -> tuple[int, int]:
    """The largest of the frames: readers differ on which counts."""
    at, width, height = 2, 0, 0
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):  # the end, or the picture itself
            break
        if marker in _FRAMES:
            high, wide = unpack_from(">2H", content, at + 5)
            width, height = max(width, wide), max(height, high)
        at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
    return width, height


def _webp(content: bytes) -> tuple[int, int]:
    chunk = content[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = unpack_from("<2H", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


_READERS = {"image/png": _png, "image/gif": _gif, "image/bmp": _bmp, "image/jpeg": _jpeg, "image/webp": _webp}
