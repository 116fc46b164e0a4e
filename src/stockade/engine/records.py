"""How the record of an exchange says what it says. Nothing secret may stand in it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from stockade.redaction import excerpt, redact
from stockade.secret_names import redact_fields
from stockade.wire import Headers

_LONGEST_METHOD = 16  # characters; a client can send any

# A principal comes again and again, and is remembered elsewhere too.
shown = lru_cache(maxsize=4096)(redact)


def shown_method(method: str) -> str:
    return method if len(method) <= _LONGEST_METHOD else excerpt(method)


def logged(headers: Headers, wanted: frozenset[str]) -> dict[str, str]:
    """Of the headers, those that the policy wants to see."""
    if not wanted:
        return {}
    return {name: _redacted((headers.get(name) or "")[:1024]) for name in headers.names() & wanted}


def _redacted(value: str) -> str:
    """Headers hold URLs, and those hold tokens."""
    return redact(redact_fields(value) if "=" in value or ":" in value else value)


_second: tuple[float, str] = (0.0, "1970-01-01T00:00:00")  # the last second written: many records share it
_FRACTIONS = tuple(f".{number:03d}Z" for number in range(1000))


def timestamp(at: float) -> str:
    """RFC 3339 with milliseconds, UTC."""
    global _second  # replaced whole, so that threads never see half of it
    second, text = _second
    if not second <= at < second + 1.0:
        second = at // 1.0
        text = datetime.fromtimestamp(second, UTC).isoformat()[:19]
        _second = (second, text)
    return text + _FRACTIONS[int((at - second) * 1000.0)]
