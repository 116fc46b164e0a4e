"""What an archive may unpack to, counted while it is looked into; nothing is unpacked to anywhere."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Generator
from typing import TypeAlias

from stockade.payloads.kinds import kind_of
from stockade.payloads.limits import Limits

_PIECE = 65_536
_SMALL = 1_048_576  # bytes that any archive may unpack to
HEAD = 1024  # bytes of an entry that tell its type
_ARCHIVES = (
    b"PK\3\4",
    b"PK\5\6",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"MSCF\0\0\0\0",
)
_is_drive = re.compile(r"[A-Za-z]:").match
_control = re.compile(r"[\x00-\x1f\x7f]").search


class BadArchive(Exception):
    """What is wrong with an archive; `rule` is the fault's."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


Reader: TypeAlias = Callable[[bytes, "Budget"], str]
"""Looks into an archive and gives its media type. Raises BadArchive."""


class Budget:
    """What one uploaded file may unpack to, the archives within it included."""

    def __init__(self, size: int, limits: Limits, readers: dict[str, Reader]) -> None:
        self.limits = limits
        self.most = max(size * limits.archive_ratio, _SMALL)  # of bytes unpacked, for a file of that size
        self.readers = readers
        self.entries = self.size = self.depth = 0
        self.macros = False  # whether a document within has some

    def inspect(self, content: bytes, kind: str) -> str:
        """The type of a file, more exact for office documents and the like. Raises BadArchive."""
        if kind not in self.readers:
            return kind
        self._enter()
        kind = self.readers[kind](content, self)
        self.depth -= 1
        return kind

    def inspect_inner(self, content: bytes) -> None:
        """An archive within an archive. One that cannot be looked into counts as one deeper, too."""
        kind = kind_of(content)
        if kind in self.readers:
            self.inspect(content, kind)
        else:
            self._enter()
            self.depth -= 1

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > self.limits.archive_depth:
            raise BadArchive("archive-depth", f"archives lie more than {self.limits.archive_depth} deep in one another")

    def count(self, name: str) -> None:
        """One more entry of that name."""
        self.entries += 1
        if self.entries > self.limits.archive_entries:
            raise BadArchive("archive-entries", f"the archive has more than {self.limits.archive_entries} entries")
        check_name(name)

    def unpack(self, unpacked: int, before: int, packed: int) -> None:
        """`unpacked` more bytes, after `before` of the same stream, have come out of `packed`."""
        self.size += unpacked
        if self.size > self.limits.archive_size:
            raise BadArchive("archive-size", f"the archive unpacks to more than {self.limits.archive_size} bytes")
        if self.size > self.most or before + unpacked > max(packed * self.limits.archive_ratio, _PIECE):
            raise BadArchive(
                "archive-ratio", f"the archive unpacks to more than {self.limits.archive_ratio} times its size"
            )


def check_name(name: str) -> None:
    """Raises BadArchive for a name that leads out of the folder the archive is unpacked in."""
    if len(name) > 4096 or not name or _control(name):
        raise BadArchive("archive-name", "an entry of the archive has no name, or a malformed one")
    if name[0] == "/" or "\\" in name or _is_drive(name) or ".." in name.split("/"):
        raise BadArchive("archive-path", "an entry of the archive has a name that leads out of its folder")


def inflate(content: bytes, start: int, end: int, wbits: int, budget: Budget) -> Generator[bytes, None, int]:
    """The pieces that the stream from `start` on unpacks to. Returns where it ends, `end` at the latest."""
    unpacker = zlib.decompressobj(wbits)
    at, before, feed = start, 0, b""
    while not unpacker.eof:
        if not feed:
            feed = content[at : min(at + _PIECE, end)]
            at += len(feed)
        if not feed:
            raise BadArchive("archive", "the compressed data end too early")
        try:
            piece = unpacker.decompress(feed, _PIECE)
        except zlib.error:
            raise BadArchive("archive", "the compressed data are damaged") from None
        feed = unpacker.unconsumed_tail
        budget.unpack(len(piece), before, end - start)
        before += len(piece)
        yield piece
    return at - len(unpacker.unused_data)


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so is an archive, or at least compressed."""
    return head.startswith(_ARCHIVES) or head.startswith(b"ustar", 257)
