"""E-mail addresses: the dot-atom form (RFC 5322, section 3.2.3) before a host name with a top-level domain of letters.

None of these: `icon@2x.png` (a file), `package@1.2.3` (a version), `git@github.com:…` (a remote), the user part of
a URL (`https://user@host/`), a handle (`@name`). A quoted local part, an address literal and an international local
part (RFC 6531) are not found.
"""

from __future__ import annotations

from stockade.detectors.detector import Detector, Span, Trigger, Window, shape

_LOCAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~."
# A label takes all it can and gives nothing back, so that what is long costs no more than its length.
_DOMAIN = shape(rb"(?:[A-Za-z0-9](?>[A-Za-z0-9-]{0,62})(?<!-)\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})")
_FILES = frozenset(b"png jpg jpeg gif svg webp avif ico css js mjs ts tsx jsx map json html htm php py".split())
_MOST_LOCAL = 64
_PUNCTUATION = b"!#$%&'*+-/=?^`{|}~."


def _confirm(window: Window) -> Span | None:
    data, low, at, stop = window
    sign = data.rfind(b"@", low, at)
    found = _DOMAIN.match(data, sign + 1, stop)
    if found is None:
        return None
    left = max(low, sign - _MOST_LOCAL - 1)
    before = data[left:sign]
    local = before[len(before.rstrip(_LOCAL)) :]
    local = _after_markup(local)
    trimmed = local.lstrip(_PUNCTUATION)
    start, end = sign - len(trimmed), found.end()
    if not trimmed or len(trimmed) > _MOST_LOCAL or trimmed[-1:] in (b".", b"/") or b".." in trimmed:
        return None
    if _is_none(data, start, end, stop, low, found[0]):
        return None
    return _after_escape(data, start, low), end


def _after_markup(local: bytes) -> bytes:
    """Less what a query (`?to=`), a path or a scheme puts before an address: `/`, `=`, `&` and `?` part words."""
    for mark in (b"/", b"=", b"&", b"?"):
        local = local.rpartition(mark)[2]
    return local


def _after_escape(data: bytes, start: int, low: int) -> int:
    """`\\nada@…` in JSON begins at the a; `\\u003cada@…` too."""
    if start > low and data[start - 1] == 0x5C:
        if data[start : start + 1] == b"u" and start + 5 < len(data):
            return start + 5
        return start + 1
    return start


def _is_none(data: bytes, start: int, end: int, stop: int, low: int, domain: bytes) -> bool:
    last = domain.rpartition(b".")[2].lower()
    if last in _FILES or data[start : start + 4] == b"git@":
        return True
    if end < stop and data[end : end + 1] in b"@_":
        return True
    return _in_url(data, start, low)


def _in_url(data: bytes, start: int, low: int) -> bool:
    """`//user@`, or `//user:secret@`: the user part of a URL."""
    if data[max(low, start - 2) : start] == b"//":
        return True
    if data[start - 1 : start] != b":":
        return False
    slashes = data.rfind(b"//", max(low, start - 66), start)
    return slashes >= 0 and not any(char in b" \"'<>\n@" for char in data[slashes:start])


EMAILS = Detector(
    "emails",
    (Trigger(rb"[A-Za-z0-9_!#$%&'*+=?^`{|}~-]@[A-Za-z0-9]", _confirm, after=300),),
    "medium",
    "report",
    "e-mail addresses",
)
