"""The one error of this room."""

from __future__ import annotations


class BadLogin(ValueError):
    """A login, or a logout, that cannot be believed. `reason` is a stable word; nothing that came is kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
