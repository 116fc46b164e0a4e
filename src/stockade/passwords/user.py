"""The stored half of a user."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class User(Struct, frozen=True, gc=False):
    """Whoever logs in with a name: a person, or a program of somebody's. Times are epoch seconds.

    id: random, ours alone. name: in its one form, never given to another, so that it may name the principal.
    password: as argon2id keeps it; empty for none. expires: when the account ends. stamp: grows with every change.
    factors: kinds of second factors that are ready for use: "totp", "passkey".
    """

    id: str
    name: str
    password: str = ""
    password_set: float = 0.0
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    tenant: str = ""
    email: str = ""
    created: float = 0.0
    disabled: float | None = None
    expires: float | None = None
    stamp: int = 0
    factors: frozenset[str] = frozenset()

    def refusal(self, at: float) -> Literal["disabled", "expired"] | None:
        """Why the user may not log in, whatever they show."""
        if self.disabled is not None and self.disabled <= at:
            return "disabled"
        if self.expires is not None and self.expires <= at:
            return "expired"
        return None

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id), ("name", self.name)]

    def __repr__(self) -> str:
        return f"User(id={self.id!r}, name={self.name!r})"


class Place(Struct, frozen=True, gc=False):
    """Where a user logged in from. at: the last time; strong: the last time with a second factor. Epoch seconds."""

    at: float
    strong: float | None = None
