r"""pm: one of many phrases stands in the value, in any case of its letters. TX:0 is the phrase, as it is listed.

    SecRule ARGS "@pm union select |00| a\:b"

Phrases are parted by white space. Bytes between bars are in hexadecimal; `\:`, `\;`, `\"` and `\\` are escapes. Of
several phrases the one that ends first counts, and of those that end together the longest. ModSecurity's automaton
misses some phrases that overlap others ("abcde", "bcx" and "cdy" in "abcdy"), and names others wrongly; ours does not.
"""

from __future__ import annotations

from string import hexdigits

import hyperscan

from stockade.waf.operators.base import BadArgument, Files, Hit, Test

_ESCAPABLE = ':;\\"'


def make(argument: bytes, files: Files) -> Test:
    return Phrases(literals(argument, files)).test


def literals(argument: bytes, files: Files) -> list[bytes]:  # noqa: ARG001 - the shape of all makers
    """The phrases of @pm."""
    return _unique(_unescaped(argument).split())


def literals_from_file(argument: bytes, files: Files) -> list[bytes]:
    """The phrases of @pmFromFile. Raises BadArgument, or OSError, for a file that cannot be read."""
    if argument.startswith((b"https://", b"http://")):
        raise BadArgument("phrases are not fetched from the net: download the file and name it here")
    names = argument.decode(errors="surrogateescape")
    try:
        lines = files.lines(names)
    except (OSError, BadArgument):
        if len(names.split()) < 2:
            raise
        lines = [line for name in names.split() for line in files.lines(name)]
    return _unique([line for line in lines if line and not line.lstrip().startswith(b"#")])


def _unique(phrases: list[bytes]) -> list[bytes]:
    """Without those that differ in case only from one before them."""
    return list({phrase.lower(): phrase for phrase in reversed(phrases)}.values())[::-1]


def _unescaped(argument: bytes) -> bytes:
    """The argument without its escapes; as it stands where one of them is malformed, as in ModSecurity."""
    text = argument.lstrip(b" \t")
    if len(text) >= 2 and text.startswith(b'"') and text.endswith(b'"'):
        text = text[1:-1]
    out, digits = bytearray(), ""
    binary = escaped = False
    for char in text.decode("latin-1"):
        if char == "|":
            binary = not binary
        elif char == "\\" and not escaped:
            escaped = True
        elif binary:
            if char not in hexdigits:
                return argument
            digits += char
            if len(digits) == 2:
                out.append(int(digits, 16))
                digits = ""
        elif escaped and char not in _ESCAPABLE:
            return argument
        else:
            escaped = False
            out.append(ord(char))
    return bytes(out) if text else argument


class Phrases:
    """A set of phrases, compiled by Hyperscan when the first value comes."""

    def __init__(self, phrases: list[bytes]) -> None:
        self._phrases = phrases
        self._database: hyperscan.Database | None = None

    def test(self, value: bytes) -> Hit | None:
        database = self._database or self._compile()
        if database is None:
            return None
        ends: list[tuple[int, int, int]] = []

        def found(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.append((end, -len(self._phrases[number]), number))

        try:
            database.scan(value, found)
        except hyperscan.ScratchInUseError:  # another thread scans
            ends.clear()
            database.scan(value, found, scratch=hyperscan.Scratch(database))
        if not ends:
            return None
        end, size, number = min(ends)
        return Hit(end + size, -size, (self._phrases[number],))

    def _compile(self) -> hyperscan.Database | None:
        if not self._phrases:
            return None
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        count = len(self._phrases)
        database.compile(
            expressions=self._phrases,
            ids=list(range(count)),
            elements=count,
            flags=[hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH] * count,
            literal=True,
        )
        self._database = database
        return database
