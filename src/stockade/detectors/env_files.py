"""Content of `.env` files and of `env`: lines that give a secret a name in capitals, `DB_PASSWORD=…`. The value is
masked.

A query (`?API_KEY=…`), an empty value, a placeholder (`<…>`, `${…}`, `changeme`, `xxx`) and prose are none.
"""

from __future__ import annotations

from stockade.detectors.detector import Detector, Span, Trigger, Window, pattern

_VALUE = pattern(rb"""(?:\\"[^"\\\r\n]{1,200}\\"|"[^"\\\r\n]{1,200}"|'[^'\\\r\n]{1,200}'|[^\s"'\\<>]{1,300})""")
_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
_PLACEHOLDERS = frozenset(b"changeme change_me secret password your-key example todo none null true false".split())
_KEYS = (
    b"KEY APIKEY SECRET TOKEN PASSWORD PASSWD PASS PWD CREDENTIALS DATABASE_URL DB_URL REDIS_URL MONGO_URI DSN"
    b" CONNECTION_STRING SALT"
).split()
_EMPTY = frozenset(b"x*.-_")


def _confirm(window: Window) -> Span | None:
    data, low, at, stop = window
    name = data[max(low, at - 65) : at - 1]
    start = at - 1 - (len(name) - len(name.rstrip(_NAME)))
    whole = data[start : at - 1]
    if not any(whole == key or whole.endswith(b"_" + key) for key in _KEYS) or not _begins_line(data, start, low):
        return None
    found = _VALUE.match(data, at, stop)
    if found is None or found[0][:1] in (b"$", b"<", b"{"):
        return None
    value = found[0].strip(b"\\\"'")
    if len(value) < 3 or value.lower() in _PLACEHOLDERS or set(value.lower()) <= _EMPTY:
        return None
    return found.start(), found.end()


def _begins_line(data: bytes, start: int, low: int) -> bool:
    if start <= low or data[start - 1] in b'\n\r">':
        return True
    before = data[max(low, start - 10) : start]
    return before.endswith((b"\\n", b"export ", b"ENV ", b"  ", b"\t", b"\\t", b"- "))


ENV_FILES = Detector(
    "env_files",
    (
        Trigger(
            rb"(?:" + b"|".join(_KEYS) + rb")=",
            _confirm,
            after=320,
        ),
    ),
    "critical",
    "mask",
    "content of .env files",
)
