"""Reads JSON one token at a time and knows where it stands: the judge of what the quick reader suspects.

Not recursive; time is linear in the body, and small beyond the first limit that is broken.
"""

from __future__ import annotations

import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined] # public in all but typeshed
from typing import Any, NoReturn

from stockade.payloads.faults import MOST_FAULTS, BadPayload, Fault, pointer_to
from stockade.payloads.limits import LONGEST_NUMBER, Limits

_space = re.compile(r"[ \t\n\r]*+").match
_sound = re.compile(r'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u%s)*+' % ("[0-9a-fA-F]" * 4)).match
_number = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][-+]?[0-9]++)?").match
_longest_number = re.compile(r"[-+.0-9eE]*+").match
_literal = re.compile(r"true|false|null").match
_is_odd_literal = re.compile(r"[-+]?(?:NaN|Infinity|nan|inf|None|True|False|undefined)").match
_surrogate = re.compile("[\ud800-\udfff]").search
_noncharacter = re.compile(
    "[\ufdd0-\ufdef" + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF)) + "]"
).search
_LITERALS = {"true": True, "false": False, "null": None}


def read_exactly(body: bytes, limits: Limits) -> Any:
    """As `read_json`, slowly."""
    if not body:
        raise BadPayload((Fault("", "empty", "the body is empty; JSON has a value"),))
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; JSON is UTF-8 (RFC 8259, section 8.1)"
        raise BadPayload((Fault("", "utf-8", message),)) from None
    reader = _Reader(text, limits)
    try:
        value = reader.read()
    except _Stop:
        value = None
    if reader.faults:
        raise BadPayload(reader.faults)
    return value


class _Stop(Exception):
    """Nothing that follows can be told."""


class _Reader:
    """One reading. `path` leads to the value in hand; `open` holds the containers that are not closed yet."""

    __slots__ = ("at", "faults", "items", "limits", "members", "open", "path", "text")

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.at = 0
        self.faults: list[Fault] = []
        self.path: list[str | int] = []
        self.open: list[dict[str, Any] | list[Any]] = []
        self.members = self.items = 0

    def read(self) -> Any:
        if self.text[0] == "\ufeff":
            self._stop("byte-order-mark", "the body begins with a byte order mark; send it without")
        value = self._value()
        while self.open:
            container = self.open[-1]
            if isinstance(container, dict):
                self._member(container)
            else:
                self._item(container)
        if self._next():
            self._stop("trailing", "something follows the value; a body holds one JSON value")
        return value

    def _note(self, rule: str, message: str) -> None:
        self.faults.append(Fault(pointer_to(self.path), rule, message))
        if len(self.faults) >= MOST_FAULTS:
            raise _Stop

    def _stop(self, rule: str, message: str) -> NoReturn:
        self._note(rule, message)
        raise _Stop

    def _broken(self, expected: str) -> NoReturn:
        found = f"at character {self.at}" if self.at < len(self.text) else "where the body ends"
        self._stop("syntax", f"{expected} is expected {found}")

    def _next(self) -> str:
        """The character that follows white space, "" at the end."""
        self.at = _space(self.text, self.at).end()  # type: ignore[union-attr] # it matches nothing, too
        return self.text[self.at : self.at + 1]

    def _value(self) -> Any:
        """A scalar, or a container that is now open."""
        first = self._next()
        if first == '"':
            return self._string(self.limits.string, "string")
        if first and first in "{[":
            if len(self.open) >= self.limits.depth:
                self._stop("depth", f"objects and arrays are nested more than {self.limits.depth} deep")
            self.at += 1
            container: dict[str, Any] | list[Any] = {} if first == "{" else []
            self.open.append(container)
            return container
        if first and first in "-0123456789":
            return self._number()
        if found := _literal(self.text, self.at):
            self.at = found.end()
            return _LITERALS[found[0]]
        if _is_odd_literal(self.text, self.at):
            self._stop("syntax", "JSON has no such literal: only true, false, null and finite numbers")
        return self._broken("a value")

    def _close(self) -> None:
        self.at += 1
        self.open.pop()
        if self.open:
            self.path.pop()

    def _member(self, container: dict[str, Any]) -> None:
        """One member of the innermost object, or its end. An object is empty before its first member, and only then."""
        first = self._next()
        if first == "}":
            return self._close()
        if container:
            if first != ",":
                self._broken("a comma or }")
            self.at += 1
            first = self._next()
        if first != '"':
            self._broken("a name in quotation marks")
        self.members += 1
        if self.members > self.limits.members:
            self._stop("members", f"the body has more than {self.limits.members} members")
        name = self._string(self.limits.name, "name")
        self.path.append(name)
        if name in container:
            self._note("duplicate-name", "the name stands twice in this object")
        if "\0" in name:
            self._note("nul-in-name", "the name holds the character U+0000")
        if self._next() != ":":
            self._broken("a colon")
        self.at += 1
        container[name] = self._inner()
        return None

    def _item(self, container: list[Any]) -> None:
        first = self._next()
        if first == "]":
            return self._close()
        if container:
            if first != ",":
                self._broken("a comma or ]")
            self.at += 1
        self.items += 1
        if self.items > self.limits.items:
            self._stop("items", f"the arrays of the body have more than {self.limits.items} items")
        self.path.append(len(container))
        container.append(self._inner())
        return None

    def _inner(self) -> Any:
        """The value whose place has just been added to `path`."""
        value = self._value()
        if type(value) is not dict and type(value) is not list:
            self.path.pop()
        return value

    def _string(self, longest: int, what: str) -> str:
        try:
            raw: str
            raw, self.at = scanstring(self.text, self.at + 1, True)
        except JSONDecodeError:
            self._unfinished()
        if not raw.isascii() and _surrogate(raw):
            self._note("lone-surrogate", f"a {what} holds half of a surrogate pair")
            raw = raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if len(raw) > longest:
            self._note(f"{what}-length", f"a {what} is longer than {longest} characters")
        if not raw.isascii() and _noncharacter(raw):
            self._note("noncharacter", f"a {what} holds a code point that is no character (RFC 7493, section 2.1)")
        return raw

    def _unfinished(self) -> NoReturn:
        found = _sound(self.text, self.at + 1)
        assert found is not None  # the pattern matches nothing, too
        self.at = found.end()
        rest = self.text[self.at : self.at + 2]
        if not rest:
            self._broken("the end of a string")
        if rest[0] == "\\":
            self._stop(
                "escape", f'the escape at character {self.at} is none of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX'
            )
        self._stop(
            "control-character", f"U+{ord(rest[0]):04X} at character {self.at} must be written \\u{ord(rest[0]):04x}"
        )

    def _number(self) -> int | float:
        found = _number(self.text, self.at)
        whole = _longest_number(self.text, self.at)
        assert whole is not None  # the pattern matches nothing, too
        if found is None or found.end() != whole.end():
            self._stop(
                "number", f"the number at character {self.at} is none of JSON: no leading zeros, bare points or +"
            )
        self.at = found.end()
        text = found[0]
        if len(text) > min(self.limits.number, LONGEST_NUMBER):
            self._note("number-length", f"a number is longer than {min(self.limits.number, LONGEST_NUMBER)} characters")
            return 0
        if found[1] is None and found[2] is None:
            value = int(text)
            if abs(value) > self.limits.integer:
                self._note("integer-range", f"an integer is beyond ±{self.limits.integer}, so parsers may round it")
            return value
        return self._float(text)

    def _float(self, text: str) -> float:
        value = float(text)
        if value in (float("inf"), float("-inf")):
            self._note("number-range", "a number is larger than a double can hold")
        elif not value and text.lower().partition("e")[0].strip("-.0"):
            self._note("number-range", "a number is so small that a double makes it 0")
        return value
