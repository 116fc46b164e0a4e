"""From text to lines of words: continuations, comments, quotes.

A line goes on after a backslash at its end, as in Apache: backslash and line end vanish, the next line's indentation
stays. (ModSecurity v3 keeps all three inside quotes, where nobody wants them.) As in ModSecurity v3, a line that
begins with a double quote continues the one before, and a comment takes the next line in only when it is a rule that
was commented out: `# see C:\\` must not swallow the rule below.

Words are separated by blanks, or quoted by " or '. Inside quotes a backslash before the quote makes it a part of the
word, and goes (ModSecurity v3 keeps it, so that `@streq a\\"b` never finds a"b); all other backslashes stay, since
they are the pattern's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct

LONGEST = 1 << 20
"""Characters in a line with its continuations. The longest pattern of the Core Rule Set has some 10,000."""

_BLANKS = " \t\r"
_COMMENTED_RULE = re.compile(r"#[# \t]*+Sec(?:Rule|Action)\b", re.IGNORECASE)
_DIRECTIVE = re.compile(r"[ \t]*+(?:Sec[A-Za-z0-9]++|Include(?:Optional)?)[ \t]", re.IGNORECASE)
_WORD = re.compile(
    r'[ \t]*+(?:"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"'
    r"|'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)'"
    r"|(?P<bare>[^ \t\"'“”„‘’][^ \t]*+))",
    re.DOTALL,
)
_EMPTY = re.compile(r"(?:[ \t\r]*+\n)*+")
_BLANK = re.compile(r"[ \t]*+")
_QUOTES = {"double": '"', "single": "'", "bare": ""}
_ESCAPED = {quote: re.compile(rf"(?<!\\)((?:\\\\)*+)\\{quote}") for quote in "\"'"}


class Line(Struct):
    """One directive with its arguments, as it stands: continuations joined, nothing unquoted."""

    text: str
    first: int  # number of the line that it begins on, from 1
    joints: list[int] = []  # offsets at which the second, third, … line begins
    faults: list[tuple[int, str]] = []  # numbers of lines, and what is wrong there

    def number(self, offset: int) -> int:
        """The number of the line that an offset into `text` is on."""
        return self.first + bisect_right(self.joints, offset) if self.joints else self.first


class Word(Struct):
    """One argument. `raw` begins at `offset` and still holds its escapes; `quote` is ", ' or empty."""

    raw: str
    offset: int
    quote: str = ""

    @property
    def text(self) -> str:
        """Without the backslashes before the word's own quote."""
        if not self.quote or "\\" not in self.raw:
            return self.raw
        return _ESCAPED[self.quote].sub(rf"\1{self.quote}", self.raw)


class BadWord(Exception):
    """The word at `offset` is quoted wrongly."""

    def __init__(self, offset: int, quote: str) -> None:
        told = f"the quote {quote} is not closed; a rule goes on in the next line only after a \\ at the end"
        super().__init__(told if quote in _ESCAPED else f'{quote} is a typographic quote; write "')
        self.offset = offset


def read_lines(text: str) -> Iterator[Line]:
    """The directives of a text, without comments and empty lines."""
    source = _Source(text)
    while source.more:
        source.next()
        stripped = source.line.lstrip(_BLANKS)
        if not stripped:
            source.skip_empty()
            continue
        if stripped[0] == "#":
            if _COMMENTED_RULE.match(stripped):
                yield from _comment(source)
        elif stripped[-1] == "\\" or stripped[-1] in " \t" or source.quote_follows:
            yield _joined(source)
        else:
            yield _bounded(stripped, source.number)


def words(text: str, offset: int = 0) -> Iterator[Word]:
    """The arguments in a line from an offset on, up to a comment, as in ModSecurity v3. Raises BadWord."""
    start, end = offset, len(text.rstrip(" \t"))
    while offset < end:
        found = _WORD.match(text, offset)
        if found is None:
            blank = _BLANK.match(text, offset)
            assert blank is not None
            raise BadWord(blank.end(), text[blank.end()])
        kind = found.lastgroup or "bare"
        if kind == "bare" and text[found.start(kind)] == "#" and offset > start:
            return
        yield Word(found[kind], found.start(kind), _QUOTES[kind])
        offset = found.end()


class _Source:
    """The physical lines of a text, one after the other; CR before LF is a part of the line end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.line = ""
        self.number = 0

    @property
    def more(self) -> bool:
        return self._at < len(self._text)

    @property
    def quote_follows(self) -> bool:
        """Whether the next line begins with a double quote."""
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None
        return self._text.startswith('"', blank.end())

    def skip_empty(self) -> None:
        """Pass over empty lines at once; a text may hold millions."""
        found = _EMPTY.match(self._text, self._at)
        assert found is not None
        self.number += self._text.count("\n", self._at, found.end())
        self._at = found.end()

    def next(self) -> None:
        """Go to the next line."""
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        stop = end - 1 if end > self._at and self._text[end - 1] == "\r" else end
        self.line = self._text[self._at : stop]
        self._at = end + 1
        self.number += 1


def _bounded(text: str, number: int) -> Line:
    if len(text) <= LONGEST:
        return Line(text, number)
    return Line("", number, [], [(number, f"the line is longer than {LONGEST} characters")])


def _comment(source: _Source) -> Iterator[Line]:
    """Pass over a comment with its continuations. A directive that it would swallow is handed back as a fault."""
    while source.line.endswith("\\") and source.more:
        source.next()
        if _DIRECTIVE.match(source.line):
            told = "this line belongs to the comment above, which ends in \\; put a # before it or take the \\ away"
            yield Line("", source.number, [], [(source.number, told)])


def _joined(source: _Source) -> Line:
    """A line with all its continuations."""
    line = Line("", source.number, [], [])
    pieces: list[str] = []
    length = 0
    piece = source.line.lstrip(_BLANKS)
    while True:
        piece, goes_on = _continuation(piece, source, line)
        length += len(piece)
        if length <= LONGEST:
            pieces.append(piece)
        if not goes_on:
            break
        source.next()
        line.joints.append(length)
        piece = source.line
        if piece.lstrip(_BLANKS).startswith("#"):
            line.faults.append((source.number, "a comment cannot stand inside a rule"))
            piece = "\\" if piece.endswith("\\") else ""
    if length > LONGEST:
        return Line("", line.first, [], [(line.first, f"the line is longer than {LONGEST} characters")])
    line.text = "".join(pieces)
    return line


def _continuation(piece: str, source: _Source, line: Line) -> tuple[str, bool]:
    """A physical line without the mark that it goes on, and whether it does."""
    if piece.endswith("\\"):
        if not source.more:
            line.faults.append((source.number, "the text ends after a \\, where a further line should follow"))
        return piece[:-1], source.more
    trimmed = piece.rstrip(_BLANKS)
    if trimmed.endswith("\\") and len(trimmed) < len(piece):
        line.faults.append((source.number, "blanks stand after the \\, so the line does not go on; take them away"))
        return trimmed[:-1], source.more
    if source.quote_follows:
        return f"{piece} ", True
    return piece, False
