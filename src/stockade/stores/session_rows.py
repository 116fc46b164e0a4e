"""A browser that is logged in, as it is kept."""

from __future__ import annotations

from msgspec import Struct

CLAIM = 15.0  # seconds after which a refresh that has not come back is another's to try


class SessionRow(Struct, frozen=True, gc=False):
    """One session as it is kept. Times are epoch seconds.

    tokens: sealed. ends: the latest it can last. refresh_at: from when its tokens should be refreshed, stale_at: from
    when they must have been; None where they cannot be. claimed: when someone last set about it.
    """

    digest: bytes
    party: str
    subject: str
    sid: str
    identity: bytes
    tokens: bytes
    created: float
    seen: float
    ends: float
    refresh_at: float | None = None
    stale_at: float | None = None
    claimed: float = 0.0

    def __repr__(self) -> str:
        return f"SessionRow({self.digest.hex()[:16]!r})"
