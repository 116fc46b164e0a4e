"""The thorough reader of JSON bodies: for those that are broken, hostile, or nested deep.

It takes what yajl takes, the parser of ModSecurity v3: \v and \f are white space, and UTF-8 is checked for its shape
alone (so that overlong forms pass, which we note). It is iterative, keeps what came before a break, and says what broke
in words that hold nothing of the body.
"""

from __future__ import annotations

import re

from stockade.waf.values.base import Collection

_token = re.compile(
    rb"[ \t\n\v\f\r]*+(?:"
    rb'"((?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u%b)*+)"'  # 1: a string
    rb"|(-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?+[0-9]++)?)"  # 2: a number
    rb"|([{}\[\],:])"  # 3: a mark
    rb"|(true|false|null))" % (b"[0-9a-fA-F]" * 4)  # 4: a word
).match
_space = re.compile(rb"[ \t\n\v\f\r]*+").match
_is_utf8_shaped = re.compile(
    rb"(?:[\x00-\x7f]++|[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf][\x80-\xbf]|[\xf0-\xf7][\x80-\xbf][\x80-\xbf][\x80-\xbf])*+"
).fullmatch
_escape = re.compile(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))").sub
_SHORT = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_WORDS = {b"true": b"true", b"false": b"false", b"null": b""}

_CONTAINERS = 4  # per argument that a body may hold
_PATHS = 16 << 20  # bytes of names of containers

_VALUE, _VALUE_OR_END, _KEY, _KEY_OR_END, _COLON, _COMMA_OR_END, _DONE = range(7)
_EXPECTED = (
    "a value",
    "a value or the end of the array",
    "a key",
    "a key or the end of the object",
    "a colon",
    "a comma or the end",
    "the end of the body",
)


class _Broken(Exception):
    """Reading ends here; the message is why."""


class Scan:
    """One reading of one body. Afterwards `pairs`, `failed` and `problems` say what became of it."""

    def __init__(self, body: bytes, depth: int, most: int, names: int) -> None:
        """`depth` levels, `most` arguments and `names` bytes of names at the most."""
        self.pairs: Collection = []
        self.failed = ""
        self.problems: list[str] = []
        self._body = body
        self._depth = depth
        self._most = most
        self._names = names
        self._paths = _PATHS
        self._containers = _CONTAINERS * most
        self._name = b"json"  # of the value to come
        self._prefixes: list[bytes] = []  # of the open objects and arrays
        self._indices: list[int] = []  # of the next item of each open array, -1 for an object
        self._keys: list[set[bytes]] = []  # of each open object
        try:
            self._run()
        except _Broken as error:
            self.failed = str(error)

    def _run(self) -> None:
        body, at, state = self._body, 0, _VALUE
        while state != _DONE:
            token = _token(body, at)
            if token is None:
                raise _Broken(self._diagnosis(at, state))
            kind, at = token.lastindex, token.end()
            if kind == 3:
                state = self._mark(token[3], state)
            elif kind == 1:
                state = self._string(token[1], state)
            elif state > _VALUE_OR_END:
                raise _Broken(f"{_EXPECTED[state]} is missing")
            else:
                state = self._leaf(token[2] if kind == 2 else _WORDS[token[4]])
                if kind == 2:
                    self._check_number(token[2], at)
        if _space(body, at).end() != len(body):  # type: ignore[union-attr] # it matches anywhere
            raise _Broken("the end of the body is missing")

    def _check_number(self, number: bytes, at: int) -> None:
        """`1.` and `1e` are no numbers; `1.2.3` is one with something after it, which the next token tells."""
        after = self._body[at : at + 1]
        has_exponent = b"e" in number.lower()
        if (after == b"." and not has_exponent and b"." not in number) or (after in (b"e", b"E") and not has_exponent):
            self.pairs.pop()
            raise _Broken("a number is malformed")

    def _mark(self, mark: bytes, state: int) -> int:
        if mark in b"{[" and state <= _VALUE_OR_END:
            return self._open(mark)
        if mark == b"," and state == _COMMA_OR_END:
            return self._next()
        if mark == b":" and state == _COLON:
            return _VALUE
        closes = mark in b"}]" and state in (_COMMA_OR_END, _KEY_OR_END if mark == b"}" else _VALUE_OR_END)
        if closes and self._indices and (self._indices[-1] < 0) == (mark == b"}"):
            return self._close()
        raise _Broken(f"{_EXPECTED[state]} is missing")

    def _open(self, mark: bytes) -> int:
        if len(self._indices) >= self._depth:
            raise _Broken("it is nested too deep")
        self._paths -= len(self._name)
        self._containers -= 1
        if self._paths < 0 or self._containers < 0:
            raise _Broken("it holds too many objects and arrays")
        if mark == b"{":
            self._prefixes.append(self._name + b".")
            self._indices.append(-1)
            self._keys.append(set())
            return _KEY_OR_END
        self._prefixes.append(self._name + b".array_")
        self._indices.append(0)
        self._name = self._prefixes[-1] + b"0"
        return _VALUE_OR_END

    def _close(self) -> int:
        self._prefixes.pop()
        if self._indices.pop() < 0:
            self._keys.pop()
        return self._after_value()

    def _next(self) -> int:
        index = self._indices[-1]
        if index < 0:
            return _KEY
        self._name = self._prefixes[-1] + b"%d" % index
        return _VALUE

    def _after_value(self) -> int:
        if not self._indices:
            return _DONE
        if self._indices[-1] >= 0:
            self._indices[-1] += 1
        return _COMMA_OR_END

    def _string(self, text: bytes, state: int) -> int:
        if state in (_KEY, _KEY_OR_END):
            key = self._decode(text)
            if key in self._keys[-1]:
                self._note("json-duplicate-key")
            self._keys[-1].add(key)
            self._name = self._prefixes[-1] + (key or b"empty-key")
            return _COLON
        if state > _VALUE_OR_END:
            raise _Broken(f"{_EXPECTED[state]} is missing")
        return self._leaf(self._decode(text))

    def _leaf(self, value: bytes) -> int:
        if len(self.pairs) >= self._most:
            raise _Broken("it holds too many values")
        # Names repeat those of all containers around, so that their sum could be the square of the body.
        self._names -= len(self._name)
        if self._names < 0:
            raise _Broken("its names are too long")
        self.pairs.append((self._name, value))
        return self._after_value()

    def _decode(self, text: bytes) -> bytes:
        if not text.isascii():
            self._check_utf8(text)
        return _escape(self._unescaped, text) if b"\\" in text else text

    def _check_utf8(self, text: bytes) -> None:
        if _is_utf8_shaped(text) is None:
            self._note("json-bad-utf8")
            raise _Broken("it is not UTF-8")
        try:
            text.decode()
        except UnicodeDecodeError:
            self._note("json-bad-utf8")

    def _unescaped(self, match: re.Match[bytes]) -> bytes:
        high, low, single, char = match.groups()
        if char:
            return _SHORT.get(char, char)
        if high:
            return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF)).encode()
        code = int(single, 16)
        if 0xD800 <= code <= 0xDFFF:
            self._note("json-lone-surrogate")
        return b"?" if 0xD800 <= code < 0xDC00 else chr(code).encode("utf-8", "surrogatepass")

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _diagnosis(self, at: int, state: int) -> str:
        """Why no token begins here."""
        at = _space(self._body, at).end()  # type: ignore[union-attr] # it matches anywhere
        if at == len(self._body):
            return "it ends too early"
        first = self._body[at : at + 1]
        if first == b'"':
            end = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL).match(self._body, at + 1).end()  # type: ignore[union-attr]
            text = self._body[at + 1 : end]
            if _is_utf8_shaped(text) is None:
                self._note("json-bad-utf8")
                return "it is not UTF-8"
            return "a string is malformed or does not end"
        if first == b"-":
            return "a number is malformed"
        return f"{_EXPECTED[state]} is missing"
