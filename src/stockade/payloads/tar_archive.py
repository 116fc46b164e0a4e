"""Tar archives (POSIX.1-2001 pax, and GNU's long names), entry by entry."""

from __future__ import annotations

import re

from stockade.payloads.archive_budget import HEAD, BadArchive, Budget, check_name, is_archive
from stockade.payloads.kinds import TAR

_BLOCK = 512
_is_octal = re.compile(rb"[ \0]*([0-7]*)[ \0]*").fullmatch
_pax_record = re.compile(rb"([1-9][0-9]{0,5}) ([^=\n]{1,100})=").match
_FILES = (b"0", b"\0", b"7")
_LONG = (b"x", b"L")  # the header tells more of the entry that follows
_PASSED = (b"5", b"g", b"K")


def inspect_tar(content: bytes, budget: Budget) -> str:
    """The media type. Raises BadArchive."""
    at, told = 0, ""
    while at + _BLOCK <= len(content):
        head = content[at : at + _BLOCK]
        if not head.strip(b"\0"):
            break
        size = _check_head(head)
        start, at = at + _BLOCK, at + _BLOCK + -(-size // _BLOCK) * _BLOCK
        if start + size > len(content):
            raise BadArchive("archive", "the tar archive ends too early")
        kind = head[156:157]
        if kind in _LONG:
            told = _told(content[start : start + size], kind)
            continue
        _check_entry(head, kind, told, budget)
        told = ""
        if kind == b"g" and b"path=" in content[start : start + size]:
            raise BadArchive("archive-name", "the tar archive names all its entries at once")
        if kind in _FILES and is_archive(content[start : start + min(size, HEAD)]):
            budget.inspect_inner(content[start : start + size])
    else:
        raise BadArchive("archive", "the tar archive has no end")
    if content[at:].strip(b"\0"):
        raise BadArchive("archive", "something follows the end of the tar archive")
    return TAR


def _check_head(head: bytes) -> int:
    """The size of the entry."""
    size, said = _is_octal(head[124:136]), _is_octal(head[148:156])
    counted = sum(head) - sum(head[148:156]) + 8 * 32
    if not size or not said or int(said[1] or b"0", 8) != counted:
        raise BadArchive("archive", "a header of the tar archive is malformed")
    return int(size[1] or b"0", 8)


def _check_entry(head: bytes, kind: bytes, told: str, budget: Budget) -> None:
    try:
        name = head[:100].split(b"\0")[0].decode()
        prefix = head[345:500].split(b"\0")[0].decode() if head[257:263] == b"ustar\0" else ""
    except UnicodeDecodeError:
        raise BadArchive("archive-name", "the name of an entry of the archive is not UTF-8") from None
    if kind not in _FILES and kind not in _PASSED:
        raise BadArchive("archive-link", "an entry of the archive is a link, device or something else than a file")
    if told:
        check_name(told)
    budget.count(f"{prefix}/{name}" if prefix else name)


def _told(content: bytes, kind: bytes) -> str:
    """The name that a header gives the next entry, "" for none."""
    try:
        return content.rstrip(b"\0").decode() if kind == b"L" else _pax_path(content)
    except UnicodeDecodeError:
        raise BadArchive("archive-name", "the name of an entry of the archive is not UTF-8") from None


def _pax_path(content: bytes) -> str:
    at, path = 0, ""
    while at < len(content):
        record = _pax_record(content, at)
        end = at + int(record[1]) if record else 0
        if not record or end > len(content) or content[end - 1 : end] != b"\n" or end <= record.end():
            raise BadArchive("archive", "an extended header of the tar archive is malformed")
        if record[2] == b"path":
            path = content[record.end() : end - 1].decode()
        elif record[2] in (b"size", b"linkpath") or record[2].startswith(b"GNU.sparse"):
            raise BadArchive("archive", "an extended header of the tar archive gives a size or link")
        at = end
    return path
