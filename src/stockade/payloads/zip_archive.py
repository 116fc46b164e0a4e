"""Zip archives (PKWARE APPNOTE 6.3), strictly: the directory at the end and the headers before each entry must agree.

No ZIP64, no encryption, no method but stored and deflated, nothing before, between or after, no two entries over one
another (the zip bombs that overlap), no entry that unpacks to more than it says.
"""

from __future__ import annotations

from struct import Struct, unpack_from

from msgspec import Struct as Value

from stockade.payloads.archive_budget import HEAD, BadArchive, Budget, inflate, is_archive
from stockade.payloads.kinds import EXECUTABLE, ZIP

_END = Struct("<4s4H2LH")
_DIRECTORY = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_NAMED = {  # what an archive with such an entry is
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "ppt/presentation.xml": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "META-INF/MANIFEST.MF": EXECUTABLE,  # jar, apk
    "classes.dex": EXECUTABLE,
}
_DECLARED = ("application/vnd.oasis.opendocument.", "application/epub+zip")
_NOT_A_FILE = (0x0000, 0x4000, 0x8000)  # Unix modes: none given, folder, file
_ENCRYPTED = 0x2041
_SIZES_FOLLOW = 0x0008
_FULL = 0xFFFFFFFF


class Entry(Value, frozen=True):
    """One line of the directory; `start` is where the entry's own header begins."""

    name: bytes
    flags: int
    method: int
    packed: int
    size: int
    mode: int
    start: int


def inspect_zip(content: bytes, budget: Budget) -> str:
    """The media type of the archive. Raises BadArchive."""
    entries, end = _read_directory(content, budget)
    declared = b""
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.start):
        start = _check_header(content, entry, at, end)
        at = start + entry.packed
        head = _check_content(content, entry, start, budget)
        if entry.name == b"mimetype":
            declared = head
        at = _skip_descriptor(content, entry, at)
    if at != end:
        raise BadArchive("archive", "the zip archive holds something between its entries and its directory")
    return _kind(entries, declared)


def _read_directory(content: bytes, budget: Budget) -> tuple[list[Entry], int]:
    """The entries, and where the directory begins."""
    last = content.rfind(b"PK\5\6", max(0, len(content) - 65_557))
    if last < 0 or last + _END.size > len(content):
        raise BadArchive("archive", "the zip archive has no directory")
    _, disk, first, here, count, size, start, comment = _END.unpack_from(content, last)
    if disk or first or here != count or last + _END.size + comment != len(content) or start + size != last:
        raise BadArchive("archive", "the directory of the zip archive does not fit the archive (ZIP64 is not read)")
    if count > budget.limits.archive_entries:
        raise BadArchive("archive-entries", f"the archive has more than {budget.limits.archive_entries} entries")
    entries: list[Entry] = []
    names: set[str] = set()
    at = start
    for _ in range(count):
        entry, at = _read_entry(content, at, last)
        name = _decoded(entry)
        budget.count(name)
        if name.casefold() in names:
            raise BadArchive("archive-name", "two entries of the archive have one name")
        names.add(name.casefold())
        if entry.mode & 0xF000 not in _NOT_A_FILE:
            raise BadArchive("archive-link", "an entry of the archive is a link or device")
        entries.append(entry)
    if at != last:
        raise BadArchive("archive", "the directory of the zip archive has another size than it says")
    return entries, start


def _read_entry(content: bytes, at: int, end: int) -> tuple[Entry, int]:
    if at + _DIRECTORY.size > end or not content.startswith(b"PK\1\2", at):
        raise BadArchive("archive", "the directory of the zip archive is malformed")
    (_, _, _, flags, method, _, _, _, packed, size, name, extra, comment, disk, _, attributes, start) = (
        _DIRECTORY.unpack_from(content, at)
    )
    text = at + _DIRECTORY.size
    if _FULL in (packed, size, start) or disk or text + name + extra + comment > end:
        raise BadArchive("archive", "the directory of the zip archive is malformed (ZIP64 is not read)")
    entry = Entry(content[text : text + name], flags, method, packed, size, attributes >> 16, start)
    _check_extra(content[text + name : text + name + extra])
    return entry, text + name + extra + comment


def _check_extra(extra: bytes) -> None:
    """Of the extra fields, one gives the entry another name (Info-ZIP Unicode path, 0x7075)."""
    at = 0
    while at + 4 <= len(extra):
        tag, size = unpack_from("<2H", extra, at)
        if tag == 0x7075:
            raise BadArchive("archive-name", "an entry of the archive has two names")
        at += 4 + size


def _decoded(entry: Entry) -> str:
    try:
        return entry.name.decode() if entry.flags & 0x800 or entry.name.isascii() else entry.name.decode("cp437")
    except UnicodeDecodeError:
        raise BadArchive("archive-name", "the name of an entry of the archive is not UTF-8") from None


def _check_header(content: bytes, entry: Entry, at: int, end: int) -> int:
    """Where the data of the entry begin."""
    if entry.start != at:
        raise BadArchive("archive-overlap", "entries of the zip archive overlap, or something lies between them")
    if at + _LOCAL.size > end or not content.startswith(b"PK\3\4", at):
        raise BadArchive("archive", "an entry of the zip archive has no header")
    _, _, flags, method, _, _, _, packed, size, name, extra = _LOCAL.unpack_from(content, at)
    start: int = at + _LOCAL.size + name + extra
    named = content[at + _LOCAL.size : at + _LOCAL.size + name]
    if (flags | entry.flags) & _ENCRYPTED:
        raise BadArchive("archive-encrypted", "the archive is encrypted, so nobody can look into it")
    if method not in (0, 8):
        raise BadArchive("archive-method", "an entry of the archive is packed with another method than deflate")
    agree = named == entry.name and method == entry.method and flags == entry.flags
    given = flags & _SIZES_FOLLOW or (packed == entry.packed and size == entry.size)
    if not agree or not given or start + entry.packed > end or (method == 0 and entry.packed != entry.size):
        raise BadArchive("archive", "an entry of the zip archive and the directory do not agree")
    _check_extra(content[at + _LOCAL.size + name : start])
    return start


def _check_content(content: bytes, entry: Entry, start: int, budget: Budget) -> bytes:
    """Unpacks the entry, looks into archives within, and returns how it begins."""
    end = start + entry.packed
    if entry.method == 0:
        budget.unpack(entry.size, 0, entry.size)
        head = content[start : start + min(entry.size, HEAD)]
        if is_archive(head):
            budget.inspect_inner(content[start:end])
        return head
    head, kept, size, at = b"", bytearray(), 0, start
    pieces = inflate(content, start, end, -15, budget)
    while True:
        try:
            piece = next(pieces)
        except StopIteration as stop:
            at = stop.value
            break
        size += len(piece)
        if size > entry.size:
            break
        head = head if len(head) >= HEAD else head + piece[:HEAD]
        if is_archive(head):
            kept += piece
    if at != end or size != entry.size:
        raise BadArchive("archive", "an entry of the zip archive has another size than it says")
    if kept:
        budget.inspect_inner(bytes(kept))
    if entry.name.endswith(b"vbaProject.bin"):
        budget.macros = True
    return head


def _skip_descriptor(content: bytes, entry: Entry, at: int) -> int:
    """Where what follows the data of an entry begins."""
    if not entry.flags & _SIZES_FOLLOW:
        return at
    if content.startswith(b"PK\7\x08", at):
        at += 4
    if unpack_from("<2L", content[at : at + 12].ljust(12, b"\0"), 4) != (entry.packed, entry.size):
        raise BadArchive("archive", "an entry of the zip archive is not followed by its sizes")
    return at + 12


def _kind(entries: list[Entry], declared: bytes) -> str:
    for entry in entries:
        found = _NAMED.get(entry.name.decode("latin-1"))
        if found:
            return found
    text = declared.decode("latin-1").strip()
    return text if text.startswith(_DECLARED) and len(text) < 100 else ZIP
