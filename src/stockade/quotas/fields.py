"""What a caller is told who asked too often."""

from __future__ import annotations

import math
from typing import Final

_MOST_RETRY: Final = 86400 * 366
WINDOWS: Final = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 2592000,
    "year": 31536000,
}


def throttle_fields(
    name: str, remaining: int, reset: float, retry_after: float, limit: int, unit: str
) -> tuple[tuple[str, str], ...]:
    """`Retry-After` (RFC 9110, section 10.2.3), `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-
    ratelimit-headers).

    remaining: requests. reset, retry_after: seconds. limit: requests in a calendar `unit`.
    """
    wait, until = (math.ceil(min(seconds, _MOST_RETRY)) for seconds in (retry_after, reset))
    return (
        ("retry-after", str(max(1, wait))),
        ("ratelimit", f'"{name}";r={max(0, remaining)};t={until}'),
        ("ratelimit-policy", f'"{name}";q={limit};w={WINDOWS[unit]}'),
    )
