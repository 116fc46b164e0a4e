"""Masking: what may be a secret never reaches a log, an error or a finding whole."""

from __future__ import annotations

import re

# API keys of ours, JSON Web Tokens, and the two Authorization schemes that carry a secret.
_SECRET = re.compile(
    r"stk_[0-9A-Za-z]{4,}(?:_[0-9A-Za-z]*)?"
    r"|eyJ[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*){0,4}"
    r"|\b(?:bearer|basic|digest)\s+\S+",
    re.IGNORECASE,
)
_LONG = 24  # an opaque path segment from this length on is more likely a token than an identifier


def mask(text: str, keep: int = 4) -> str:
    """The first characters and the length: enough to recognise, too little to use."""
    if len(text) <= keep * 2:
        return "…" if text else ""
    return f"{_printable(text[:keep])}…({len(text)})"


def excerpt(text: str, most: int = 64) -> str:
    """Something that is no secret (a method, an address), made short and printable."""
    return redact(_printable(text[:most])) + ("…" if len(text) > most else "")


def redact(text: str) -> str:
    """The text with everything that looks like a credential masked."""
    if "stk_" not in text and "eyJ" not in text and " " not in text:
        return _printable(text)
    return _printable(_SECRET.sub(lambda match: mask(match[0]), text))


def redact_path(path: str) -> str:
    """A path for the log. Numbers and UUIDs stay, for they identify what was asked for; opaque tokens do not."""
    if len(path) < _LONG:
        return path
    return "/".join(mask(part) if _opaque(part) else part for part in path.split("/"))[:2048]


def _opaque(segment: str) -> bool:
    if len(segment) < _LONG:
        return "stk_" in segment
    if len(segment) == 36 and segment.count("-") == 4:  # a UUID
        return False
    return not segment.isdigit() and any(char.isdigit() for char in segment)


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)
