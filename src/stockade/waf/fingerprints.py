"""Under what a text is remembered: a number that nobody outside can foresee, so that no text passes for another.

Python's own hash is that, keyed anew in each process (SipHash, PEP 456), unless PYTHONHASHSEED fixes its key. Where it
does, a keyed digest takes its place, at about two microseconds a text.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Hashable
from hashlib import blake2b

_KEY = secrets.token_bytes(32)


def keyed_digest(value: Hashable) -> int:
    """Of texts, numbers and tuples of them, which their `repr` tells apart."""
    return int.from_bytes(blake2b(repr(value).encode(), key=_KEY, digest_size=8).digest(), "little")


def choose(seed: str) -> Callable[[Hashable], int]:
    """What to use where PYTHONHASHSEED is `seed`."""
    return hash if seed in {"", "random"} else keyed_digest


fingerprint = choose(os.environ.get("PYTHONHASHSEED", ""))
