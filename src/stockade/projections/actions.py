"""What is put in place of a value that somebody may not see: nothing at all, a mask, or a keyed hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

Action: TypeAlias = Callable[[Any], Any]
_BYTES = 16  # of a hash
_encode = msgspec.json.Encoder(order="sorted").encode


def _masked(value: Any) -> Any:
    """Nothing of the value, not even its length: "***" for a text, null for all else."""
    return "***" if type(value) is str else None


def _removed(value: Any) -> Any:  # noqa: ARG001 - never called: the member goes with its name
    return None


MASK: Final[Action] = _masked
REMOVE: Final[Action] = _removed


def hasher(key: bytes) -> Action:
    """A keyed hash (BLAKE2b, RFC 7693), 32 hexadecimal digits: equal values stay equal, and tell nothing else.

    key: 16 bytes or more; who has it can guess e-mail addresses and try them. null stays null.
    """
    if len(key) < 16:
        raise ValueError("the key of the hash is shorter than 16 bytes")
    start = hashlib.blake2b(digest_size=_BYTES, key=hashlib.sha256(key).digest())

    def hashed(value: Any) -> Any:
        if value is None:
            return None
        state = start.copy()
        state.update(value.encode() if type(value) is str else _encode(value))
        return state.hexdigest()

    return hashed
