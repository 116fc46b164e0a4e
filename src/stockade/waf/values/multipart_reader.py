"""Reads a multipart body line by line, as ModSecurity v3 does, in one pass.

A line that begins with two hyphens is looked at closely wherever it stands; between such lines, data is skipped at the
speed of `bytes.find`. An error in the headers of a part does not end the reading, one in a boundary does.
"""

from __future__ import annotations

import re

from stockade.waf.values.base import Collection
from stockade.waf.values.boundary import read_boundary
from stockade.waf.values.disposition import BadDisposition, Disposition

_LINE = 4096  # bytes of a header line, and of a line of data that are searched for a stray boundary
# In the words of ModSecurity, which rule 922130 of CRS 4 looks for.
_BAD_NAME = "Multipart: Invalid part header (contains invalid character)."
_HEADERS = 64  # lines of headers of one part
_SPACE = b" \t\n\v\f\r"
_ODD = (b" ", b"\t", b"\v", b"\f", b"\r", b'"', b"\0", b"")
_space = re.compile(rb"[ \t\n\v\f\r]*+").match
_usual_headers = re.compile(
    rb'Content-Disposition: form-data; name="([^"\\\0\r\n]++)"(?:; filename="([^"\\\0\r\n]++)")?\r\n'
    rb"(?:Content-Type: [ -~]*+\r\n)?\r\n"
).match
_is_header_name = re.compile(rb"[!-~]+").fullmatch


class Part:
    """A part being read. `start` is where its data begins, -1 while its headers are read."""

    __slots__ = ("count", "disposition", "headers", "lines", "refused", "start", "unfinished", "unfinished_name")

    def __init__(self) -> None:
        self.disposition = Disposition()
        self.headers: dict[bytes, bytes] = {}  # by lower-case name
        self.lines: list[bytes] = []
        self.unfinished = b""  # the header line that a folded one would continue
        self.unfinished_name = b""
        self.start = -1
        self.count = 0  # of header lines
        self.refused: bytes | None = None  # its Content-Disposition, when it was read in vain

    def finish_line(self) -> None:
        if self.unfinished:
            self.lines.append(self.unfinished)
            self.unfinished = b""


class Reading:
    """One reading of one body. `files` are (field, file name, content); `fields` counts what is no content of files."""

    def __init__(self, body: bytes, content_type: bytes) -> None:
        self.arguments: Collection = []
        self.files: list[tuple[bytes, bytes, bytes]] = []
        self.names: Collection = []
        self.filenames: Collection = []
        self.part_headers: Collection = []
        self.flags: set[str] = set()
        self.unmatched = 0
        self.is_error = False  # in the boundary, or in the grammar of the body
        self.failed = ""
        self.fields = 0
        self._body = body
        self._part: Part | None = None
        self._has_data = False  # whether data of the part was seen
        self._boundaries = 0
        self._is_complete = False
        self._boundary = self._read_boundary(content_type)
        self._dashed = b"--" + self._boundary
        if self._boundary and body:
            self._read()

    def _read_boundary(self, content_type: bytes) -> bytes:
        boundary = read_boundary(content_type)
        if boundary.quoted:
            self.flags.add("BOUNDARY_QUOTED")
        if boundary.whitespace:
            self.flags.add("BOUNDARY_WHITESPACE")
        if boundary.no_semicolon:
            self.flags.add("MISSING_SEMICOLON")
        if boundary.failed:
            self._stop(boundary.failed)
        return boundary.text

    def _stop(self, why: str) -> int:
        """The body cannot be read any further."""
        self.failed, self.is_error = why, True
        return -1

    def _read(self) -> None:
        at, size = 0, len(self._body)
        while 0 <= at < size:
            part = self._part
            at = self._read_headers(part, at) if part is not None and part.start < 0 else self._read_data(at)
            if self._is_complete:
                if 0 <= at < size:
                    self.flags.add("DATA_AFTER")
                return
        if at >= 0:
            self._end_early()
        else:
            self._finish_part(len(self._body))

    # Lines of data, and boundaries. Each function returns where to go on: at the end, when the last line has none; at
    # -1, when reading must stop.

    def _read_data(self, at: int) -> int:
        body, size = self._body, len(self._body)
        if not body.startswith(b"--", at):
            start = self._next_dashes(at)
            if not start:
                start = body.rfind(b"\n", at) + 1 or at
                if size - start >= _LINE:
                    start = size
                self._pass(at, start)
                return size
            self._pass(at, start)
            at = start
        end = body.find(b"\n", at) + 1
        if not end:
            if size - at < _LINE:
                return size
            end = size
        if self._is_boundary(at, end):
            return self._take_boundary(at, end)
        if self.is_error:
            return -1
        self._note_data()
        return end

    def _next_dashes(self, at: int) -> int:
        """Where the next line begins with two hyphens and could be or mimic a boundary; 0 when none does."""
        body, initial = self._body, self._boundary[:1]
        start = body.find(b"\n--", at) + 1
        plain = 0  # the first line that surely is no boundary
        while start:
            after = body[start + 2 : start + 3]
            if after in _ODD or after == initial:
                break
            if not plain and after != b"\n":
                plain = start
            start = body.find(b"\n--", start) + 1
        if plain and (start or body.find(b"\n", plain) >= 0 or len(body) - plain >= _LINE):
            self.unmatched = 1
        return start

    def _pass(self, at: int, end: int) -> None:
        """Data from `at` to `end`, none of whose lines begins with two hyphens."""
        if at == end:
            return
        self._note_data()
        body, dashed = self._body, self._dashed
        found = body.find(dashed, at, end)
        while found >= 0:
            line = max(body.rfind(b"\n", at, found) + 1, at)
            if found + len(dashed) <= line + _LINE:
                self.unmatched = 1
                return
            at = body.find(b"\n", found, end) + 1 or end
            found = body.find(dashed, at, end)

    def _note_data(self) -> None:
        if self._part is None:
            self.flags.add("DATA_BEFORE")
        else:
            self._has_data = True

    def _is_boundary(self, at: int, end: int) -> bool:
        """Whether the line, which begins with two hyphens, is a boundary that counts. It may also be an error."""
        body, boundary = self._body, self._boundary
        if body.startswith(boundary, at + 2):
            if at and body[at - 1] == 0x0A and body[at - 2 : at - 1] != b"\r":
                self.flags.add("LF_LINE")
            if not self._has_data and self._boundaries:
                self.flags.add("INVALID_PART")
                return False
            return True
        if "BOUNDARY_QUOTED" in self.flags and body.startswith(b'"' + boundary, at + 2):
            self._stop("a boundary stands in quotes")
            return False
        start = _space(body, at + 2, end).end()  # type: ignore[union-attr] # it matches anywhere
        if start > at + 2 and body.startswith(boundary, start, end):
            self._stop("a boundary begins with white space")
        elif (end - at > 3 and b"\0" not in body[at : at + 4]) or body.find(self._dashed, at, end) >= 0:
            self.unmatched = 1
        return False

    def _take_boundary(self, at: int, end: int) -> int:
        if self._boundaries:
            self.unmatched = 2
        rest = self._body[at + len(self._dashed) : end]
        is_last = rest.startswith(b"--")
        if rest not in (b"\n", b"\r\n", b"--\n", b"--\r\n"):
            self._finish_part(at)
            return self._stop("a boundary is followed by something")
        self.flags.add("CRLF_LINE" if rest.endswith(b"\r\n") else "LF_LINE")
        self._finish_part(at)
        self._boundaries += 1
        self._has_data = False
        if is_last:
            self._is_complete = True
        else:
            self._part = Part()
        return end

    def _finish_part(self, end: int) -> None:
        """The data of the part ends before the line end that comes before `end`."""
        part, self._part = self._part, None
        if part is None:
            return
        name, filename = part.disposition.name, part.disposition.filename
        self.part_headers += [(name, line) for line in part.lines]
        content = self._body[part.start : end] if part.start >= 0 else b""
        if content.endswith(b"\n"):
            content = content[: -2 if content.endswith(b"\r\n") else -1]
        if name and filename:
            self.files.append((name, filename, content))
            return
        self.fields += len(content)
        if name:
            self.arguments.append((name, content))

    def _end_early(self) -> None:
        """The body ended, perhaps with a last boundary that has no line end."""
        body, last = self._body, self._dashed + b"--"
        start = len(body) - len(last)
        at_line = start == 0 or body[start - 1 : start] == b"\n"
        if self._boundaries and at_line and body.endswith(last):
            if start and body[start - 2 : start - 1] != b"\r":
                self.flags.add("LF_LINE")
            if not self._has_data:
                self.flags.add("INVALID_PART")
            self._finish_part(start)
            return
        self._finish_part(len(body))
        self.failed = "the last boundary is missing" if self._boundaries else "there is no boundary in the body"

    # Headers of a part.

    def _read_headers(self, part: Part, at: int) -> int:
        start = at if part.count else self._read_usual_headers(part, at)
        return start if start > at else self._read_header(part, at)

    def _read_header(self, part: Part, at: int) -> int:
        body, size = self._body, len(self._body)
        end = body.find(b"\n", at) + 1
        is_long = (end or size) - at >= _LINE
        if not end and not is_long:
            return size
        if body.startswith(b"--", at):
            self._is_boundary(at, min(end or size, at + _LINE))
            if self.is_error:
                return -1
        elif body.find(self._dashed, at, min(end or size, at + _LINE)) >= 0:
            self.unmatched = 1
        part.count += 1
        if is_long or part.count > _HEADERS:
            return self._stop("a part has too many headers, or one that is too long")
        line = body[at:end]
        if b"\0" in line:
            self.failed = "a header of a part holds a NUL"
            return end
        self.fields += len(line)
        self.flags.add("CRLF_LINE" if line.endswith(b"\r\n") else "LF_LINE")
        if line in (b"\n", b"\r\n"):
            self._end_headers(part, end)
        elif line[:1] in (b" ", b"\t", b"\v", b"\f", b"\r"):
            self._fold(part, line)
        else:
            self._add_header(part, line)
        return end

    def _read_usual_headers(self, part: Part, at: int) -> int:
        """Where the data begins, if the headers are those that every client sends; else `at`."""
        usual = _usual_headers(self._body, at)
        if usual is None or usual.end() - at >= _LINE or self._dashed in usual[0]:
            return at
        name, filename = usual.groups()
        disposition = part.disposition
        disposition.name = name
        self.names.append((name, name))
        if filename is not None:
            disposition.filename = filename
            self.filenames.append((filename, filename))
        self.flags.add("CRLF_LINE")
        part.lines = usual[0][:-4].split(b"\r\n")
        part.start = usual.end()
        self.fields += part.start - at
        return part.start

    def _end_headers(self, part: Part, end: int) -> None:
        part.finish_line()
        field = part.headers.get(b"content-disposition")
        if field is None:
            self.failed = "a part has no Content-Disposition"
            return
        disposition = part.disposition
        if field is part.refused:
            return  # reading it after every empty line would cost the square of them
        part.refused = field
        try:
            disposition.read(field)
        except BadDisposition as error:
            self.failed = f"the Content-Disposition of a part is malformed: {error}"
            return
        finally:
            self.names += disposition.names
            self.filenames += disposition.filenames
            disposition.names, disposition.filenames = [], []
            if disposition.invalid_quoting:
                self.flags.add("INVALID_QUOTING")
        if not disposition.name:
            self.failed = "the Content-Disposition of a part gives no name"
        elif disposition.filename and b"filename=" not in field:
            self.failed = "the Content-Disposition of a part gives its filename in an odd way"
        else:
            part.start, self._has_data = end, False
            part.unfinished_name = b""

    def _fold(self, part: Part, line: bytes) -> None:
        self.flags.add("HEADER_FOLDING")
        rest = line.lstrip(_SPACE)
        name = part.unfinished_name
        if line[: len(line) - len(rest) if name else 1].strip(b"\t "):
            self.flags.add("INVALID_HEADER_FOLDING")
        if not name:
            self.failed = "a header of a part begins with white space"
            return
        value = part.headers[name.lower()] + b" " + rest.rstrip(b"\r\n")
        if len(value) > _LINE:
            self.failed = "a header of a part is too long"
            return
        part.headers[name.lower()] = value
        part.unfinished = name + b": " + value

    def _add_header(self, part: Part, line: bytes) -> None:
        part.finish_line()
        name, colon, value = line.partition(b":")
        if not colon:
            self.failed = "a header of a part has no colon"
        elif not _is_header_name(name):
            self.failed = _BAD_NAME
        elif name.lower() in part.headers:
            self.failed = self.failed or "a header of a part is given twice"
        else:
            part.headers[name.lower()] = value.lstrip(b"\t ").rstrip(b"\r\n")
            part.unfinished_name = name
            part.unfinished = line[: -2 if line.endswith(b"\r\n") else -1]
