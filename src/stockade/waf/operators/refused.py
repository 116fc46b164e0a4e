"""Operators that are known and refused at load, each with its reason: what they need would leave the process."""

from __future__ import annotations

from stockade.waf.operators.base import BadArgument, Files, Make, Test


def refusal(reason: str) -> Make:
    def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
        raise BadArgument(reason)

    return make
