"""normalisePath (normalizePath): repeated slashes, self-references and back-references are resolved.

    /a//b/./c/../d  →  /a/b/d        a/../../b  →  ../b        ./a/  →  a/

A back-reference never leads above the root of an absolute path; a relative path keeps those it cannot resolve. A
trailing slash stays and none is added. As in ModSecurity a segment is judged by its last two bytes alone, so
`a/bcd../e` is "a/e", too.
"""

from __future__ import annotations

import re

_SLASHES = re.compile(rb"//+")
_SELVES = re.compile(rb"(?:/\.)+(?=/)")
_PIECES = re.compile(rb"([^/]*+)(/*+)")
_DOT, _SLASH = b"./"

TOUCHES = frozenset(b"./")


def normalise_path(value: bytes) -> bytes:
    if b"/" not in value and not value.endswith(b"..") and len(value) > 1:
        return value  # a word, or a sentence
    if b"//" in value:
        value = _SLASHES.sub(b"/", value)
    if b"/./" in value:
        value = _SELVES.sub(b"", value)
    if b"./" in value or value.endswith(b"."):
        return resolved(value, _PIECES)
    return value


def resolved(path: bytes, pieces: re.Pattern[bytes]) -> bytes:
    """The path without references, read piece by piece: a name and the run of slashes after it."""
    found: list[tuple[bytes, bytes]] = pieces.findall(path)[:-1]  # the last is always empty
    relative = bool(found[0][0])
    out = bytearray()
    at_root = False  # a back-reference has met the root, and no name has followed
    for name, slashes in found:
        consumed = False  # the name, or its end, was a reference
        if not name.endswith(b"."):
            out += name
            at_root = at_root and len(out) < 2
        else:
            out += name[:-1]
            if out and out[-1] == _DOT:
                if relative and (at_root or len(out) <= 2):
                    at_root = True
                    out.append(_DOT)
                else:
                    consumed = True
                    at_root |= _step_back(out, 0 if slashes or relative else 1)
            elif out and out[-1] != _SLASH:
                out.append(_DOT)
            else:
                consumed = True
                if out and slashes:
                    out.pop()
        if slashes and (out or not relative):
            out += _mark(slashes, consumed)
    if not found[-1][1] and out.endswith(b"/"):
        out.pop()
    return bytes(out)


def _step_back(out: bytearray, root: int) -> bool:
    """Removes the last name; True where that was the first, of which `root` bytes stay."""
    slash = out.rfind(b"/", 1, max(0, len(out) - 2))
    del out[root if slash < 0 else slash :]
    return slash < 0


def _mark(slashes: bytes, consumed: bool) -> bytes:
    """The slash that stands for a run. ModSecurity looks one byte ahead to turn backslashes into slashes, but skips
    runs without looking, so that a backslash at the end of a long run stays one."""
    return b"\\" if slashes.endswith(b"\\") and len(slashes) + consumed > 2 else b"/"
