"""JSON Web Tokens, signed (RFC 7515) and encrypted (RFC 7516): a header that is JSON with `alg`, and three parts or
five.

What merely begins with `eyJ` is base64 of some JSON, and none.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error

from stockade.detectors.detector import Detector, Span, Trigger, Window, follows_word, pattern, start_at

_TOKEN = pattern(rb"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{8,})?")
_AFTER = 15 << 10


def _confirm(window: Window) -> Span | None:
    data, low, _, stop = window
    start = start_at(window, b"eyJ")
    if follows_word(data, start, low):
        return None
    found = _TOKEN.match(data, start, stop)
    if found is None:
        return None
    header, _, rest = found[0].partition(b".")
    try:
        text = urlsafe_b64decode(header + b"=" * (-len(header) % 4))
    except (Error, ValueError):
        return None
    if b'"alg"' not in text or len(rest) < 3:
        return None
    return start, found.end()


JWTS = Detector(
    "jwts", (Trigger(rb"eyJ[A-Za-z0-9_-]{9}", _confirm, after=_AFTER),), "high", "report", "JSON Web Tokens"
)
