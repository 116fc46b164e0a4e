"""From text to lines of words: continuations, comments, quotes.

A line goes on after a backslash at its end, as in Apache: backslash and line end vanish, the next line's indentation
stays. (ModSecurity v3 keeps all three inside quotes, where nobody wants them.) As in ModSecurity v3, a line that
begins with a double quote continues the one before, and a comment takes the next line in only when it is a rule that
was commented out: `# see C:\\` must not swallow the rule below.

Words are separated by blanks, or quoted by " or '. Inside quotes a backslash before the quote makes it a part of the
word; all other backslashes stay, since they are the pattern's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct

_COMMENTED_RULE = re.compile(r"#[# \t]*+Sec(?:Rule|Action)\b", re.IGNORECASE)
_WORD = re.compile(
    r'[ \t]*+(?:"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"'
    r"|'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)'"
    r"|(?P<bare>[^ \t\"'][^ \t]*+))",
    re.DOTALL,
)
_ESCAPED = {quote: re.compile(rf"((?:\\\\)*+)\\{quote}") for quote in "\"'"}


class Line(Struct):
    """One directive with its arguments, as it stands: continuations joined, nothing unquoted."""

    text: str
    first: int  # number of the line that it begins on, from 1
    joints: tuple[int, ...] = ()  # offsets at which the second, third, … line begins
    faults: tuple[tuple[int, str], ...] = ()  # offset and what is wrong

    def number(self, offset: int) -> int:
        """The number of the line that an offset into `text` is on."""
        return self.first + bisect_right(self.joints, offset)


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


class Unclosed(Exception):
    """A quote that opens at `offset` is not closed."""

    def __init__(self, offset: int, quote: str) -> None:
        super().__init__(f"the quote {quote} is not closed; a rule goes on in the next line only after a \\ at the end")
        self.offset = offset


def read_lines(text: str) -> Iterator[Line]:
    """The directives of a text, without comments and empty lines."""
    physical = text.split("\n")
    index, count = 0, len(physical)
    while index < count:
        start = index
        piece = physical[index].removesuffix("\r")
        index += 1
        stripped = piece.lstrip(" \t\r")
        if not stripped:
            continue
        if stripped[0] == "#":
            index, line = _comment(physical, start, stripped)
            if line is not None:
                yield line
            continue
        if not stripped.endswith("\\") and not _goes_on(physical, index, stripped):
            yield Line(stripped, start + 1)
            continue
        index, line = _joined(physical, start)
        yield line


def _comment(physical: list[str], index: int, stripped: str) -> tuple[int, Line | None]:
    """The index after a comment. A directive that the comment would swallow is handed back as a fault."""
    if not _COMMENTED_RULE.match(stripped):
        return index + 1, None
    while physical[index].removesuffix("\r").endswith("\\") and index + 1 < len(physical):
        index += 1
        if re.match(r"[ \t]*(?:Sec|Include)[A-Za-z]* *[^ ]", physical[index]):
            told = "this line belongs to the comment above, which ends in \\; put a # before it or take the \\ away"
            return index + 1, Line("", index + 1, (), ((0, told),))
    return index + 1, None


def _goes_on(physical: list[str], index: int, stripped: str) -> bool:
    return index < len(physical) and stripped[:1] not in "<" and physical[index].lstrip(" \t")[:1] == '"'


def _joined(physical: list[str], index: int) -> tuple[int, Line]:
    """A line with all its continuations, and the index after it."""
    first = index + 1
    pieces = [physical[index].lstrip(" \t\r")]
    joints: list[int] = []
    faults: list[tuple[int, str]] = []
    length = 0
    while True:
        piece = pieces[-1].removesuffix("\r")
        index += 1
        ended = index >= len(physical)
        if piece.endswith("\\"):
            piece = piece[:-1]
            if ended:
                faults.append((length, "the text ends after a \\, where a further line should follow"))
        elif ended or not physical[index].lstrip(" \t").startswith('"'):
            pieces[-1] = piece
            break
        else:
            piece += " "
        pieces[-1] = piece
        length += len(piece)
        if ended:
            break
        joints.append(length)
        pieces.append(physical[index])
    return index, Line("".join(pieces), first, tuple(joints), tuple(faults))


def words(text: str, offset: int = 0) -> Iterator[Word]:
    """The arguments in a line from an offset on. Raises Unclosed."""
    end = len(text.rstrip(" \t"))
    while offset < end:
        found = _WORD.match(text, offset)
        if found is None:
            blank = re.compile(r"[ \t]*+").match(text, offset)
            assert blank is not None
            raise Unclosed(blank.end(), text[blank.end()])
        kind = found.lastgroup or "bare"
        quote = {"double": '"', "single": "'"}.get(kind, "")
        yield Word(found[kind], found.start(kind), quote)
        offset = found.end()
