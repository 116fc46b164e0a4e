"""beginsWith: the value begins with the argument, byte for byte. The empty argument begins every value."""

from __future__ import annotations

from stockade.waf.operators.base import Files, Hit, Test


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    hit = Hit(0, len(argument))
    return lambda value: hit if value.startswith(argument) else None
