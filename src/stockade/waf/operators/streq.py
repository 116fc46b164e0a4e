"""streq: the value is the argument, byte for byte."""

from __future__ import annotations

from stockade.waf.operators.base import Files, Hit, Test


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    hit = Hit(0, len(argument))
    return lambda value: hit if value == argument else None
