"""When which signing key is made, signs, and goes: computed from the clock alone, so that all who look agree.

slot n-1 ────signs────┤                      ├─ overlap ─┤ gone
               slot n │ made ├─ lead ─┤ signs ───────────┤ …
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class SigningKey(Struct, frozen=True, gc=False):
    """public: the JWK as JSON text. sealed: its private half. slot: the period in which it signs; a key that replaces
    another in its slot has the next generation. expires: when it leaves the JWKS. Times are epoch seconds."""

    kid: str
    slot: int
    generation: int
    public: str
    sealed: bytes
    created: float
    expires: float

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("kid", self.kid), ("slot", self.slot)]

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r}, slot={self.slot})"


class Schedule(Struct, frozen=True):
    """Seconds. rotate: how long each key signs. lead: how long it is published before, so that who caches the JWKS
    knows it in time. overlap: how long after, so that its last tokens can be verified to their end."""

    rotate: float
    lead: float
    overlap: float

    def slot(self, at: float) -> int:
        return int(at // self.rotate)

    def wanted(self, at: float) -> list[int]:
        """The slots that must have a key now."""
        now = self.slot(at)
        return [now, now + 1] if (now + 1) * self.rotate - at <= self.lead else [now]

    def expires(self, slot: int) -> float:
        return (slot + 1) * self.rotate + self.overlap
