"""Reads a pattern as PCRE2 does under the options of ModSecurity v3: DOTALL and MULTILINE, bytes, no Unicode.

What no rule set uses is refused with its name rather than guessed at: recursion, conditions, verbs, `\\K`, `\\X`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stockade.waf.operators.patterns.reading import CASELESS, LITERALS, Flags, Reading
from stockade.waf.operators.patterns.tree import (
    ALL,
    EMPTY,
    Assertion,
    Atomic,
    Back,
    Choice,
    Edge,
    Group,
    Look,
    Mode,
    Node,
    Repeat,
    Sequence,
    Set,
)

_MOST_DEPTH = 80  # of groups; PCRE2 takes 250, no rule set comes near either
_MOST_REPEAT = 65535
_COUNT = re.compile(r"\{ *(?=[0-9,])([0-9]*) *(?:(,) *([0-9]*) *)?\}(?<!\{,\})")
_COUNTS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_FLAGS = re.compile(r"\(\?(\^?)([imsxnJU]*)(?:-([imsxnU]*))?([:)])")
_NAMED = re.compile(r"\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')", re.ASCII)
_NAME = re.compile(r"\{(\w+)\}|<(\w+)>|'(\w+)'", re.ASCII)
_NUMBER = re.compile(r"\{([+-]?[0-9]+)\}|([+-]?[0-9]+)")
_PYTHON_BACK = re.compile(r"\(\?P=(\w+)\)", re.ASCII)
_LOOKS = {
    "(?=": (True, False),
    "(?!": (True, True),
    "(?<=": (False, False),
    "(?<!": (False, True),
}
_EDGES = {"A": Edge.START, "G": Edge.START, "z": Edge.END, "Z": Edge.LAST_LINE_END, "b": Edge.WORD, "B": Edge.NOT_WORD}
_TEXT = re.compile(r"[A-Za-z0-9_,;:<>=@!%'\"/&~`-]+(?![*+?{]|\(\?#)")
_NEWLINES = Atomic(Choice((Sequence((Set(frozenset(b"\r")), Set(frozenset(b"\n")))), Set(frozenset(b"\n\v\f\r\x85")))))


_LETTERS = {"i": "caseless", "m": "multiline", "s": "dotall", "x": "extended", "n": "plain", "U": "ungreedy"}


class Parsed(NamedTuple):
    tree: Node
    groups: int  # how many capture


def parse(source: bytes) -> Parsed:
    """Raises BadArgument."""
    parser = _Parser(source.decode("latin-1"))
    tree = parser.whole()
    return Parsed(tree, parser.groups)


class _Parser(Reading):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self.groups = 0
        self._names: dict[str, int] = {}
        self._backs: list[tuple[int, int]] = []  # number, place

    def whole(self) -> Node:
        tree = self._choice()
        if self._at < len(self._text):
            self._refuse("a ) without its (")
        for number, place in self._backs:
            if number > self.groups:
                self._at = place
                self._refuse(f"there is no group {number}")
        return tree

    # Structure.

    def _choice(self) -> Node:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while (char := self._peek()) and char not in "|)":
            if not self._flags.extended and (text := _TEXT.match(self._text, self._at)):
                literals = CASELESS if self._flags.caseless else LITERALS
                parts.extend(literals[ord(letter)] for letter in self._take(text)[0])
                continue
            if self._skipped(char):
                continue
            atom = self._atom(char)
            if atom is not None:
                parts.append(self._repeated(atom))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts)) if parts else EMPTY

    def _skipped(self, char: str) -> bool:
        if self._flags.extended and char in " \t\n\v\f\r":
            self._at += 1
        elif self._flags.extended and char == "#":
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end + 1
        elif self._peek(3) == "(?#":
            end = self._text.find(")", self._at)
            if end < 0:
                self._refuse("a comment does not end")
            self._at = end + 1
        else:
            return False
        return True

    def _repeated(self, node: Node) -> Node:
        """The node with the quantifier after it, if there is one."""
        while self._peek() and self._skipped(self._peek()):
            pass
        count = self._count()
        if count is None:
            return node
        if isinstance(node, Assertion):
            self._refuse("a quantifier has nothing to repeat")
        least, most = count
        if least > _MOST_REPEAT or (most is not None and not least <= most <= _MOST_REPEAT):
            self._refuse(f"the counts of a repeat are out of order, or above {_MOST_REPEAT}")
        mode = {"?": Mode.LAZY, "+": Mode.POSSESSIVE}.get(self._peek(), Mode.GREEDY)
        if mode is not Mode.GREEDY:
            self._at += 1
        if self._flags.ungreedy and mode is not Mode.POSSESSIVE:
            mode = Mode.LAZY if mode is Mode.GREEDY else Mode.GREEDY
        if self._count() is not None:
            self._refuse("a quantifier follows a quantifier")
        return Repeat(node, least, most, mode)

    def _count(self) -> tuple[int, int | None] | None:
        """The count that stands here, taken."""
        usual = _COUNTS.get(self._peek())
        if usual is not None:
            self._at += 1
            return usual
        found = _COUNT.match(self._text, self._at)
        if found is None:
            return None
        least, comma, most = self._take(found).groups()
        return int(least or 0), int(most) if most else None if comma else int(least)

    def _atom(self, char: str) -> Node | None:
        """None for what only sets flags."""
        if char == "(":
            return self._group()
        if char == "\\":
            return self._escape()
        if self._count() is not None:
            self._refuse("a quantifier has nothing to repeat")
        self._at += 1
        if char == "[":
            return Set(self._class())
        if char == ".":
            return Set(ALL if self._flags.dotall else ALL - {10})
        if char == "^":
            return Assertion(Edge.LINE_START if self._flags.multiline else Edge.START)
        if char == "$":
            return Assertion(Edge.LINE_END if self._flags.multiline else Edge.LAST_LINE_END)
        return self._literal(ord(char))

    # Groups.

    def _group(self) -> Node | None:
        for opening, (ahead, negative) in _LOOKS.items():
            if self._text.startswith(opening, self._at):
                return Look(self._body(len(opening)), ahead, negative)
        if self._peek(3) == "(?>":
            return Atomic(self._body(3))
        if self._peek(2) == "(*":
            self._refuse("verbs are not supported")
        if self._peek(2) != "(?":
            return self._body(1) if self._flags.plain else self._capturing(self._at + 1)
        if found := _NAMED.match(self._text, self._at):
            self._names[found[1] or found[2]] = self.groups + 1
            return self._capturing(found.end())
        if found := _PYTHON_BACK.match(self._text, self._at):
            return self._back_to(self._take(found)[1])
        if found := _FLAGS.match(self._text, self._at):
            return self._flagged(found)
        return self._refuse("recursion, conditions and callouts are not supported")

    def _capturing(self, start: int) -> Node:
        self.groups += 1
        number = self.groups
        return Group(number, self._body(start - self._at))

    def _flagged(self, found: re.Match[str]) -> Node | None:
        flags = Flags(multiline=False, dotall=False) if found[1] else self._flags
        for letters, value in ((found[2], True), (found[3] or "", False)):
            for letter in letters.replace("J", ""):
                flags = flags._replace(**{_LETTERS[letter]: value})
        if found[4] == ":":
            return self._body(found.end() - self._at, flags)
        self._at = found.end()
        self._flags = flags
        return None

    def _body(self, opening: int, flags: Flags | None = None) -> Node:
        outer = self._flags
        self._flags = flags or outer
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            self._refuse(f"groups are nested more than {_MOST_DEPTH} deep")
        self._at += opening
        body = self._choice()
        if self._peek() != ")":
            self._refuse("a ( without its )")
        self._at += 1
        self._depth -= 1
        self._flags = outer
        return body

    def _back_to(self, name: str) -> Node:
        number = self._names.get(name) if not (name.isascii() and name.isdigit()) else int(name)
        if number is None:
            self._refuse(f"there is no group named {name}")
        return Back(number, self._flags.caseless)

    # Escapes.

    def _escape(self) -> Node | None:
        kind = self._text[self._at + 1 : self._at + 2]
        if kind in _EDGES:
            self._at += 2
            return Assertion(_EDGES[kind])
        if kind == "Q":
            return self._quoted()
        if kind == "E":
            self._at += 2
            return None
        if kind == "R":
            self._at += 2
            return _NEWLINES
        if kind in ("g", "k", *"123456789"):
            return self._back(kind)
        found = self._escaped_set()
        if isinstance(found, int):
            return self._literal(found)
        return Set(found)

    def _quoted(self) -> Node | None:
        r"""`\Q…\E`. A quantifier after it repeats its last byte only."""
        end = self._text.find("\\E", self._at)
        quoted = self._text[self._at + 2 : end if end >= 0 else len(self._text)]
        self._at = len(self._text) if end < 0 else end + 2
        parts: list[Node] = [self._literal(ord(char)) for char in quoted]
        if not parts:
            return None
        parts[-1] = self._repeated(parts[-1])
        return Sequence(tuple(parts))

    def _back(self, kind: str) -> Node:
        r"""`\1`, `\g{-1}`, `\k<name>`; `\12` is octal where there are no twelve groups so far, as PCRE has it."""
        start = self._at
        self._at += 2
        if kind in "0123456789":
            digits = re.match(r"[0-9]+", self._text[start + 1 :])
            assert digits is not None
            number = int(digits[0])
            if number >= 10 and number > self.groups:
                self._at = start
                return self._literal(self._octal())
            self._at = start + 1 + digits.end()
        elif kind == "g" and (found := _NUMBER.match(self._text, self._at)):
            text = self._take(found)[1] or found[2]
            number = int(text)
            number = self.groups + 1 + number if text[0] == "-" else self.groups + number if text[0] == "+" else number
        elif found := _NAME.match(self._text, self._at):
            return self._back_to(next(filter(None, self._take(found).groups())))
        else:
            self._refuse("subroutine calls are not supported")
        if number < 1:
            self._refuse("a back-reference to no group")
        self._backs.append((number, start))
        return Back(number, self._flags.caseless)
