"""Content-Disposition of a part of a multipart body, as strictly as ModSecurity v3 reads it.

    form-data; name="a"; filename="x.txt"

Known parameters are `name`, `filename` and, beside `filename` only, `filename*` (RFC 5987). Values may be tokens, or
stand in double or single quotes; single quotes, wherever they stand outside double ones, are flagged as invalid
quoting. In quotes a backslash escapes a quote and a backslash, and stands for itself before anything else.
"""

from __future__ import annotations

import re

from stockade.waf.values.base import Collection

_blank = re.compile(rb"[\t ]*+").match
_parameter = re.compile(rb"[^=\t ]*+").match
_token = re.compile(rb"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]*+").match
_charset = re.compile(rb"[0-9A-Za-z!#$%&+^_`{}~-]++'[^']*+'").match
_encoded = re.compile(rb"(?:%[0-9A-Fa-f][0-9A-Fa-f]|[0-9A-Za-z!#$&+.^_`~-])*+").match
_in_quotes = {quote: re.compile(rb"(?s:[^%b\\]++|\\.)*+" % quote).match for quote in (b'"', b"'")}
_unescape = {quote: re.compile(rb"\\([%b\\])" % quote).sub for quote in (b'"', b"'")}


class BadDisposition(ValueError):
    """A field that two servers could read differently; the message holds nothing of it."""


class Disposition:
    """What the fields of one part say. A field that is read twice must not name the part again."""

    __slots__ = ("filename", "filenames", "invalid_quoting", "name", "names")

    def __init__(self) -> None:
        self.name = b""
        self.filename = b""
        self.names: Collection = []  # every one given, also where the field is broken
        self.filenames: Collection = []
        self.invalid_quoting = False

    def read(self, field: bytes) -> None:
        """Take in a field. Raises BadDisposition."""
        if not field.startswith(b"form-data"):
            raise BadDisposition("it is not form-data")
        at = _skip(field, 9)
        if at == len(field):
            return
        if field[at : at + 1] != b";":
            raise BadDisposition("form-data is not followed by a semicolon")
        at += 1
        extended = False
        while at < len(field):
            name, at = _read_name(field, at)
            if name == b"filename*":
                if extended:
                    raise BadDisposition("it has several filename*")
                at = _skip_extended(field, at)
                extended = True
            else:
                at = self._read_value(name, field, at)
            at = self._end_parameter(field, at)
        if extended and not self.filename:
            raise BadDisposition("it has a filename* and no filename")

    def _read_value(self, name: bytes, field: bytes, at: int) -> int:
        quote = field[at : at + 1]
        if quote == b"'":
            self.invalid_quoting = True
        if quote in _in_quotes:
            value, at = self._read_quoted(quote, field, at + 1)
        else:
            end = _end(_token, field, at)
            value, at = field[at:end], end
        if name == b"name":
            self.names.append((value, value))
            self.name = self._only("names", self.name, value)
        elif name == b"filename":
            self.filenames.append((value, value))
            self.filename = self._only("filenames", self.filename, value)
        else:
            raise BadDisposition("it has an unknown parameter")
        if quote != b'"' and b"'" in value:
            self.invalid_quoting = True
        return at

    def _read_quoted(self, quote: bytes, field: bytes, at: int) -> tuple[bytes, int]:
        end = _end(_in_quotes[quote], field, at)
        if field[end : end + 1] != quote:
            self.invalid_quoting = self.invalid_quoting or (at < len(field) == end)
            raise BadDisposition("a quote is not closed")
        return _unescape[quote](rb"\1", field[at:end]), end + 1

    @staticmethod
    def _only(what: str, known: bytes, value: bytes) -> bytes:
        if known:
            raise BadDisposition(f"it has several {what}")
        return value

    def _end_parameter(self, field: bytes, at: int) -> int:
        at = _skip(field, at)
        if at < len(field) and field[at : at + 1] != b";":
            if field[at - 1 : at] in (b'"', b"'"):
                self.invalid_quoting = True
            raise BadDisposition("a parameter is not followed by a semicolon")
        return at + 1


def _end(match: object, field: bytes, at: int) -> int:
    return match(field, at).end()  # type: ignore[operator,no-any-return] # these patterns match anywhere


def _skip(field: bytes, at: int) -> int:
    return _end(_blank, field, at)


def _read_name(field: bytes, at: int) -> tuple[bytes, int]:
    """The name of a parameter, and where its value begins."""
    start = _skip(field, at)
    end = _end(_parameter, field, start)
    equals = _skip(field, end)
    at = _skip(field, equals + 1)
    if field[equals : equals + 1] != b"=" or at >= len(field):
        raise BadDisposition("a parameter has no value")
    return field[start:end], at


def _skip_extended(field: bytes, at: int) -> int:
    """Where the value of a filename* ends. It is checked, not used: nobody agrees on which of two names counts."""
    charset = _charset(field, at)
    if charset is None:
        raise BadDisposition("its filename* lacks a character set")
    end = _end(_encoded, field, charset.end())
    if field[end : end + 1] not in (b"", b";"):
        raise BadDisposition("its filename* holds a character that must be encoded")
    return end
