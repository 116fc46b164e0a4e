"""The bytes and sets of a pattern as PCRE2 spells them: literals, escapes, classes. What stands around them is the
parser's."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from stockade.waf.operators.base import BadArgument
from stockade.waf.operators.patterns.classes import CONTROLS, ESCAPES, POSIX, with_property
from stockade.waf.operators.patterns.tree import ALL, Set, closed

LITERALS = [Set(frozenset((byte,))) for byte in range(256)]
CASELESS = [Set(closed(literal.bytes)) for literal in LITERALS]
_OCTAL = re.compile(r"\\([0-7]{1,3})")
_HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{0,2}))")
_BRACED_OCTAL = re.compile(r"\\o\{([0-7]+)\}()")
_PROPERTY = re.compile(r"\\[pP](?:\{(\^?)([\w&]+)\}|()([A-Z]))")
_POSIX = re.compile(r"\[([:.=])(\^?)(\w*)\1\]")


class Flags(NamedTuple):
    caseless: bool = False
    multiline: bool = True
    dotall: bool = True
    extended: bool = False
    plain: bool = False  # "n": groups without a name do not capture
    ungreedy: bool = False


class Reading:
    """A place in a pattern, and the flags that hold there."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._flags = Flags()

    def _refuse(self, problem: str) -> NoReturn:
        around = self._text[max(0, self._at - 10) : self._at + 20]
        raise BadArgument(f"the pattern cannot be read at byte {self._at}, near {around!r}: {problem}")

    def _peek(self, size: int = 1) -> str:
        return self._text[self._at : self._at + size]

    def _take(self, found: re.Match[str]) -> re.Match[str]:
        self._at = found.end()
        return found

    def _literal(self, byte: int) -> Set:
        return (CASELESS if self._flags.caseless else LITERALS)[byte]

    def _octal(self) -> int:
        found = _OCTAL.match(self._text, self._at)
        if found is None:
            self._refuse("a back-reference to no group")
        value = int(self._take(found)[1], 8)
        if value > 255:
            self._refuse("an octal escape above \\377")
        return value

    def _escaped_set(self) -> int | frozenset[int]:
        """The byte, or the set, of an escape that means the same in a class and outside."""
        kind = self._text[self._at + 1 : self._at + 2]
        if kind in ESCAPES:
            self._at += 2
            return ESCAPES[kind]
        if kind in CONTROLS:
            self._at += 2
            return CONTROLS[kind]
        if kind == "x" or kind == "o":
            return self._coded(kind)
        if kind == "0":
            return self._octal()
        if kind == "c":
            control = self._text[self._at + 2 : self._at + 3].upper()
            self._at += 3
            return ord(control) ^ 64 if control.isascii() and control else self._refuse("\\c and no character")
        if kind in ("p", "P"):
            return self._property(kind)
        if not kind or (kind.isascii() and kind.isalnum()):
            self._refuse(f"\\{kind} means nothing, or is not supported")
        self._at += 2
        return ord(kind)

    def _coded(self, kind: str) -> int:
        found = (_HEX if kind == "x" else _BRACED_OCTAL).match(self._text, self._at)
        if found is None:
            self._refuse(f"a malformed \\{kind}")
        self._take(found)
        value = int(found[1] or found[2] or "0", 16 if kind == "x" else 8)
        if value > 255:
            self._refuse("a character above \\xff: patterns are matched against bytes")
        return value

    def _property(self, kind: str) -> frozenset[int]:
        found = _PROPERTY.match(self._text, self._at)
        members = with_property(found[2] or found[4]) if found else None
        if found is None or members is None:
            self._refuse("a property that is not supported")
        self._take(found)
        return ALL - members if (kind == "P") is not bool(found[1]) else members

    # Classes.

    def _class(self) -> frozenset[int]:
        """After the bracket that opens it."""
        negated = self._peek() == "^"
        self._at += negated
        members: set[int] = set()
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                self._refuse("a class does not end")
            members |= self._members()
            first = False
        self._at += 1
        found = closed(frozenset(members)) if self._flags.caseless else frozenset(members)
        return ALL - found if negated else found

    def _members(self) -> frozenset[int]:
        posix = _POSIX.match(self._text, self._at)
        if posix is not None:
            return self._posix(posix)
        if self._peek(2) == "\\E":
            self._at += 2
            return frozenset()
        if self._peek(2) == "\\Q":
            end = self._text.find("\\E", self._at)
            quoted = self._text[self._at + 2 : end if end >= 0 else None]
            self._at = len(self._text) if end < 0 else end + 2
            return frozenset(quoted.encode("latin-1"))
        low = self._member()
        if isinstance(low, frozenset):
            return low
        if self._peek() != "-" or self._peek(2) == "-]" or len(self._peek(2)) < 2:
            return frozenset((low,))
        if self._peek(3) == "-[:":
            return frozenset((low,))
        self._at += 1
        high = self._member()
        if isinstance(high, frozenset):
            return high | {low, ord("-")}
        if high < low:
            self._refuse("a range is out of order")
        return frozenset(range(low, high + 1))

    def _posix(self, found: re.Match[str]) -> frozenset[int]:
        if found[1] != ":" or found[3] not in POSIX:
            self._refuse("a class of that name is not known")
        self._take(found)
        members = POSIX[found[3]]
        return ALL - members if found[2] else members

    def _member(self) -> int | frozenset[int]:
        char = self._peek()
        if char != "\\":
            self._at += 1
            return ord(char)
        kind = self._text[self._at + 1 : self._at + 2]
        if kind == "b":
            self._at += 2
            return 8
        if kind in ("N", "R", "X", "B"):
            self._refuse(f"\\{kind} cannot stand in a class")
        if kind in "1234567" and kind:
            return self._octal()
        return self._escaped_set()
