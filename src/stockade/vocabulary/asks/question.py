"""What every question is: a value with a typed reply, which a hook yields and a store answers."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

R = TypeVar("R")


class Ask(Struct, Generic[R], frozen=True, gc=False):
    """An atomic question to the outside whose reply is an `R`. Never a get followed by a set."""


Asking: TypeAlias = Generator[Ask[Any], Any, R]
"""What a hook that must ask returns: a generator that yields Asks and returns a Verdict."""


class StoreError(Exception):
    """A store cannot answer. The route's `failure` decides what that means for the request."""
