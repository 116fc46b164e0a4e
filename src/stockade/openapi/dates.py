"""When an operation ends: the header fields Deprecation (RFC 9745) and Sunset (RFC 8594)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

SINCE = ("x-deprecated-since", "x-deprecation")
SUNSET = "x-sunset"
_LONG_AGO = "@0"  # RFC 9745 wants a date; of an operation that tells none, it is only sure that it was before now


class BadDate(ValueError):
    """What should be a date is none; the message says so."""


def lifetime_headers(operation: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The fields for the responses of an Operation Object. Raises BadDate."""
    fields: list[tuple[str, str]] = []
    since = next((operation[key] for key in SINCE if key in operation), None)
    if operation.get("deprecated") is True or since is not None:
        fields.append(("deprecation", _LONG_AGO if since is None else f"@{int(_moment(since).timestamp())}"))
    if SUNSET in operation:
        fields.append(("sunset", format_datetime(_moment(operation[SUNSET]), usegmt=True)))
    return tuple(fields)


def _moment(value: Any) -> datetime:
    """A date, which begins at midnight UTC, or a date and time of RFC 3339."""
    try:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, date):
            found = datetime.combine(value, time())
        else:
            found = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadDate(f"{str(value)[:40]!r} is not a date such as 2027-01-31 or 2027-01-31T00:00:00Z") from None
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
