"""endsWith: the value ends with the argument, byte for byte. The empty argument ends every value."""

from __future__ import annotations

from stockade.waf.operators.base import Files, Hit, Test


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    length = len(argument)
    return lambda value: Hit(len(value) - length, length) if value.endswith(argument) else None
