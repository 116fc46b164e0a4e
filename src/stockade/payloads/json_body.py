"""JSON bodies, strictly: RFC 8259 and, of what that leaves open, I-JSON (RFC 7493).

`_json` tells in one pass in C whether a body is sound; it may doubt one that is, but misses nothing. What it doubts,
`json_exact` reads slowly and judges. The value of what is sound msgspec reads.
"""

from __future__ import annotations

from typing import Any

from msgspec import DecodeError
from msgspec.json import Decoder

from stockade.payloads._json import is_sound
from stockade.payloads.json_exact import read_exactly
from stockade.payloads.limits import DEFAULT, Limits

_decode = Decoder().decode


def read_json(body: bytes, limits: Limits = DEFAULT) -> Any:
    """The value of a JSON body: dict, list, str, int, float, bool or None.

    Raises BadPayload with JSON pointers: for what is not JSON, what two parsers could read differently, and what is
    beyond the limits. Time is linear in the size of the body.
    """
    if is_sound(body, limits.json):
        try:
            return _decode(body)
        except (DecodeError, RecursionError):  # an integer beyond 64 bits
            pass
    return read_exactly(body, limits)


def check_json(body: bytes, limits: Limits = DEFAULT) -> None:
    """As `read_json`, for who needs no value."""
    if not is_sound(body, limits.json):
        read_exactly(body, limits)
