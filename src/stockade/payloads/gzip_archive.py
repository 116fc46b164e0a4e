"""Files compressed with gzip (RFC 1952)."""

from __future__ import annotations

from stockade.payloads.archive_budget import HEAD, BadArchive, Budget, inflate, is_archive
from stockade.payloads.kinds import GZIP, TAR, kind_of
from stockade.payloads.tar_archive import inspect_tar


def inspect_gzip(content: bytes, budget: Budget) -> str:
    """The media type. A tar within is of the same archive, everything else that is an archive one deeper."""
    head, kept, at = b"", bytearray(), 0
    while at < len(content):
        if not content.startswith(b"\x1f\x8b", at):
            raise BadArchive("archive", "something follows the end of the gzip file")
        budget.count("a member")
        pieces = inflate(content, at, len(content), 31, budget)
        while True:
            try:
                piece = next(pieces)
            except StopIteration as stop:
                at = stop.value
                break
            head = head if len(head) >= HEAD else head + piece[:HEAD]
            if is_archive(head):
                kept += piece
    if is_archive(head):
        inner = bytes(kept)
        if kind_of(inner) == TAR:
            inspect_tar(inner, budget)
        else:
            budget.inspect_inner(inner)
    return GZIP
