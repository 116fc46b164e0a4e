"""Multipart bodies (RFC 7578): ARGS_POST and FILES, FILES_NAMES, FILES_SIZES, FILES_COMBINED_SIZE, FILES_TMPNAMES,
FILES_TMP_CONTENT, MULTIPART_NAME, MULTIPART_FILENAME, MULTIPART_PART_HEADERS, MULTIPART_STRICT_ERROR and its flags.

A part with a filename is a file, any other an argument. The key of FILES and its kin is the name of the field, as is
that of MULTIPART_PART_HEADERS, which holds one value per header line. FILES_TMP_CONTENT holds the content of every
file; nothing is written to disk, so FILES_TMPNAMES is empty.

MULTIPART_STRICT_ERROR is 1 when the body could not be read, or when one of these is 1:

    MULTIPART_BOUNDARY_QUOTED         the boundary stood in quotes
    MULTIPART_BOUNDARY_WHITESPACE     white space around its equals sign
    MULTIPART_MISSING_SEMICOLON       none before it (MULTIPART_SEMICOLON_MISSING is the same)
    MULTIPART_DATA_BEFORE, …_AFTER    something before the first boundary, after the last one
    MULTIPART_HEADER_FOLDING          a header of a part goes on in the next line
    MULTIPART_INVALID_HEADER_FOLDING  … which begins with something else than space or tab
    MULTIPART_LF_LINE                 a line of a header or boundary ends without carriage return
    MULTIPART_INVALID_QUOTING         single quotes in Content-Disposition
    MULTIPART_INVALID_PART            a boundary where the data of a part should begin
    MULTIPART_FILE_LIMIT_EXCEEDED     more files than the limit

MULTIPART_CRLF_LF_LINES is 1 when lines end in both ways. MULTIPART_UNMATCHED_BOUNDARY is 1 when the last line that
looked like a boundary (`--` and something) was none, 2 when it was one: rules test for 1. All are empty before a
multipart body is read.

Differences from ModSecurity v3: line ends inside a value are kept (there `a\r\nb` reads ab, so that a keyword could be
joined or hidden); what was read before an error is kept, a part without an end included; contents of files are there
whether or not uploads are stored; arguments obey the limit; a boundary that is empty is an error.
"""

from __future__ import annotations

from stockade.waf.values.base import EMPTY, NOTHING, ONE, ZERO, Collection, Maker, Message, plain
from stockade.waf.values.multipart_reader import Reading

FLAGS = (
    "BOUNDARY_QUOTED",
    "BOUNDARY_WHITESPACE",
    "MISSING_SEMICOLON",
    "DATA_BEFORE",
    "DATA_AFTER",
    "HEADER_FOLDING",
    "INVALID_HEADER_FOLDING",
    "LF_LINE",
    "INVALID_QUOTING",
    "INVALID_PART",
    "FILE_LIMIT_EXCEEDED",
)
_TWO: Collection = [(b"", b"2")]
_UNMATCHED = (ZERO, ONE, _TWO)


def _flag(name: str) -> Maker:
    def make(message: Message) -> Collection:
        reading = message.multipart
        if reading is None:
            return NOTHING
        return ONE if name in reading.flags else ZERO

    return make


def _file_limit(message: Message) -> Collection:
    reading = message.multipart
    return ONE if reading is not None and "FILE_LIMIT_EXCEEDED" in reading.flags else NOTHING


def _strict(message: Message) -> Collection:
    reading = message.multipart
    if reading is None:
        return NOTHING
    return ONE if reading.is_error or not reading.flags.isdisjoint(FLAGS) else ZERO


def _mixed(message: Message) -> Collection:
    reading = message.multipart
    if reading is None:
        return NOTHING
    return ONE if {"LF_LINE", "CRLF_LINE"} <= reading.flags else ZERO


def _unmatched(message: Message) -> Collection:
    reading = message.multipart
    return NOTHING if reading is None else _UNMATCHED[reading.unmatched]


def _of_files(value: int) -> Maker:
    """A collection with a pair per file. 0: the name of its field, 1: its own, 2: its content."""

    def make(message: Message) -> Collection:
        reading = message.multipart
        return EMPTY if reading is None else [(file[0], file[value]) for file in reading.files]

    return make


def _sizes(message: Message) -> Collection:
    reading = message.multipart
    return EMPTY if reading is None else [(name, b"%d" % len(content)) for name, _, content in reading.files]


def _combined_size(message: Message) -> Collection:
    reading = message.multipart
    if reading is None or not reading.files:
        return NOTHING
    return plain(b"%d" % sum(len(content) for _, _, content in reading.files))


def _collected(name: str) -> Maker:
    def make(message: Message) -> Collection:
        reading: Reading | None = message.multipart
        return EMPTY if reading is None else getattr(reading, name)

    return make


MAKERS: dict[str, Maker] = {
    **{f"MULTIPART_{name}": _flag(name) for name in FLAGS},
    "MULTIPART_FILE_LIMIT_EXCEEDED": _file_limit,
    "MULTIPART_SEMICOLON_MISSING": _flag("MISSING_SEMICOLON"),
    "MULTIPART_STRICT_ERROR": _strict,
    "MULTIPART_CRLF_LF_LINES": _mixed,
    "MULTIPART_UNMATCHED_BOUNDARY": _unmatched,
    "MULTIPART_NAME": _collected("names"),
    "MULTIPART_FILENAME": _collected("filenames"),
    "MULTIPART_PART_HEADERS": _collected("part_headers"),
    "FILES": _of_files(1),
    "FILES_NAMES": _of_files(0),
    "FILES_TMP_CONTENT": _of_files(2),
    "FILES_TMPNAMES": lambda _: EMPTY,
    "FILES_SIZES": _sizes,
    "FILES_COMBINED_SIZE": _combined_size,
}
