"""What the arguments of directives look like. A shape says what is wrong with the words, or "" when all is well."""

from __future__ import annotations

import re
from collections.abc import Callable

from stockade.seclang.problems import shown

Shape = Callable[[tuple[str, ...]], str]
_LARGEST = 2**63 - 1


def one_of(*choices: str) -> Shape:
    """One word of these, in any case."""
    lower = {choice.lower() for choice in choices}
    listed = f"{', '.join(choices[:-1])} or {choices[-1]}"

    def wrong(words: tuple[str, ...]) -> str:
        if len(words) != 1:
            return f"takes one argument: {listed}"
        return "" if words[0].lower() in lower else f"takes {listed}, not {shown(words[0])}"

    return wrong


def number(least: int = 0, most: int = _LARGEST) -> Shape:
    """One whole number."""

    def wrong(words: tuple[str, ...]) -> str:
        if len(words) != 1 or not re.match(r"[0-9]{1,19}\Z", words[0]):
            return f"takes one whole number, not {shown(' '.join(words))}"
        if least <= int(words[0]) <= most:
            return ""
        span = f"a number from {least} to {most}" if most < _LARGEST else f"a number from {least}"
        return f"takes {span if least < most else f'only {least}'}, not {words[0]}"

    return wrong


def text(what: str = "argument") -> Shape:
    """One word."""

    def wrong(words: tuple[str, ...]) -> str:
        return "" if len(words) == 1 and words[0] else f"takes one {what}; put it in quotes where it has blanks"

    return wrong


def some(what: str, least: int = 1, most: int = 10_000) -> Shape:
    """Several words."""

    def wrong(words: tuple[str, ...]) -> str:
        if least <= len(words) <= most and all(words):
            return ""
        return f"takes {what}"

    return wrong


def nothing(words: tuple[str, ...]) -> str:
    """No words at all."""
    return f"takes no arguments, not {shown(' '.join(words))}" if words else ""


def anything(_: tuple[str, ...]) -> str:
    """Whatever stands there; for what has no effect."""
    return ""


def parts(words: tuple[str, ...]) -> str:
    """The sections of an audit log, as letters."""
    if len(words) == 1 and re.match(r"[A-Ka-kZz]++\Z", words[0]):
        return ""
    return f"takes letters from A to K and Z, not {shown(' '.join(words))}"


def mode(words: tuple[str, ...]) -> str:
    """The mode of a file, in octal, or "default"."""
    if len(words) == 1 and re.match(r"(?:0?[0-7]{3}|default)\Z", words[0], re.IGNORECASE):
        return ""
    return f"takes an octal mode such as 0600, or default, not {shown(' '.join(words))}"


def map_file(words: tuple[str, ...]) -> str:
    """A file, and the number of a code page in it."""
    good = len(words) == 1 or (len(words) == 2 and re.match(r"[0-9]{1,6}\Z", words[1]))
    return "" if good else "takes a file name and the number of a code page, as in unicode.mapping 20127"


def one_character(words: tuple[str, ...]) -> str:
    """One character."""
    return "" if len(words) == 1 and len(words[0]) == 1 else f"takes one character, not {shown(' '.join(words))}"


ON_OFF = one_of("On", "Off")
