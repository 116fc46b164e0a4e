"""Ids in one form, and all that one text could mean to a lenient server.

    >>> spellings("007", "auto"), spellings("7.json", "auto")
    (('7',), ('7.json', '7'))

The first spelling is the id itself; the others are what a server might make of it. None of them may be another's.
"""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from unicodedata import category, decimal, normalize
from urllib.parse import unquote

Form: TypeAlias = Literal["auto", "integer", "uuid", "text", "folded"]
"""auto: integers and UUIDs are known by their looks. folded: text of which case does not matter."""
_LONGEST = 512  # characters
_DIGITS = 40  # of an integer
_NUMERIC = frozenset({"auto", "integer"})
_MOST_SPELLINGS = 64
_MOST_VALUES = 20_000  # of one request or response
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}(?:\.0*)?")
_UUID = re.compile(r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?")
_HEX = re.compile(r"[0-9A-Fa-f]{16,}")
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_BASED = re.compile(r"0x[0-9a-f]{1,16}|0o[0-7]{1,22}|0b[01]{1,64}")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:e[+-]?[0-9]{1,2})?")
_GROUPED = re.compile(r"[0-9]{1,40}(?:_[0-9]{1,40}){1,20}")  # as Python writes a million
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,340}={0,2}")
_PRINTABLE = re.compile(r"[ -~]+")
_PREFIXES = (re.compile(r"([0-9]{1,40})[^0-9]"), re.compile(r"([0-9A-Fa-f-]{16,256})[^0-9A-Za-z_-]"))
_SEPARATORS = re.compile(r"[\s,;|&=\"'\[\]{}()<>\0]+")


class BadId(ValueError):
    """A text that no object of this kind can be called by, or that could be too many at once."""


def spellings(text: str, form: Form = "auto") -> tuple[str, ...]:
    """The id in its one form, then what else it could be read as. Raises BadId."""
    if len(text) > _LONGEST:
        raise BadId("it is too long for an id")
    if text.isdigit() and text[0] != "0" and text.isascii() and len(text) <= _DIGITS and form in _NUMERIC:
        return (text,)  # the common case
    return _spellings(text, form)


@lru_cache(maxsize=8192)
def _spellings(text: str, form: Form) -> tuple[str, ...]:
    plain = _decoded(text)
    own = canonical(plain, form)
    if own is None:
        raise BadId(f"it is no {form}")
    if form == "integer" and own == text:
        return (own,)
    found = dict.fromkeys((own, *(each for each in _readings(plain, form) if each)))
    if len(found) > _MOST_SPELLINGS:
        raise BadId("it could be very many ids")
    return tuple(found)


def _decoded(text: str) -> str:
    """Without percent-encodings, forms of Unicode, surrounding space and trailing dots and slashes."""
    for _ in range(4):
        if "%" not in text:
            break
        text = unquote(text)
    if not text.isascii():
        text = "".join(map(_plain, normalize("NFKC", text)))
    bare = text.strip("\0 \t\r\n\v\f").rstrip("./\\ ")
    return bare.lstrip("/") if bare else text


def _plain(character: str) -> str:
    """Digits of any script are digits to Python and Java; what is not seen is dropped by many."""
    if character.isdecimal():
        return str(decimal(character))
    return "" if category(character) == "Cf" else character


def canonical(text: str, form: Form) -> str | None:
    """The one form; None where the text is none of this form."""
    if form != "text" and form != "folded":
        if form != "uuid" and _INTEGER.fullmatch(text):
            return str(int(text.partition(".")[0]))
        if form != "integer" and (match := _UUID.fullmatch(text.lower())):
            return "-".join(match.groups())
        if form != "auto":
            return None
        if _HEX.fullmatch(text):
            return text.lower()
    return text.casefold() if form == "folded" else text


def _readings(text: str, form: Form) -> Iterator[str | None]:
    if (number := _number(text.lower())) is not None:
        yield canonical(number, form)
    if not (_UUID.fullmatch(text.lower()) or _HEX.fullmatch(text)):
        for prefix in _PREFIXES:  # 7.json, 7;x, 7' OR 1=1, 7abc
            if match := prefix.match(text):
                yield canonical(match[1], form)
    parts = [part for part in _SEPARATORS.split(text) if part]
    if len(parts) > 1 or (parts and parts[0] != text):  # 1,2 and [7] and {"id":7}
        for part in parts:
            yield canonical(part.rstrip(":"), form)
            yield canonical(part.rpartition(":")[2], form)
    if _BASE64.fullmatch(text):
        yield from _unwrapped(text, form)


def _number(text: str) -> str | None:
    """The whole number that a lenient reader takes it for: 0x7, 0b111, 7e0, 70e-1, 7.9, 1_000."""
    if _BASED.fullmatch(text):
        number = int(text[2:], _BASES[text[:2]])
    elif _FLOAT.fullmatch(text):
        number = int(float(text))
    elif _GROUPED.fullmatch(text):
        return text.replace("_", "")
    else:
        return None
    return str(number) if abs(number) < 1 << 64 else None


def _unwrapped(text: str, form: Form) -> Iterator[str | None]:
    """What a global id wraps: T3JkZXI6Nw== is "Order:7"."""
    decode = urlsafe_b64decode if "-" in text or "_" in text else b64decode
    try:
        inner = decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)).decode("ascii")
    except ValueError:
        return
    if _PRINTABLE.fullmatch(inner):
        yield canonical(inner, form)
        for part in re.split(r"[:/|,#]", inner):
            yield canonical(part, form)


def scalars(value: Any) -> Iterator[str]:
    """The texts and numbers in a JSON value, however it wraps them. Raises BadId where they are too many."""
    waiting, seen = [value], 0
    while waiting:
        each = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise BadId("there are too many ids")
        if isinstance(each, str):
            yield each
        elif isinstance(each, bool) or each is None:
            continue
        elif isinstance(each, int):
            yield str(each) if abs(each) < 1 << 200 else "9" * _LONGEST
        elif isinstance(each, float):
            yield str(int(each)) if each.is_integer() and abs(each) < 1e18 else repr(each)
        elif isinstance(each, Pairs):
            waiting += (member for _, member in each)
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


class Pairs(list[tuple[str, Any]]):
    """A JSON object with all its members, duplicates too."""
