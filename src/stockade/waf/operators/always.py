"""unconditionalMatch matches every value, noMatch none. rsub and validateHash, which ModSecurity v3 knows by name but
has never built, are refused."""

from __future__ import annotations

from stockade.waf.operators.base import SOMEWHERE, Files, Test


def make_always(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return lambda value: SOMEWHERE  # noqa: ARG005


def make_never(argument: bytes, files: Files) -> Test:  # noqa: ARG001
    return lambda value: None  # noqa: ARG005
