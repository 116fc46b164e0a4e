"""What an operator is: `make` reads its argument once, at load; the Test it returns judges values, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol


class Hit(NamedTuple):
    """Where an operator matched, in bytes of the value."""

    offset: int
    length: int
    captures: tuple[bytes | None, ...] = ()
    """For TX:0 to TX:9 where the rule says `capture`: the whole match, then the groups; None for a group that took no
    part, whose TX keeps what it held."""
    overrun: bool = False
    """The operator did not finish in its time, which counts as a match."""


Test = Callable[[bytes], Hit | None]


class Files(Protocol):
    """The files that a rule's arguments name, found relative to the rule's own file. Both raise OSError."""

    def lines(self, name: str) -> list[bytes]:
        """The lines of a file, without their line feeds."""

    def path(self, name: str) -> Path: ...


Make = Callable[[bytes, Files], Test]


class BadArgument(ValueError):
    """An argument, or an operator, that is refused at load; the message says why and what to write."""


SOMEWHERE = Hit(0, 0)
"""The hit of an operator that judges a value as a whole, and so has no place to show."""
