r"""The named sets of PCRE, in bytes: `\w`, `\s`, `[:alpha:]`, `\p{Lu}`; in the "C" locale, without Unicode."""

from __future__ import annotations

import re
import unicodedata
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, hexdigits, punctuation

from stockade.waf.operators.patterns.tree import ALL

_WORD = frozenset((ascii_letters + digits + "_").encode())
_DIGITS = frozenset(digits.encode())
_SPACE = frozenset(b" \t\n\v\f\r")
_HORIZONTAL = frozenset(b"\t \xa0")
_VERTICAL = frozenset(b"\n\v\f\r\x85")

ESCAPES: dict[str, frozenset[int]] = {
    "d": _DIGITS,
    "D": ALL - _DIGITS,
    "h": _HORIZONTAL,
    "H": ALL - _HORIZONTAL,
    "N": ALL - {10},
    "s": _SPACE,
    "S": ALL - _SPACE,
    "v": _VERTICAL,
    "V": ALL - _VERTICAL,
    "w": _WORD,
    "W": ALL - _WORD,
}
CONTROLS: dict[str, int] = {"a": 7, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9}

POSIX: dict[str, frozenset[int]] = {
    "alnum": frozenset((ascii_letters + digits).encode()),
    "alpha": frozenset(ascii_letters.encode()),
    "ascii": frozenset(range(128)),
    "blank": frozenset(b" \t"),
    "cntrl": frozenset((*range(32), 127)),
    "digit": _DIGITS,
    "graph": frozenset(range(33, 127)),
    "lower": frozenset(ascii_lowercase.encode()),
    "print": frozenset(range(32, 127)),
    "punct": frozenset(punctuation.encode()),
    "space": _SPACE,
    "upper": frozenset(ascii_uppercase.encode()),
    "word": _WORD,
    "xdigit": frozenset(hexdigits.encode()),
}


def with_property(name: str) -> frozenset[int] | None:
    r"""`\p{name}`: the bytes whose character in Latin-1 is of that general category; None for any other property."""
    if name == "Any":
        return ALL
    if name == "L&":
        return frozenset(byte for byte in ALL if unicodedata.category(chr(byte)) in ("Lu", "Ll", "Lt"))
    found = frozenset(byte for byte in ALL if unicodedata.category(chr(byte)).startswith(name))
    return found if _CATEGORIES.fullmatch(name) else None


_CATEGORIES = re.compile("C[cfnos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?")
