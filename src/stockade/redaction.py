"""Masking: what may be a secret never reaches a log, an error or a finding whole.

Secrets are known by what they look like (`redact`) and by the names of the fields that hold them (`secret_names`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from stockade.secret_names import redact_fields

# API keys of ours, JSON Web Tokens (`{` and what may follow it begin with these two letters in base64), and the
# Authorization schemes that carry a secret.
_SECRET = re.compile(
    r"stk_[0-9A-Za-z]{4,}(?:_[0-9A-Za-z]*)?"
    r"|eyJ[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*){0,4}"
    r"|e[yw][0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*){0,3}"
    r"|\b(?i:bearer|basic|negotiate|dpop)\s+\S+"
    r"|\b(?i:digest)\s.+",
    re.DOTALL,
)
_LONG = 24  # an opaque path segment from this length on is more likely a token than an identifier
_MOST = 2048  # characters of a path that a log shows
_REMEMBERED, _SHORT = 4096, 512  # paths, as `wire.parse_target` remembers them too; characters of one
_is_uuid = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch
# What makes a short segment worth hiding too: a key, a token, an Authorization value, a mail address, a password.
_find_telling = re.compile(r"stk_|eyJ|@|%40|\b(?i:bearer|basic|digest)(?:%20|\s)").search
_HINTS = ("stk_", "eyJ", "@", "%", " ", "\t", "=")  # without one of them there is nothing telling


def mask(text: str, keep: int = 4) -> str:
    """The first characters and the length: enough to recognise, too little to use."""
    if len(text) <= keep * 2:
        return "…" if text else ""
    return f"{_printable(text[:keep])}…({len(text)})"


def excerpt(text: str, most: int = 64) -> str:
    """Something that is no secret (a method, an address), made short and printable."""
    return redact(text[:most]) + ("…" if len(text) > most else "")


def redact(text: str) -> str:
    """The text with everything that looks like a credential masked."""
    # All that the pattern finds holds one of these, and it costs five times as much to look for it.
    if "stk_" not in text and "ey" not in text and "ew" not in text and len(text.split(None, 1)) < 2:
        return _printable(text)
    return _printable(_SECRET.sub(lambda match: mask(match[0]), text))


def redact_path(path: str) -> str:
    """A path for the log. Numbers and UUIDs stay, for they identify what was asked for; opaque tokens do not, nor
    what parameters hold whose names say that it is secret (`/orders;jsessionid=…`).
    """
    return _redact_short(path) if len(path) <= _SHORT else _redact_path(path)


def _redact_path(path: str) -> str:
    telling = any(hint in path for hint in _HINTS)
    if not telling and len(path) < _LONG:
        return path
    if len(path) > _MOST:  # cut between segments: the beginning of a secret must not pass for a short word
        path = path[:_MOST].rpartition("/")[0] + "/…"
    if "=" in path:
        path, mark, query = path.partition("?")
        path = "/".join(map(redact_fields, path.split("/"))) + mark + redact_fields(query)
    return "/".join(mask(part) if _opaque(part, telling) else part for part in path.split("/"))


_redact_short = lru_cache(maxsize=_REMEMBERED)(_redact_path)


def _opaque(segment: str, telling: bool) -> bool:
    if telling and _find_telling(segment) is not None:
        return True
    if len(segment) < _LONG or segment.isdigit() or _is_uuid(segment) is not None:
        return False
    return any(char.isdigit() for char in segment)


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)
