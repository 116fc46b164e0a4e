"""The places of a pattern of XML Schema (Part 2, appendix F), and which may follow which: Glushkov's automaton.

Only to learn how ambiguous a pattern is. Characters are told apart as far as ASCII goes; where classes are hard to
compare, they are said to overlap, and so are numbers of repetitions: the automaton takes more than the pattern does.
"""

from __future__ import annotations

from msgspec import Struct

_ASCII = (1 << 128) - 1
_OTHER = 1 << 128  # every character beyond ASCII
_ALL = _ASCII | _OTHER
_COPIES = 50  # characters of pattern that an exact number of repetitions is written out to
_MOST_PLACES = 5_000
_DEEPEST = 50
_ENDLESS = 1 << 62


def _mask(characters: str) -> int:
    mask = 0
    for character in characters:
        mask |= 1 << min(ord(character), 128)
    return mask


_DIGITS, _SPACE = _mask("0123456789"), _mask(" \t\n\r")
_UPPER, _LOWER = _mask("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), _mask("abcdefghijklmnopqrstuvwxyz")
_INITIAL = _UPPER | _LOWER | _mask("_:") | _OTHER
_NAME = _INITIAL | _DIGITS | _mask("-.")
_WORD = _UPPER | _LOWER | _DIGITS | _mask("$+<=>^`|~") | _OTHER  # no punctuation, separators, controls
_ESCAPES = {
    "n": _mask("\n"), "r": _mask("\r"), "t": _mask("\t"), "d": _DIGITS | _OTHER, "D": _ALL & ~_DIGITS, "s": _SPACE,
    "S": _ALL & ~_SPACE, "i": _INITIAL, "I": _ALL & ~_INITIAL | _OTHER, "c": _NAME, "C": _ALL & ~_NAME | _OTHER,
    "w": _WORD, "W": _ALL & ~_WORD | _OTHER,
}  # fmt: skip
_CATEGORIES = {"L": _UPPER | _LOWER, "Lu": _UPPER, "Ll": _LOWER, "N": _DIGITS, "Nd": _DIGITS}


class Unreadable(Exception):
    """The pattern is malformed or too large."""


class _Part(Struct, frozen=True):
    """A part of the pattern: the places it may begin and end at, and whether it may be empty."""

    first: frozenset[int]
    last: frozenset[int]
    empty: bool


_NOTHING = _Part(frozenset(), frozenset(), True)


class Places:
    """`masks` are the characters of each place, `after` the places that may follow it. Raises Unreadable."""

    def __init__(self, pattern: str) -> None:
        self.masks: list[int] = []
        self.after: list[set[int]] = []
        self._pattern = pattern
        self._at = self._depth = 0
        self._either()
        if self._peek():
            raise Unreadable

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise Unreadable
        self._at += 1
        return character

    def _either(self) -> _Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unreadable
        part = self._sequence()
        while self._peek() == "|":
            self._at += 1
            other = self._sequence()
            part = _Part(part.first | other.first, part.last | other.last, part.empty or other.empty)
        self._depth -= 1
        return part

    def _sequence(self) -> _Part:
        part = _NOTHING
        while self._peek() not in ("", "|", ")"):
            part = self._joined(part, self._repeated())
        return part

    def _joined(self, one: _Part, two: _Part) -> _Part:
        for place in one.last:
            self.after[place] |= two.first
        first = one.first | two.first if one.empty else one.first
        last = one.last | two.last if two.empty else two.last
        return _Part(first, last, one.empty and two.empty)

    def _looped(self, part: _Part, *, empty: bool) -> _Part:
        for place in part.last:
            self.after[place] |= part.first
        return _Part(part.first, part.last, empty or part.empty)

    def _repeated(self) -> _Part:
        """An atom and its quantifier. `x{2,9}` is taken for `x(xx)*`, how much is counted to does not matter."""
        start = self._at
        part = self._atom()
        size = self._at - start
        counted = self._peek() == "{"
        least, most = self._quantifier()
        end = self._at
        if most == 0:
            return _NOTHING
        if most == _ENDLESS and not counted:
            part = self._looped(part, empty=False)
        elif least == most and least * size <= _COPIES:
            for _ in range(least - 1):
                self._at = start
                part = self._joined(part, self._atom())
        elif most > 1:
            part = self._joined(part, self._counted(start))
        self._at = end
        return _Part(part.first, part.last, True) if least == 0 else part

    def _counted(self, start: int) -> _Part:
        """`(xx)*`: of two copies, so that it shows when a text may go on in one repetition or begin the next."""
        self._at = start
        one = self._atom()
        self._at = start
        two = self._atom()
        for place in one.last:
            self.after[place] |= two.first
        for place in two.last:
            self.after[place] |= one.first
        return _Part(one.first, one.last | two.last, True)

    def _quantifier(self) -> tuple[int, int]:
        sign = self._peek()
        if sign in ("?", "*", "+") and sign:
            self._at += 1
            return (1 if sign == "+" else 0), (1 if sign == "?" else _ENDLESS)
        if sign != "{":
            return 1, 1
        close = self._pattern.find("}", self._at)
        least, comma, most = self._pattern[self._at + 1 : close].partition(",")
        if close < 0 or not least.isdecimal() or not (most.isdecimal() or not most) or len(least + most) > 18:
            raise Unreadable
        self._at = close + 1
        if not comma:
            return int(least), int(least)
        return int(least), int(most) if most else _ENDLESS

    def _atom(self) -> _Part:
        character = self._take()
        if character == "(":
            part = self._either()
            if self._take() != ")":
                raise Unreadable
            return part
        if character == "[":
            mask = self._class()
        elif character == "\\":
            mask = self._escape()
        elif character == ".":
            mask = _ALL & ~_mask("\n\r")
        elif character in "?*+{})]":
            raise Unreadable
        else:
            mask = _mask(character)
        if len(self.masks) >= _MOST_PLACES:
            raise Unreadable
        self.masks.append(mask)
        self.after.append(set())
        place = frozenset((len(self.masks) - 1,))
        return _Part(place, place, False)

    def _escape(self) -> int:
        letter = self._take()
        if letter in "pP":
            close = self._pattern.find("}", self._at)
            name = self._pattern[self._at + 1 : close]
            if self._peek() != "{" or close < 0:
                raise Unreadable
            self._at = close + 1
            known = _CATEGORIES.get(name)
            return _ALL if known is None else (known if letter == "p" else _ALL & ~known) | _OTHER
        return _ESCAPES.get(letter) or _mask(letter)

    def _class(self) -> int:
        """What follows a bracket, to the bracket that closes it."""
        negated = self._peek() == "^"
        self._at += negated
        mask, start = 0, self._at
        while (character := self._take()) != "]" or self._at == start + 1:
            if character == "-" and self._peek() == "[":
                self._at += 1
                without = self._negation(mask, start) if negated else mask
                lost = self._class()
                if self._take() != "]":
                    raise Unreadable
                return without & ~(lost & _ASCII) if not self._is_vague(start) else without
            mask |= self._member(character)
        return self._negation(mask, start) if negated else mask

    def _member(self, character: str) -> int:
        low = self._escape() if character == "\\" else _mask(character)
        begin = self._pattern[self._at - 1]
        if self._peek() != "-" or self._pattern[self._at + 1 : self._at + 2] in ("[", "]", ""):
            return low
        self._at += 1
        end = self._take()
        end = self._take() if end == "\\" else end
        first, last = min(ord(begin), 128), min(ord(end), 128)
        return low | ((1 << last + 1) - 1) & ~((1 << first) - 1)

    def _is_vague(self, start: int) -> bool:
        """Whether the class names a Unicode category, of which we know too little to take it away."""
        text = self._pattern[start : self._at]
        return "\\p" in text or "\\P" in text

    def _negation(self, mask: int, start: int) -> int:
        return _ALL if self._is_vague(start) else _ALL & ~mask | _OTHER
