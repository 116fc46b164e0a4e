"""The request target (RFC 9112, section 3.2) in one normal form, so that no two readers see two paths.

The form is the one Envoy's path normalisation yields (dot segments resolved, slashes merged, backslash read as
slash); what stays ambiguous after that is refused. Doors without Envoy in front call `parse_target` themselves.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import NamedTuple

_HEX = "0123456789abcdefABCDEF"
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NEVER = frozenset("/\\\0")
# What each escape that a path may hold is written as, by its two digits.
_WRITTEN = {
    high + low: char if char in _UNRESERVED else f"%{high}{low}".upper()
    for high in _HEX
    for low in _HEX
    if (char := chr(int(high + low, 16))) not in _NEVER
}
# A name or an IPv4 address, or an IPv6 address in brackets, and a port. RFC 3986 would also allow percent escapes and
# sub-delimiters in a name; no host has them, and servers disagree on whether to decode them.
_is_authority = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?").fullmatch
_is_printable = re.compile(r"[!-~]*").fullmatch  # ASCII without space and controls
_REMEMBERED = 4096
_SHORT = 512  # characters; what is longer is parsed each time, so that nobody can fill the memory with it


class BadTarget(ValueError):
    """A request target that two servers could read differently; the message is safe to show."""


class Target(NamedTuple):
    path: str
    query: str


def parse_target(raw: str) -> Target:
    """Split and normalise an origin-form target.

    >>> parse_target("/a//b/../c?x=1")
    Target(path='/a/c', query='x=1')

    Raises BadTarget on a relative path, a fragment, an escaped slash or NUL, a broken escape, a raw control or space,
    a dot segment with parameters (`/..;/`: some servers go up there, others do not).
    """
    return _parse_short(raw) if len(raw) <= _SHORT else _parse(raw)


def parse_authority(raw: str) -> str:
    """The authority (RFC 9112, section 3.2), as sent. Raises BadTarget on several hosts, user names, or no host."""
    return _check_short(raw) if len(raw) <= _SHORT else _check_authority(raw)


def _check_authority(raw: str) -> str:
    if _is_authority(raw) is None:
        raise BadTarget("the host is missing, given twice, or holds characters that no host has")
    return raw


def _parse(raw: str) -> Target:
    raw_path, _, query = raw.partition("?")
    if not raw_path.startswith("/"):
        raise BadTarget("the request target must be an absolute path")
    if "#" in raw:
        raise BadTarget("the request target holds a fragment")
    if _is_printable(raw) is None:
        raise BadTarget("the request target holds characters that must be percent-encoded")
    path = _unescape_unreserved(raw_path) if "%" in raw_path else raw_path
    path = path.replace("\\", "/")
    if "/.;" in path or "/..;" in path:
        raise BadTarget("the path holds a dot segment with parameters")
    return Target(_resolve(path), query)


_parse_short = lru_cache(maxsize=_REMEMBERED)(_parse)
_check_short = lru_cache(maxsize=_REMEMBERED)(_check_authority)


def _unescape_unreserved(path: str) -> str:
    """Decode what never needed escaping (RFC 3986, section 6.2.2.2), so that /%61dmin is /admin."""
    head, *rest = path.split("%")
    try:
        return head + "".join([_WRITTEN[piece[:2]] + piece[2:] for piece in rest])
    except KeyError as error:
        known = len(code := error.args[0]) == 2 and code.strip(_HEX) == ""
        raise BadTarget(f"the path holds {'an escaped slash or NUL' if known else 'a broken percent escape'}") from None


def _resolve(path: str) -> str:
    """Merge slashes and remove dot segments (RFC 3986, section 5.2.4), keeping a trailing slash."""
    if "//" not in path and "/." not in path:
        return path
    resolved = posixpath.normpath(path).replace("//", "/", 1)
    ends_open = path.endswith(("/", "/.", "/.."))
    return resolved + "/" if ends_open and resolved != "/" else resolved
