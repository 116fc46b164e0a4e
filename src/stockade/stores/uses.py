"""How often a key was used, between two times that it is written down."""

from __future__ import annotations

from typing import NamedTuple


class Use(NamedTuple):
    """How often a key was used since that was last written down."""

    at: float  # the last time, epoch seconds
    times: int
