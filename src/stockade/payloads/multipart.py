"""multipart/form-data (RFC 7578, on RFC 2046), strictly.

Refused is what readers of multipart disagree on: a preamble or epilogue, blanks after a boundary, lines that look like
a boundary and are none, folded or repeated headers, repeated or extended parameters, backslashes in names, transfer
encodings, multipart within multipart. Contents of files are looked at by `files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from stockade.payloads.faults import MOST_FAULTS, BadPayload, Fault, Note, pointer_to, refuse
from stockade.payloads.limits import DEFAULT, Limits
from stockade.payloads.part_head import BadHead, Head, read_head, read_parameters

_is_boundary = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}").fullmatch
_HEADERS = 16_384  # bytes of the headers of one part


class Part(Struct, frozen=True):
    """One part. A field has no `filename`; that of a file is "" when the sender chose none, and `content` then too."""

    name: str
    filename: str | None
    content_type: str  # what the part declares, without parameters, lower case; "text/plain" where it is silent
    content: bytes
    kind: str = ""  # of a file: the media type that its content tells of

    @property
    def text(self) -> str:
        """The value of a field, which has been proved to be UTF-8."""
        return self.content.decode()


def read_multipart(body: bytes, content_type: str, limits: Limits = DEFAULT, *, look_into: bool = True) -> list[Part]:
    """The parts in order. `content_type` is the value of the request's Content-Type. look_into: the contents of files.

    Raises BadPayload; pointers are "/" and the name of the part, or its place where it has none.
    """
    boundary = _boundary(content_type)
    parts: list[Part] = []
    faults: list[Fault] = []
    files = 0
    for index, (head, content) in enumerate(_split(body, boundary, limits)):
        try:
            read = read_head(head, limits)
        except BadHead as error:
            faults.append(Fault(pointer_to([error.name or index]), error.rule, f"part {index + 1} {error}"))
        else:
            files += bool(read.filename)
            if files > limits.files:
                refuse("files", f"the body has more than {limits.files} files")
            parts.append(_part(read, content, limits, faults, look_into))
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise BadPayload(faults[:MOST_FAULTS])
    return parts


def read_fields(body: bytes, content_type: str, limits: Limits = DEFAULT) -> list[tuple[str, str]]:
    """Names and values of the fields alone, of a body that has been found good: files are not looked into again.

    Raises BadPayload.
    """
    fields: list[tuple[str, str]] = []
    for head, content in _split(body, _boundary(content_type), limits):
        try:
            read = read_head(head, limits)
        except BadHead as error:
            refuse(error.rule, str(error))
        if not read.filename:
            fields.append((read.name, content.decode("utf-8", "replace")))
    return fields


def _boundary(content_type: str) -> bytes:
    media, parameters = content_type.partition(";")[::2]
    if media.strip(" \t").lower() != "multipart/form-data":
        refuse("media-type", "the content type must be multipart/form-data")
    try:
        found = read_parameters(parameters, ("boundary", "charset"))
    except BadHead as error:
        refuse("boundary", f"the content type {error}")
    boundary = found.get("boundary", "")
    if not _is_boundary(boundary):
        refuse("boundary", "the content type must name a boundary of 1 to 70 characters (RFC 2046, section 5.1.1)")
    if found.get("charset", "utf-8").lower() != "utf-8":
        refuse("charset", "the body must be in UTF-8")
    return boundary.encode("ascii")


def _split(body: bytes, boundary: bytes, limits: Limits) -> Iterator[tuple[bytes, bytes]]:
    """Head and content of each part."""
    delimiter = b"\r\n--" + boundary
    if not body.startswith(delimiter[2:]):
        refuse("boundary", "the body must begin with its boundary")
    looks = re.findall(b"[\r\n]--" + re.escape(boundary), body)
    if len(looks) > limits.parts:
        refuse("parts", f"the body has more than {limits.parts} parts")
    at, count = len(delimiter) - 2, 0
    while body.startswith(b"\r\n", at):
        count += 1
        end = body.find(b"\r\n\r\n", at, at + _HEADERS)
        if end < 0:
            refuse("part-headers", f"the headers of part {count} do not end, or are longer than {_HEADERS} bytes")
        closing = body.find(delimiter, end + 4)
        if closing < 0:
            refuse("boundary", f"part {count} has no closing boundary")
        yield body[at + 2 : end], body[end + 4 : closing]
        at = closing + len(delimiter)
    if body[at:] not in (b"--", b"--\r\n"):
        refuse("boundary", f"after part {count} stands neither a line end nor the closing boundary and the end")
    if len(looks) != count:
        refuse("boundary", "a line begins with the boundary and is none")


def _part(head: Head, content: bytes, limits: Limits, faults: list[Fault], look_into: bool) -> Part:
    where = pointer_to([head.name])

    def note(rule: str, message: str) -> None:
        faults.append(Fault(where, rule, message))

    kind = ""
    if head.filename and not look_into:
        if len(content) > limits.file:
            note("file-size", f"the file is larger than {limits.file} bytes")
    elif head.filename:
        from stockade.payloads.files import check_file  # which needs lxml

        kind = check_file(content, head.content_type, head.filename, limits, note)
    elif head.filename == "" and content:
        note("filename", "the file has no name")
    else:
        _check_field(head, content, limits, note)
    return Part(head.name, head.filename, head.content_type, content, kind)


def _check_field(head: Head, content: bytes, limits: Limits, note: Note) -> None:
    if len(content) > 4 * limits.string:
        return note("string-length", f"the value is longer than {limits.string} characters")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return note("utf-8", "the value is not UTF-8")
    if len(text) > limits.string:
        note("string-length", f"the value is longer than {limits.string} characters")
    if head.name == "_charset_" and text.lower() != "utf-8":
        note("charset", "the form must be in UTF-8")
    return None
