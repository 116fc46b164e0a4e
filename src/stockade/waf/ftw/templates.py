"""The few forms of Go's template language that tests are written in: `{{ "a" | repeat 300 }}` and `{{.Payload}}`.

What is in double braces and none of these is left as it stands: braces are what attacks on templates are made of.
"""

from __future__ import annotations

import json
import re

_STRING = rb'"(?:[^"\\]|\\.)*"|`[^`]*`'
_PIECE = re.compile(
    rb"\{\{-?\s*(?:(?P<payload>\.Payload)"
    rb"|(?P<piped>" + _STRING + rb")\s*\|\s*repeat\s+(?P<times>\d{1,7})"
    rb"|repeat\s+(?P<count>\d{1,7})\s+(?P<repeated>" + _STRING + rb")"
    rb"|(?P<alone>" + _STRING + rb"))\s*-?\}\}"
)
_MOST = 16 << 20  # bytes that one repetition may come to


def fill(text: bytes, payload: bytes) -> bytes:
    """The text, its templates filled in.

    >>> fill(b'a={{ "1" | repeat 3 }}&b={{.Payload}}', b"' or 1=1")
    b"a=111&b=' or 1=1"
    """
    return _PIECE.sub(lambda found: _value(found, payload), text) if b"{{" in text else text


def _value(found: re.Match[bytes], payload: bytes) -> bytes:
    if found["payload"]:
        return payload
    literal = _literal(found["piped"] or found["repeated"] or found["alone"])
    times = int(found["times"] or found["count"] or 1)
    return literal * min(times, _MOST // max(1, len(literal)))


def _literal(quoted: bytes) -> bytes:
    if quoted.startswith(b"`"):
        return quoted[1:-1]
    try:
        text: str = json.loads(quoted)
    except ValueError:  # an escape that Go has and JSON has not
        return quoted[1:-1]
    return text.encode("utf-8", "surrogatepass")
