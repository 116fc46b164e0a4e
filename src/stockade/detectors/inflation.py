"""Bodies that come compressed although they were asked for plain: gzip (RFC 1952) and deflate (RFC 1950, or raw RFC
1951) are inflated as they come; Brotli, Zstandard and codings one upon the other are not read.
"""

from __future__ import annotations

import zlib
from typing import Any

_PIECE = 64 << 10
_RATIO = 200
_FREE = 1 << 20  # bytes that any body may inflate to
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


class BadCoding(Exception):
    """The body is not what its coding says, or inflates beyond reason."""


class Inflater:
    """coding: gzip or deflate."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding != "deflate"
        self._machine: Any = None
        self._read = self._made = 0

    @staticmethod
    def reads(coding: str) -> bool:
        return coding in _CODINGS

    def feed(self, data: bytes, ends: bool) -> bytes:
        """What these bytes inflate to. Raises BadCoding."""
        parts: list[bytes] = []
        self._read += len(data)
        while data:
            if self._machine is None:
                self._machine = zlib.decompressobj(self._window(data))
            try:
                piece = self._machine.decompress(data, _PIECE)
            except zlib.error:
                raise BadCoding("the body is not compressed as it says") from None
            parts.append(piece)
            self._made += len(piece)
            if self._made > _FREE + _RATIO * self._read:
                raise BadCoding("the body inflates beyond reason")
            data = self._machine.unconsumed_tail
            if self._machine.eof:  # gzip may have several members (RFC 1952, section 2.2)
                data, self._machine = self._machine.unused_data, None
                if data and not self._gzip:
                    raise BadCoding("something follows the compressed body")
        if ends and self._machine is not None:
            parts.append(self._machine.flush())
            if not self._machine.eof:
                raise BadCoding("the compressed body is cut short")
        return b"".join(parts)

    def _window(self, data: bytes) -> int:
        if self._gzip:
            return 31
        return 15 if data[0] & 0x8F == 0x08 else -15  # a zlib header: method 8, a window of 32 KiB at most
