"""The boundary of a multipart body, from its Content-Type field, as strictly as ModSecurity v3 reads it.

    multipart/form-data; boundary="----x1"

Tolerated, with a flag for MULTIPART_STRICT_ERROR: quotes around it, white space around the equals sign, a missing
semicolon before it. Tolerated without: another parameter after it. All else is an error.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MEDIA_TYPE = b"multipart/form-data"
_LONGEST = 1024  # bytes of the field
_is_boundary = re.compile(rb"(?:[0-9A-Za-z'()+_,./:=?-]|[ ](?!\Z))+").fullmatch
_SPACE = b" \t\n\v\f\r"


class Boundary(NamedTuple):
    """`text` is empty where `failed` says why there is none."""

    text: bytes = b""
    quoted: bool = False
    whitespace: bool = False
    no_semicolon: bool = False
    failed: str = ""


def read_boundary(field: bytes) -> Boundary:
    """The boundary that a Content-Type field gives."""
    if field[:19].lower() != _MEDIA_TYPE:
        return Boundary(failed="the Content-Type is not multipart/form-data" if field else "there is no Content-Type")
    if len(field) > _LONGEST:
        return Boundary(failed="the Content-Type is too long")
    if _count(field) > 1:
        return Boundary(failed="the Content-Type gives several boundaries")
    start = field.find(b"boundary")
    if start < 0:
        return Boundary(failed="the Content-Type gives no boundary")
    before = field[len(_MEDIA_TYPE) : start].strip(_SPACE)
    after, equals, value = field[start + 8 :].partition(b"=")
    if before not in (b";", b"") or after.strip(_SPACE) or not equals:
        return Boundary(no_semicolon=not before, failed="the boundary in the Content-Type is malformed")
    return _read_value(value, whitespace=bool(after) or value[:1].isspace(), no_semicolon=not before)


def _read_value(value: bytes, *, whitespace: bool, no_semicolon: bool) -> Boundary:
    quoted = len(value) >= 2 and value[:1] == value[-1:] == b'"'
    text = value[1:-1] if quoted else value
    failed = ""
    if not quoted and (value[:1] == b'"' or (len(value) >= 2 and value[-1:] == b'"')):
        failed = "the boundary in the Content-Type has one quote"
    elif _count(text):
        failed = "the boundary in the Content-Type holds another"
    elif not _is_boundary(text):
        text = text.partition(b";")[0]  # frameworks are known to append `; charset=utf-8`
        if not text or not _is_boundary(text):
            failed = "the boundary in the Content-Type is empty or holds a character that none may hold"
    return Boundary(b"" if failed else text, quoted and text != b"", whitespace, no_semicolon, failed)


def _count(text: bytes) -> int:
    """How many times a boundary seems to be given, in any case."""
    return text.lower()[: max(text.rfind(b"="), 0)].count(b"boundary")
